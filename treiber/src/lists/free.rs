//! Free slots: rows of them, on the list in batches.

use super::{Lists, Slot, Taken, glance};
use crate::storage::Storage;

/// A row of free slots with one owner, joined by their links.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The first slot's word; 0 for none.
    pub(super) first: u64,
    pub(super) len: usize,
}

impl Row {
    pub(super) const EMPTY: Self = Self { first: 0, len: 0 };
}

impl<S: Storage> Lists<S> {
    /// Takes the first slot off a row that is not empty.
    ///
    /// # Safety
    ///
    /// The caller owns the row.
    #[inline]
    pub(super) unsafe fn split(&self, row: &mut Row) -> u64 {
        let word = row.first;
        // SAFETY: the row is the caller's, and its slots are free.
        row.first = unsafe { self.slot(word).link() };
        row.len = row.len.wrapping_sub(1);
        word
    }

    /// Puts a free slot in front of a row.
    ///
    /// # Safety
    ///
    /// The caller owns both.
    #[inline]
    pub(super) unsafe fn join(&self, row: &mut Row, word: u64) {
        // SAFETY: the slot is the caller's, and free.
        unsafe { self.slot(word).set_link(row.first) };
        row.first = word;
        row.len = row.len.wrapping_add(1);
    }

    /// Puts a row on the free list, in one exchange.
    ///
    /// # Safety
    ///
    /// The caller owns the row, and gives it up.
    pub(super) unsafe fn give(&self, row: Row) {
        if row.first == 0 {
            return;
        }
        let first = self.slot(row.first);
        // SAFETY: the row is the caller's.
        let second = unsafe { first.link() };
        if second != 0 {
            self.slot(second).set_next(row.len as u64); // I7
        }
        // The head of a batch gets a new generation each time, so that it may come back unused.
        let word = self.storage.bumped(row.first);
        Self::publish(&self.free, glance(&self.free), first, word);
    }

    /// Takes a batch off the free list, in one exchange. The caller owns it.
    fn take_batch(&self) -> Option<Row> {
        let Taken { word, slot, .. } = Self::unpublish(&self.free, self.storage.map())?;
        // SAFETY: it was just taken, and slots live as long as the storage.
        let first = unsafe { &*slot };
        // SAFETY: I4: as above.
        let second = unsafe { first.link() };
        let len = if second == 0 { 1 } else { self.slot(second).next() as usize }; // I7
        Some(Row { first: word, len })
    }

    /// A row of slots that were never used. The caller owns it.
    fn take_fresh(&self, want: usize) -> Option<Row> {
        let (index, count) = self.storage.fresh(want)?;
        let mut row = Row::EMPTY;
        for word in (index..index + count as u64).rev() {
            // SAFETY: given out to this call just now.
            unsafe { self.join(&mut row, word) };
        }
        Some(row)
    }

    /// Up to a batch of free slots, or `None` where there are none. The caller owns them.
    ///
    /// Fresh slots that have once run out never come back, so that there is a moment between the
    /// two looks at the free list, the second, at which no slot was free in either place.
    #[cold]
    pub(super) fn take_row(&self, want: usize) -> Option<Row> {
        self.take_batch().or_else(|| self.take_fresh(want)).or_else(|| self.take_batch())
    }

    /// One free slot, or `None` where there are none. The caller owns it.
    #[inline]
    pub(crate) fn take_slot(&self) -> Option<u64> {
        match Self::unpublish(&self.free, self.storage.map()) {
            Some(Taken { word, slot, .. }) => {
                // SAFETY: I4: it was just taken.
                unsafe { self.keep_first(slot) };
                Some(word)
            }
            None => self.take_slot_slow(),
        }
    }

    /// Of a batch that was just taken keeps the first slot, and gives back the others.
    ///
    /// # Safety
    ///
    /// The caller owns the batch that `first` heads.
    #[inline]
    pub(super) unsafe fn keep_first(&self, first: *const Slot<S::Item>) {
        // SAFETY: slots live as long as the storage.
        let first = unsafe { &*first };
        // SAFETY: I4: the slot is the caller's, and free.
        let second = unsafe { first.link() };
        if second != 0 {
            self.give_rest(second);
        }
    }

    #[cold]
    pub(super) fn take_slot_slow(&self) -> Option<u64> {
        let mut row = self.take_row(1)?;
        // SAFETY: taken above.
        let word = unsafe { self.split(&mut row) };
        // SAFETY: taken above.
        unsafe { self.give(row) };
        Some(word)
    }

    /// Gives back a batch that was just taken, without its first slot.
    #[cold]
    fn give_rest(&self, second: u64) {
        let len = self.slot(second).next() as usize - 1; // I7
        // SAFETY: the caller has just taken the batch.
        unsafe { self.give(Row { first: second, len }) };
    }

    /// Gives one free slot.
    ///
    /// # Safety
    ///
    /// The caller owns it, and gives it up.
    #[inline]
    pub(crate) unsafe fn give_slot(&self, word: u64) {
        let slot = self.slot(word);
        // SAFETY: the slot is the caller's, and free.
        unsafe { slot.set_link(0) };
        Self::publish(&self.free, glance(&self.free), slot, self.storage.bumped(word));
    }
}
