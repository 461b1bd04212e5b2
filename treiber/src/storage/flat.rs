//! A fixed number of slots in one piece of memory.

use alloc::boxed::Box;
use core::marker::PhantomData;

use latchwork_sync::CachePadded;

use super::fresh::Fresh;
use super::memory::row;
use super::width::{self, Width};
use super::{Map, Storage};
use crate::lists::Slot;

/// Slots with the indices from 1.
pub struct Flat<T, W> {
    /// The slot of index 0 is there but never given out.
    row: Box<[Slot<T>]>,
    /// The generation's lowest bit; those below are the index.
    one_up: u64,
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
            one_up: 1 << index_bits,
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

    type Map<'a>
        = FlatMap<T, W>
    where
        Self: 'a;

    #[inline]
    fn map(&self) -> FlatMap<T, W> {
        let first = self.row.as_ptr();
        FlatMap { first, one_up: self.one_up, width: PhantomData }
    }

    fn fresh(&self, want: usize) -> Option<(u64, usize)> {
        self.fresh.take(want, self.slots() as u64)
    }

    fn generation_bits(&self) -> u32 {
        width::generation_bits::<W>(self.one_up.trailing_zeros())
    }

    #[inline]
    fn batch(&self) -> usize {
        self.batch
    }
}

/// Where the slots are, and the generation's lowest bit.
pub struct FlatMap<T, W> {
    first: *const Slot<T>,
    one_up: u64,
    width: PhantomData<W>,
}

impl<T, W> Clone for FlatMap<T, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, W> Copy for FlatMap<T, W> {}

impl<T, W: Width> Map<T> for FlatMap<T, W> {
    #[inline]
    fn place(self, word: u64) -> *const Slot<T> {
        self.first.wrapping_add((word & (self.one_up - 1)) as usize)
    }

    #[inline]
    fn bumped(self, word: u64) -> u64 {
        width::bumped::<W>(word, self.one_up)
    }
}
