//! Free slots: rows of them, on the list in batches.

use latchwork_sync::atomic::Ordering;

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
        for index in (index..index + count as u64).rev() {
            // SAFETY: given out to this call just now.
            unsafe { self.join(&mut row, self.storage.word(index)) };
        }
        Some(row)
    }

    /// Up to a batch of free slots, or `None` where there are none. The caller owns them.
    ///
    /// Fresh slots that have once run out never come back. So when the second look at the free
    /// list finds nothing, no slot was free at that moment, except one that another may have left
    /// in `last` since.
    #[cold]
    pub(super) fn take_row(&self, want: usize) -> Option<Row> {
        self.take_batch()
            .or_else(|| self.take_fresh(want))
            .or_else(|| self.take_last())
            .or_else(|| self.take_batch())
    }

    /// The slot in `last` as a row.
    fn take_last(&self) -> Option<Row> {
        let word = self.swap_last();
        if word == 0 {
            return None;
        }
        let mut row = Row::EMPTY;
        // SAFETY: I9.
        unsafe { self.join(&mut row, word) };
        Some(row)
    }

    /// Takes what is in `last`: the caller owns the slot, unless the word is 0.
    #[inline]
    fn swap_last(&self) -> u64 {
        // Acquire: pairs with the swap in `leave_slot` (I9).
        self.top.last.swap(0, Ordering::Acquire)
    }

    /// One free slot, or `None` where there are none. The caller owns it.
    #[inline]
    pub(crate) fn take_slot(&self) -> Option<u64> {
        // Only where there seems to be one, so that pushes in a row don't pay for it.
        if glance(&self.top.last) != 0 {
            let word = self.swap_last();
            if word != 0 {
                return Some(word);
            }
        }
        match Self::unpublish(&self.free, self.storage.map()) {
            Some(Taken { word, slot, .. }) => {
                // SAFETY: slots live as long as the storage.
                let first = unsafe { &*slot };
                // SAFETY: I4: it was just taken.
                let second = unsafe { first.link() };
                if second != 0 {
                    self.give_rest(second);
                }
                Some(word)
            }
            None => self.take_slot_slow(),
        }
    }

    #[cold]
    fn take_slot_slow(&self) -> Option<u64> {
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
        // SAFETY: by contract.
        unsafe { self.leave_slot(word, slot, glance(&self.top.last)) };
    }

    /// Leaves one free slot where the next push finds it: in `last`, if nothing was `seen` there.
    ///
    /// # Safety
    ///
    /// `slot` is that of `word`; the caller owns it, and gives it up.
    #[inline]
    pub(super) unsafe fn leave_slot(&self, word: u64, slot: &Slot<S::Item>, seen: u64) {
        if seen != 0 {
            // SAFETY: by contract.
            return unsafe { self.list_slot(word, slot) };
        }
        // Release: pairs with `swap_last`, and with this, Acquire, where another was as quick: its
        // slot is this thread's now (I9).
        let other = self.top.last.swap(word, Ordering::AcqRel);
        if other != 0 {
            // SAFETY: just taken (I9).
            unsafe { self.list_slot(other, self.slot(other)) };
        }
    }

    /// Puts one slot on the free list.
    ///
    /// # Safety
    ///
    /// `slot` is that of `word`; the caller owns it, and gives it up.
    #[inline]
    unsafe fn list_slot(&self, word: u64, slot: &Slot<S::Item>) {
        // SAFETY: the slot is the caller's, and free.
        unsafe { slot.set_link(0) };
        Self::publish(&self.free, glance(&self.free), slot, self.storage.bumped(word));
    }
}
