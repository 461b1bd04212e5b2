//! A number of slots that the type fixes, inside the stack itself.

use latchwork_sync::{CachePadded, const_fn};

use super::fresh::Fresh;
use super::width::{self, Full};
use super::{Map, Storage};
use crate::lists::Slot;

/// `N` slots with the indices from 1.
pub struct Inline<T, const N: usize> {
    fresh: CachePadded<Fresh>,
    row: [Slot<T>; N],
}

impl<T, const N: usize> Inline<T, N> {
    const INDEX_BITS: u32 = usize::BITS - N.leading_zeros();

    const_fn! {
        pub(crate) fn new() -> Self {
            #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
            let row = [const { Slot::new() }; N];
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            let row = core::array::from_fn(|_| Slot::new());
            Self { fresh: CachePadded::new(Fresh::new()), row }
        }
    }
}

// SAFETY: the slots lie in the storage, which does not move while it is shared or has slots in
// use by others; `Fresh` gives each index once.
unsafe impl<T, const N: usize> Storage for Inline<T, N> {
    type Item = T;

    const LOOKS_UP: bool = false;

    const TRUSTS_POPS: bool = 64 - Self::INDEX_BITS >= width::WIDE;

    type Map<'a>
        = InlineMap<T, N>
    where
        Self: 'a;

    #[inline]
    fn map(&self) -> InlineMap<T, N> {
        InlineMap(self.row.as_ptr())
    }

    fn fresh(&self, want: usize) -> Option<(u64, usize)> {
        self.fresh.take(want, N as u64)
    }

    fn generation_bits(&self) -> u32 {
        width::generation_bits::<Full>(Self::INDEX_BITS)
    }

    #[inline]
    fn batch(&self) -> usize {
        const { if N >= 256 { 16 } else { 1 } }
    }
}

/// Where the first slot is.
pub struct InlineMap<T, const N: usize>(*const Slot<T>);

impl<T, const N: usize> Clone for InlineMap<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for InlineMap<T, N> {}

impl<T, const N: usize> InlineMap<T, N> {
    const ONE_UP: u64 = 1 << Inline::<T, N>::INDEX_BITS;
}

impl<T, const N: usize> Map<T> for InlineMap<T, N> {
    #[inline]
    fn place(self, word: u64) -> *const Slot<T> {
        self.0.wrapping_add((word & (Self::ONE_UP - 1)) as usize).wrapping_sub(1)
    }

    #[inline]
    fn bumped(self, word: u64) -> u64 {
        width::bumped::<Full>(word, Self::ONE_UP)
    }
}
