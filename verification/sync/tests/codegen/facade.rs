//! The shims over the facade.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::inline_always,
    clippy::no_mangle_with_rust_abi,
    reason = "only disassembled"
)]

mod sync {
    pub(crate) use latchwork_sync::atomic::*;
    use latchwork_sync::cell::UnsafeCell;
    pub(crate) use latchwork_sync::hint::spin_loop;

    pub type Cell = UnsafeCell<u64>;
    pub type Typed = Atomic<Word>;
    pub type Pair = AtomicPair;

    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub struct Word(u64);
    // SAFETY: an integer has no padding.
    unsafe impl NoUninit for Word {}

    #[inline(always)]
    pub(crate) fn read_exclusively(word: &mut AtomicU64) -> u64 {
        word.load_mut()
    }

    #[inline(always)]
    pub(crate) fn write_exclusively(word: &mut AtomicU64, value: u64) {
        word.store_mut(value);
    }

    #[inline(always)]
    pub(crate) fn bump(cell: &Cell) -> u64 {
        // SAFETY: nothing is run, and the caller would have to promise it.
        cell.with_mut(|value| unsafe { value.write(7) });
        // SAFETY: as above.
        cell.with(|value| unsafe { value.read() })
    }

    #[inline(always)]
    pub(crate) fn exchange_typed(word: &Typed, old: u64, new: u64) -> bool {
        word.compare_exchange(Word(old), Word(new), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[inline(always)]
    pub(crate) fn exchange_pair(pair: &Pair, old: &[u64; 2], new: &[u64; 2]) -> bool {
        let (old, new) = ((old[0], old[1]), (new[0], new[1]));
        pair.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

use latchwork_sync::asym::{self, Asymmetric, Fences};

/// What a reader of a fence-free scheme does: announce, fence, look.
#[unsafe(no_mangle)]
pub extern "C" fn shim_light(store: &AtomicUsize, load: &AtomicUsize) -> usize {
    store.store(1, Ordering::Relaxed);
    asym::light();
    load.load(Ordering::Relaxed)
}

/// A reader's record, in which the decision lies beside the word.
#[repr(C)]
pub struct Record {
    announced: AtomicUsize,
    fences: Fences,
}

#[unsafe(no_mangle)]
pub fn shim_copied_light(record: &Record, load: &AtomicUsize) -> usize {
    record.announced.store(1, Ordering::Relaxed);
    record.fences.light();
    load.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
pub fn shim_proven_light(store: &AtomicUsize, load: &AtomicUsize, fences: Asymmetric) -> usize {
    store.store(1, Ordering::Relaxed);
    fences.light();
    load.load(Ordering::Relaxed)
}

include!("shims.rs");
