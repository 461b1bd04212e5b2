//! A thread's own free slots, and its belief of what is on top.
//!
//! ```text
//! current ──► slot ──► slot ──► …       taken from and put to, one by one
//! spare   ──► slot ──► … (a full batch, or nothing)
//! ```
//!
//! A push takes a slot from `current`, a pop puts one there; the stack's free list is touched once
//! a batch. With two rows a thread that goes back and forth over the end of one does not go to
//! the list each time. So a pair costs two exchanges.
//!
//! - H1: a magazine never has more than two batches, and a slot in hand: what a full stack's
//!   other handles can hold back is bounded.
//! - H2: `top` is a word that was on top at some moment, or 0. A push may use it unseen: its
//!   exchange compares the word that it linked to, whatever that is (see `lists`, Wrap). A pop may
//!   use it unseen, since it reads `next` after it and the exchange fails where the word is
//!   outdated; but its time for a wrap runs from the handle's last operation. So only where the
//!   generation is wide.
//! - H3: `trusted` falls when another thread was seen at work, and comes back when the head was
//!   found where it was left: a handle that races reads the head first.

use core::fmt;

use latchwork_sync::Backoff;
use latchwork_sync::atomic::Ordering;

use super::free::Row;
use super::{Lists, Slot, reread};
use crate::storage::Storage;

/// The part of a handle that is the same for all stacks.
pub struct Magazine<'a, S: Storage> {
    lists: &'a Lists<S>,
    current: Row,
    /// A full batch, or nothing.
    spare: Row,
    top: u64,
    /// Where `top` is, if that is known.
    top_slot: Option<&'a Slot<S::Item>>,
    trusted: bool,
}

// SAFETY: it owns free slots, and refers to a stack that can be shared.
unsafe impl<S: Storage> Send for Magazine<'_, S> where S::Item: Send {}
// SAFETY: a shared magazine does nothing.
unsafe impl<S: Storage> Sync for Magazine<'_, S> where S::Item: Send {}

impl<'a, S: Storage> Magazine<'a, S> {
    pub(crate) fn new(lists: &'a Lists<S>) -> Self {
        let (current, spare) = (Row::EMPTY, Row::EMPTY);
        Self { lists, current, spare, top: 0, top_slot: None, trusted: false }
    }

    pub(crate) fn lists(&self) -> &'a Lists<S> {
        self.lists
    }

    /// One exchange, and once a batch one more.
    #[inline]
    pub(crate) fn push(&mut self, value: S::Item) -> Result<(), S::Item> {
        if self.current.first == 0 && !self.refill() {
            return Err(value);
        }
        let lists = self.lists;
        // SAFETY: the row is this magazine's, and not empty.
        let old = unsafe { lists.split(&mut self.current) };
        let slot = lists.slot(old);
        // SAFETY: I4: the slot is this magazine's, and free.
        unsafe { slot.put(value) };
        let word = lists.storage.bumped(old);
        let seen = if self.trusted {
            self.top
        } else {
            // Relaxed: only linked to and compared with.
            let seen = lists.used.load(Ordering::Relaxed);
            self.trusted = seen == self.top;
            seen
        };
        slot.set_next(seen);
        // Release: pairs with the Acquire of pops and takes (I5).
        if lists
            .used
            .compare_exchange_weak(seen, word, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.trusted = false;
            Lists::<S>::publish(&lists.used, slot, word);
        }
        self.top = word;
        self.top_slot = Some(slot);
        Ok(())
    }

    /// One exchange, and once a batch one more.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<S::Item> {
        let lists = self.lists;
        let seen = if self.trusted && lists.storage.trusts_pops() && self.top != 0 {
            self.top
        } else {
            // Acquire: pairs with `publish`.
            let seen = lists.used.load(Ordering::Acquire);
            self.trusted = seen == self.top;
            if seen == 0 {
                self.top = 0;
                return None;
            }
            seen
        };
        let slot = match self.top_slot {
            Some(slot) if seen == self.top => slot,
            _ => lists.slot(seen),
        };
        let next = slot.next();
        // Acquire: an unseen `top` was not acquired when it was believed (H2).
        let taken = match lists.used.compare_exchange_weak(
            seen,
            next,
            Ordering::Acquire,
            Ordering::Relaxed,
        ) {
            Ok(_) => Some((seen, slot, next)),
            Err(_) => self.pop_contended(),
        };
        let Some((word, slot, next)) = taken else {
            self.top = 0;
            return None;
        };
        self.top = next;
        self.top_slot = None;
        // SAFETY: I4: the slot was just taken, and has a value.
        let value = unsafe { slot.take() };
        if self.current.len == lists.storage.batch() {
            self.flush();
        }
        // SAFETY: I4: it is free now.
        unsafe { lists.join(&mut self.current, word) };
        Some(value)
    }

    /// The pop after a lost race: reads, and backs off when it loses again.
    #[cold]
    fn pop_contended(&mut self) -> Option<(u64, &'a Slot<S::Item>, u64)> {
        self.trusted = false;
        let lists = self.lists;
        let backoff = Backoff::new();
        // Acquire: pairs with `publish`.
        let mut seen = lists.used.load(Ordering::Acquire);
        while seen != 0 {
            let slot = lists.slot(seen);
            let next = slot.next();
            // Relaxed on success: as in `unpublish`.
            match lists.used.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some((seen, slot, next)),
                Err(_) => seen = reread(&lists.used, &backoff, Ordering::Acquire),
            }
        }
        None
    }

    #[cold]
    fn refill(&mut self) -> bool {
        self.current = core::mem::replace(&mut self.spare, Row::EMPTY);
        if self.current.first == 0 {
            match self.lists.take_row(self.lists.storage.batch()) {
                Some(row) => self.current = row,
                None => return false,
            }
        }
        true
    }

    /// Makes room for a slot.
    #[cold]
    fn flush(&mut self) {
        let spare = core::mem::replace(&mut self.spare, self.current);
        self.current = Row::EMPTY;
        // SAFETY: the row is this magazine's.
        unsafe { self.lists.give(spare) };
    }
}

impl<S: Storage> Drop for Magazine<'_, S> {
    fn drop(&mut self) {
        // SAFETY: the rows are this magazine's, which ends here.
        unsafe { self.lists.give(self.current) };
        // SAFETY: as above.
        unsafe { self.lists.give(self.spare) };
    }
}

impl<S: Storage> fmt::Debug for Magazine<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("free_slots", &(self.current.len + self.spare.len))
            .finish_non_exhaustive()
    }
}
