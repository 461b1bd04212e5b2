//! Slots that grow by chunks and never move.
//!
//! ```text
//! index (32 bits) = chunk (6) │ place in the chunk (26)
//! ```
//!
//! The first chunk has `first` slots, each next one twice as many, up to 2^26. The table keeps
//! for each chunk not its own address but the address that index 0 would have if the chunk went
//! down to it, so that a slot is found by one load and one addition.
//!
//! - G1: an entry of the table is written once, by the exchange that publishes its chunk, and
//!   read with Acquire by whoever hands out slots of it. Whoever has a word has synchronised with
//!   that, through the lists.
//! - G2: `fresh` moves by exchange only and never beyond the end of its chunk, so that each index
//!   is given out once.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::CachePadded;
use latchwork_sync::atomic::{AtomicMut, AtomicPtr, AtomicU64, Ordering};
use latchwork_sync::const_fn;

use super::memory::row;
use super::width::{self, Width};
use super::{Map, Storage};
use crate::lists::Slot;

const CHUNKS: usize = 64;
const PLACE_BITS: u32 = 26;
const INDEX_BITS: u32 = 32;

/// See above.
pub struct Chunks<T, W> {
    /// Biased: see above. Null where there is no chunk yet.
    table: [AtomicPtr<Slot<T>>; CHUNKS],
    /// The slots of the first chunk, a power of two.
    first: usize,
    /// The next index that was never given out.
    fresh: CachePadded<AtomicU64>,
    width: PhantomData<W>,
}

/// How many places a chunk has.
fn len(first: usize, chunk: usize) -> usize {
    // The shift can't lose bits: 2^26 x 2^26 at most.
    let doubled = (first as u64) << chunk.min(PLACE_BITS as usize);
    doubled.min(1 << PLACE_BITS) as usize
}

impl<T, W: Width> Chunks<T, W> {
    const_fn! {
        /// No slots yet; the first chunk will have so many.
        pub(crate) fn new(first: usize) -> Self {
            assert!(first.is_power_of_two() && first >= 2);
            assert!(first <= 1 << PLACE_BITS);
            #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
            let table = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            let table = core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
            // Index 0 is no slot: the first chunk begins at 1.
            let fresh = CachePadded::new(AtomicU64::new(1));
            Self { table, first, fresh, width: PhantomData }
        }
    }

    /// Makes room for so many slots at once; false where there is no memory for it.
    pub(crate) fn reserve(&self, slots: usize) -> bool {
        let mut room = 0;
        for chunk in 0..CHUNKS {
            // Index 0 is not used.
            room += len(self.first, chunk) - usize::from(chunk == 0);
            if !self.ensure(chunk) {
                return false;
            }
            if room >= slots {
                return true;
            }
        }
        false
    }

    /// Allocates a chunk, unless it is there; false where there is no memory for it.
    #[cold]
    fn ensure(&self, chunk: usize) -> bool {
        let entry = &self.table[chunk];
        // Acquire: G1, pairs with the exchange below.
        if !entry.load(Ordering::Acquire).is_null() {
            return true;
        }
        let Some(row) = row::<T>(len(self.first, chunk)) else { return false };
        let memory = Box::into_raw(row);
        let biased = memory.cast::<Slot<T>>().wrapping_sub(chunk << PLACE_BITS);
        // Release: G1. Acquire: another's chunk is as good, and must be seen whole.
        if entry
            .compare_exchange(ptr::null_mut(), biased, Ordering::Release, Ordering::Acquire)
            .is_err()
        {
            // SAFETY: made above, and not published.
            drop(unsafe { Box::from_raw(memory) });
        }
        true
    }
}

// SAFETY: a chunk never moves and lives until the drop; G2.
unsafe impl<T, W: Width> Storage for Chunks<T, W> {
    type Item = T;

    const LOOKS_UP: bool = true;

    const TRUSTS_POPS: bool = W::BITS >= width::WIDE;

    type Map<'a>
        = ChunkMap<'a, T, W>
    where
        Self: 'a;

    #[inline]
    fn map(&self) -> ChunkMap<'_, T, W> {
        ChunkMap { table: &self.table, width: PhantomData }
    }

    #[cold]
    fn fresh(&self, want: usize) -> Option<(u64, usize)> {
        // Relaxed, here and below: G1 orders the memory.
        let mut at = self.fresh.load(Ordering::Relaxed);
        loop {
            let (chunk, place) =
                ((at >> PLACE_BITS) as usize, (at & ((1 << PLACE_BITS) - 1)) as usize);
            // A full chunk of the largest size carries over into the next one's number by itself.
            let full = place == len(self.first, chunk.min(CHUNKS - 1));
            let chunk = chunk + usize::from(full);
            if chunk == CHUNKS || !self.ensure(chunk) {
                return None;
            }
            let start = if full { (chunk as u64) << PLACE_BITS } else { at };
            let place = if full { 0 } else { place };
            let count = want.min(len(self.first, chunk) - place);
            match self.fresh.compare_exchange_weak(
                at,
                start + count as u64,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some((start, count)),
                Err(now) => at = now,
            }
        }
    }

    fn generation_bits(&self) -> u32 {
        width::generation_bits::<W>(INDEX_BITS)
    }

    /// So many that a burst of pushes and pops seldom goes to the free list, unless a handle would
    /// keep too much memory for that.
    #[inline]
    fn batch(&self) -> usize {
        const { if size_of::<Slot<T>>() <= 64 { 128 } else { 32 } }
    }
}

/// The table of chunks.
pub struct ChunkMap<'a, T, W> {
    table: &'a [AtomicPtr<Slot<T>>; CHUNKS],
    width: PhantomData<W>,
}

impl<T, W> Clone for ChunkMap<'_, T, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, W> Copy for ChunkMap<'_, T, W> {}

impl<T, W: Width> Map<T> for ChunkMap<'_, T, W> {
    #[inline]
    fn place(self, word: u64) -> *const Slot<T> {
        let index = word as u32;
        let entry = &self.table[(index >> PLACE_BITS) as usize];
        // Relaxed: whoever has the word has synchronised with G1's exchange. The bias and the
        // index cancel out to a place in the chunk.
        entry.load(Ordering::Relaxed).wrapping_add(index as usize)
    }

    #[inline]
    fn bumped(self, word: u64) -> u64 {
        width::bumped::<W>(word, 1 << INDEX_BITS)
    }
}

impl<T, W> Drop for Chunks<T, W> {
    fn drop(&mut self) {
        for chunk in 0..CHUNKS {
            let biased = self.table[chunk].load_mut();
            if !biased.is_null() {
                let memory = biased.wrapping_add(chunk << PLACE_BITS);
                let row = ptr::slice_from_raw_parts_mut(memory, len(self.first, chunk));
                // SAFETY: the row was made by `ensure` with this length; slots drop nothing.
                drop(unsafe { Box::from_raw(row) });
            }
        }
    }
}
