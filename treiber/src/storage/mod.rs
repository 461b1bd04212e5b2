//! Where the slots are, and how a word names one.

mod chunks;
mod flat;
mod fresh;
mod inline;
mod memory;
mod width;

pub use chunks::Chunks;
pub use flat::Flat;
pub use inline::Inline;
pub use width::{Full, Narrow};

use crate::lists::Slot;

/// Slots that never move and live as long as the storage, named by the index in a word.
///
/// # Safety
///
/// - Its maps give the same slot for the same index at all times, different ones for different
///   indices, and keep the index when they give a word its next generation.
/// - `fresh` gives out each index at most once, never 0.
pub unsafe trait Storage {
    /// What a slot is for.
    type Item;

    /// What it takes to name slots.
    type Map<'a>: Map<Self::Item>
    where
        Self: 'a;

    /// Whether a handle may pop what it believes to be on top without looking, see
    /// `lists::magazine`.
    const TRUSTS_POPS: bool;

    /// Whether finding a place takes a look-up, so that handles keep those that they will need.
    const LOOKS_UP: bool;

    /// How words name the slots, to be kept in registers.
    fn map(&self) -> Self::Map<'_>;

    /// As [`Map::place`].
    #[inline]
    fn place(&self, word: u64) -> *const Slot<Self::Item> {
        self.map().place(word)
    }

    /// As [`Map::bumped`].
    #[inline]
    fn bumped(&self, word: u64) -> u64 {
        self.map().bumped(word)
    }

    /// Gives out up to `want` slots that were never used: a first index and how many from there.
    fn fresh(&self, want: usize) -> Option<(u64, usize)>;

    /// The first word of a slot that `fresh` gave out.
    #[inline]
    fn word(&self, index: u64) -> u64 {
        index
    }

    /// How many bits the generation has.
    fn generation_bits(&self) -> u32;

    /// How many slots a batch of free ones has at most.
    fn batch(&self) -> usize;
}

/// How words name slots: what of a storage does not change.
pub trait Map<T>: Copy {
    /// Where the slot is that a word names, if the word's index was given out by `fresh` and the
    /// caller has synchronised with that; some address otherwise.
    fn place(self, word: u64) -> *const Slot<T>;

    /// Whether a word that was read from a list names a slot, rather than the list's end.
    #[inline]
    fn is_slot(self, word: u64) -> bool {
        word != 0
    }

    /// The word of the same slot with its next generation.
    fn bumped(self, word: u64) -> u64;
}
