//! The family's fast paths as functions with plain names, over the real generic code.
//!
//! `cargo verify codegen` compiles this as a release build and reads the assembly: what each of
//! them must look like stands there. Nothing calls them.

#![allow(unsafe_code, reason = "names for the assembly")]
#![allow(missing_docs, clippy::missing_errors_doc, reason = "each says its name")]
#![allow(clippy::let_unit_value, reason = "the same source with and without a probe")]

use latchwork_reclaim::{Epoch, Scheme, Snapshot};
use latchwork_rwlock::probe::{Probed, Sites};
use latchwork_rwlock::raw::Core;
use latchwork_rwlock::{Bounded, RawRwLock, RwLockReadGuard};
use latchwork_sync::atomic::{AtomicU64, Ordering, fence};
use latchwork_treiber::intrusive::{Mailbox, Node};
use latchwork_treiber::{ArrayStack, Handle, Stack};
use lock_api::RawRwLock as _;

type ArrayHandle<'a> = Handle<&'a ArrayStack<u64>>;

type EpochHandle = <Epoch as Scheme>::Handle;

#[unsafe(no_mangle)]
pub extern "Rust" fn mailbox_push(mailbox: &Mailbox<Box<Node<u64>>>, node: Box<Node<u64>>) -> bool {
    mailbox.push(node)
}

#[unsafe(no_mangle)]
pub extern "Rust" fn array_stack_push(stack: &ArrayStack<u64>, value: u64) -> Result<(), u64> {
    stack.push(value)
}

#[unsafe(no_mangle)]
pub extern "Rust" fn array_stack_pop(stack: &ArrayStack<u64>) -> Option<u64> {
    stack.pop()
}

#[unsafe(no_mangle)]
pub extern "Rust" fn stack_push(stack: &Stack<u64>, value: u64) -> Result<(), u64> {
    stack.try_push(value)
}

#[unsafe(no_mangle)]
pub extern "Rust" fn stack_pop(stack: &Stack<u64>) -> Option<u64> {
    stack.pop()
}

#[unsafe(no_mangle)]
pub extern "Rust" fn handle_push(handle: &mut ArrayHandle<'_>, value: u64) -> Result<(), u64> {
    handle.push(value)
}

#[unsafe(no_mangle)]
pub extern "Rust" fn handle_pop(handle: &mut ArrayHandle<'_>) -> Option<u64> {
    handle.pop()
}

/// What a mailbox's push must not be: the word that is linked to and the word that is compared
/// with come from two loads.
#[unsafe(no_mangle)]
pub extern "Rust" fn control_doubled_load(head: &AtomicU64, next: &mut u64, node: u64) {
    loop {
        *next = head.load(Ordering::Relaxed);
        let seen = head.load(Ordering::Relaxed);
        if head.compare_exchange(seen, node, Ordering::Release, Ordering::Relaxed).is_ok() {
            return;
        }
    }
}

#[unsafe(no_mangle)]
pub extern "Rust" fn epoch_pin(handle: &mut EpochHandle) {
    drop(handle.pin());
}

#[unsafe(no_mangle)]
pub extern "Rust" fn epoch_snapshot_load(
    handle: &mut EpochHandle,
    cell: &Snapshot<u64, Epoch>,
) -> u64 {
    let guard = handle.pin();
    *cell.load(&guard)
}

/// What a reader's path must not be.
#[unsafe(no_mangle)]
pub extern "Rust" fn control_reader_with_fence(word: &AtomicU64) -> u64 {
    fence(Ordering::SeqCst);
    word.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
pub extern "Rust" fn rwlock_read_pair(core: &Core) {
    if core.lock_shared(None) {
        // SAFETY: the share was just taken.
        unsafe { core.unlock_shared() };
    }
}

/// What a read through the guards' traits must be without a probe.
#[unsafe(no_mangle)]
pub extern "Rust" fn rwlock_core_read(core: &Core) {
    let held = core.lock_shared(None);
    debug_assert!(held, "there is no deadline");
    // SAFETY: a wait without a deadline ends with the lock.
    unsafe { core.unlock_shared() };
}

#[unsafe(no_mangle)]
pub extern "Rust" fn rwlock_probe_off_read(lock: &RawRwLock) {
    let held = lock.lock_shared();
    // SAFETY: the share was just taken.
    unsafe { lock.unlock_shared(held) };
}

/// What a write through the guards' traits must be without a probe.
#[unsafe(no_mangle)]
pub extern "Rust" fn rwlock_core_write(core: &Core) {
    let held = core.lock_exclusive(None);
    debug_assert!(held, "there is no deadline");
    // SAFETY: a wait without a deadline ends with the lock.
    unsafe { core.unlock_exclusive() };
}

#[unsafe(no_mangle)]
pub extern "Rust" fn rwlock_probe_off_write(lock: &RawRwLock) {
    let held = lock.lock_exclusive();
    // SAFETY: the lock was just taken.
    unsafe { lock.unlock_exclusive(held) };
}

/// What a read without a probe must not be.
#[unsafe(no_mangle)]
pub extern "Rust" fn control_probe_on_read(lock: &RawRwLock<Bounded, Probed<Sites>>) {
    let held = lock.lock_shared();
    // SAFETY: the share was just taken.
    unsafe { lock.unlock_shared(held) };
}

// Nor is there a byte of it.
const _: () = assert!(size_of::<RawRwLock>() == size_of::<Core>());
const _: () = assert!(size_of::<RwLockReadGuard<'_, u64>>() == size_of::<usize>());
