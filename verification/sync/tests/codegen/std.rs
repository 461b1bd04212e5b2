//! The shims over what the facade is made of.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::inline_always,
    clippy::no_mangle_with_rust_abi,
    reason = "only disassembled"
)]

mod sync {
    use core::cell::UnsafeCell;
    pub(crate) use core::hint::spin_loop;
    pub(crate) use core::sync::atomic::*;

    pub struct Cell(UnsafeCell<u64>);
    pub struct Typed(AtomicU64);
    pub struct Pair(portable_atomic::AtomicU128);

    #[inline(always)]
    pub(crate) fn read_exclusively(word: &mut AtomicU64) -> u64 {
        *word.get_mut()
    }

    #[inline(always)]
    pub(crate) fn write_exclusively(word: &mut AtomicU64, value: u64) {
        *word.get_mut() = value;
    }

    #[inline(always)]
    pub(crate) fn bump(cell: &Cell) -> u64 {
        // SAFETY: nothing is run, and the caller would have to promise it.
        unsafe { cell.0.get().write(7) };
        // SAFETY: as above.
        unsafe { cell.0.get().read() }
    }

    #[inline(always)]
    pub(crate) fn exchange_typed(word: &Typed, old: u64, new: u64) -> bool {
        word.0.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[inline(always)]
    pub(crate) fn exchange_pair(pair: &Pair, old: &[u64; 2], new: &[u64; 2]) -> bool {
        let [old, new] = [old, new].map(|[low, high]| u128::from(*low) | u128::from(*high) << 64);
        pair.0.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// What the proof leaves of the fence.
#[unsafe(no_mangle)]
pub fn shim_proven_light(store: &AtomicUsize, load: &AtomicUsize) -> usize {
    store.store(1, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
    load.load(Ordering::Relaxed)
}

use sync::compiler_fence;

include!("shims.rs");
