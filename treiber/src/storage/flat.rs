//! A fixed number of slots in one piece of memory.

use alloc::boxed::Box;
use core::marker::PhantomData;

use latchwork_sync::CachePadded;

use super::Storage;
use super::fresh::Fresh;
use super::memory::row;
use super::width::{self, Width};
use crate::lists::Slot;

/// Slots with the indices from 1.
pub struct Flat<T, W> {
    /// The slot of index 0 is there but never given out.
    row: Box<[Slot<T>]>,
    /// All ones up to the highest bit of an index.
    mask: u64,
    index_bits: u32,
    batch: usize,
    fresh: CachePadded<Fresh>,
    width: PhantomData<W>,
}

impl<T, W: Width> Flat<T, W> {
    /// So many slots, or `None` where there is no memory for them.
    pub(crate) fn new(slots: usize, batch: usize) -> Option<Self> {
        let index_bits = usize::BITS - slots.leading_zeros();
        Some(Self {
            row: row(slots.checked_add(1)?)?,
            mask: (1 << index_bits) - 1,
            index_bits,
            batch,
            fresh: CachePadded::new(Fresh::new()),
            width: PhantomData,
        })
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.row.len() - 1
    }
}

// SAFETY: a box's slots don't move; `Fresh` gives each index once, and the mask keeps others out.
unsafe impl<T, W: Width> Storage for Flat<T, W> {
    type Item = T;

    const LOOKS_UP: bool = false;

    // At most 32 bits are index.
    const TRUSTS_POPS: bool = W::BITS >= width::WIDE;

    #[inline]
    fn place(&self, word: u64) -> *const Slot<T> {
        self.row.as_ptr().wrapping_add((word & self.mask) as usize)
    }

    fn fresh(&self, want: usize) -> Option<(u64, usize)> {
        self.fresh.take(want, self.slots() as u64)
    }

    #[inline]
    fn bumped(&self, word: u64) -> u64 {
        width::bumped::<W>(word, self.index_bits)
    }

    fn generation_bits(&self) -> u32 {
        width::generation_bits::<W>(self.index_bits)
    }

    #[inline]
    fn batch(&self) -> usize {
        self.batch
    }
}
