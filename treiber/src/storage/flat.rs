//! A fixed number of slots in one piece of memory.
//!
//! ```text
//! word = generation │ offset of the slot from the first, in units of 8 bytes
//! ```
//!
//! An offset in place of an index, since an x86-64 load scales by 8 on its own: then what a pop
//! needs to find its slot is one mask, whatever the size of a slot. The price is a bit or more of
//! generation for slots of 16 bytes or more.

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
    /// The bits of a word that are the offset; those above are the generation.
    mask: u64,
    batch: usize,
    fresh: CachePadded<Fresh>,
    width: PhantomData<W>,
}

impl<T, W: Width> Flat<T, W> {
    /// In models, and where a test wants words to be wrong, a word names a slot or nothing.
    const UNIT: usize = if W::BITS < 64 || cfg!(any(latchwork_loom, latchwork_shuttle)) {
        size_of::<Slot<T>>()
    } else {
        assert!(size_of::<Slot<T>>().is_multiple_of(8), "it begins with a word of 8 bytes");
        8
    };

    /// How many units a slot has.
    const UNITS: usize = size_of::<Slot<T>>() / Self::UNIT;

    /// So many slots, or `None` where there is no memory for them, or 32 bits can't name them.
    pub(crate) fn new(slots: usize, batch: usize) -> Option<Self> {
        let last = u32::try_from(slots.checked_mul(Self::UNITS)?).ok()?;
        Some(Self {
            row: row(slots.checked_add(1)?)?,
            mask: (1 << (u32::BITS - last.leading_zeros())) - 1,
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

// SAFETY: a box's slots don't move; `Fresh` gives each index once, and the mask has room for the
// offset of each.
unsafe impl<T, W: Width> Storage for Flat<T, W> {
    type Item = T;

    const LOOKS_UP: bool = false;

    // At most 32 bits are offset.
    const TRUSTS_POPS: bool = W::BITS >= width::WIDE;

    type Map<'a>
        = FlatMap<T, W>
    where
        Self: 'a;

    #[inline]
    fn map(&self) -> FlatMap<T, W> {
        let first = self.row.as_ptr();
        FlatMap { first, mask: self.mask, width: PhantomData }
    }

    fn fresh(&self, want: usize) -> Option<(u64, usize)> {
        self.fresh.take(want, self.slots() as u64)
    }

    #[inline]
    fn word(&self, index: u64) -> u64 {
        index * Self::UNITS as u64
    }

    fn generation_bits(&self) -> u32 {
        width::generation_bits::<W>(self.mask.trailing_ones())
    }

    #[inline]
    fn batch(&self) -> usize {
        self.batch
    }
}

/// Where the slots are, and which bits are the offset.
pub struct FlatMap<T, W> {
    first: *const Slot<T>,
    mask: u64,
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
        let offset = (word & self.mask) as usize;
        self.first.wrapping_byte_add(offset.wrapping_mul(Flat::<T, W>::UNIT))
    }

    /// As the place's offset, which is at hand: no slot has the offset 0.
    #[inline]
    fn is_slot(self, word: u64) -> bool {
        word & self.mask != 0
    }

    #[inline]
    fn bumped(self, word: u64) -> u64 {
        width::bumped::<W>(word, self.mask + 1)
    }
}
