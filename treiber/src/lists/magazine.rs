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
//! - H2: `top` is a word that was on top at some moment, or 0; while it is trusted, it and all
//!   below was acquired (I8). A push
//!   may use it unseen: its exchange compares the word that it linked to, whatever that is. A pop
//!   may use it unseen, since it reads `next` after it and the exchange fails where the word is
//!   outdated; but a generation may have gone round since the handle's last operation. That does
//!   harm only if the very push that completes the round comes between the read and the exchange
//!   (the odds are in the documentation of `Handle`). So only where the generation is wide.
//! - H3: `trusted` falls when another thread was seen at work, and comes back when the head was
//!   found where it was left: a handle that races reads the head first.
//! - H4: `place` and `top_place` are the places of the words beside them, looked up before the
//!   exchange that makes the words current, so that the look-up overlaps with it; kept only where
//!   it is one.

use core::fmt;
use core::ptr;

use latchwork_sync::atomic::Ordering;

use super::free::Row;
use super::{Lists, Slot, Taken, look};
use crate::storage::{Map as _, Storage};

/// The part of a handle that is the same for all stacks.
pub struct Magazine<S: Storage> {
    current: Row,
    /// Of `current`'s first slot.
    place: *const Slot<S::Item>,
    /// A full batch, or nothing.
    spare: Row,
    top: u64,
    top_place: *const Slot<S::Item>,
    trusted: bool,
}

// SAFETY: it owns free slots; the pointers are into a stack that can be shared.
unsafe impl<S: Storage> Send for Magazine<S> where S::Item: Send {}
// SAFETY: a shared magazine does nothing.
unsafe impl<S: Storage> Sync for Magazine<S> where S::Item: Send {}

impl<S: Storage> Magazine<S> {
    pub(crate) fn new() -> Self {
        let (current, spare) = (Row::EMPTY, Row::EMPTY);
        let (place, top_place) = (ptr::null(), ptr::null());
        Self { current, place, spare, top: 0, top_place, trusted: false }
    }

    /// One exchange, and once a batch one more.
    ///
    /// # Safety
    ///
    /// All calls on one magazine are with the same lists.
    #[inline]
    pub(crate) unsafe fn push(&mut self, lists: &Lists<S>, value: S::Item) -> Result<(), S::Item> {
        if self.current.first == 0 && !self.refill(lists) {
            return Err(value);
        }
        let old = self.current.first;
        let map = lists.storage.map();
        let place = if S::LOOKS_UP { self.place } else { map.place(old) };
        // SAFETY: H4, and the lists' slots live as long as they.
        let slot = unsafe { &*place };
        // SAFETY: I4: the slot is this magazine's, and free.
        let next_free = unsafe { slot.link() };
        self.current.first = next_free;
        self.current.len = self.current.len.wrapping_sub(1);
        self.keep_place(map, next_free);
        // SAFETY: I4: the slot is this magazine's, and free.
        unsafe { slot.put(value) };
        let word = map.bumped(old);
        let seen = if self.trusted {
            self.top
        } else {
            // A look, not a glance: if it is the handle's own word, pops will go on from it
            // unseen (I8).
            let seen = look(&lists.top.used);
            self.trusted = seen == self.top;
            seen
        };
        if Lists::<S>::publish(&lists.top.used, seen, slot, word) != seen {
            self.trusted = false;
        }
        self.top = word;
        self.keep_top_place(place);
        Ok(())
    }

    /// One exchange, and once a batch one more.
    ///
    /// # Safety
    ///
    /// All calls on one magazine are with the same lists.
    #[inline]
    pub(crate) unsafe fn pop(&mut self, lists: &Lists<S>) -> Option<S::Item> {
        let map = lists.storage.map();
        let (seen, place) = if self.trusted && S::TRUSTS_POPS && self.top != 0 {
            let kept = S::LOOKS_UP;
            (self.top, if kept { self.top_place } else { map.place(self.top) })
        } else {
            let seen = look(&lists.top.used);
            self.trusted = seen == self.top;
            if seen == 0 {
                self.top = 0;
                return None;
            }
            (seen, map.place(seen))
        };
        // SAFETY: H4, and the lists' slots live as long as they.
        let next = unsafe { &*place }.next();
        let next_place = map.place(next);
        // Acquire on success: the word was acquired when it was read or believed (I8), but where
        // its generation has gone round since it was believed, it is another's push.
        let used = &lists.top.used;
        let exchange = used.compare_exchange_weak(seen, next, Ordering::Acquire, Ordering::Relaxed);
        let (word, place, next, next_place) = if exchange.is_ok() {
            (seen, place, next, next_place)
        } else {
            self.trusted = false;
            let Some(Taken { word, slot, next }) = Lists::<S>::unpublish_contended(used, map)
            else {
                self.top = 0;
                return None;
            };
            (word, slot, next, map.place(next))
        };
        self.top = next;
        self.keep_top_place(next_place);
        // SAFETY: as above.
        let slot = unsafe { &*place };
        // SAFETY: I4: the slot was just taken, and has a value.
        let value = unsafe { slot.take() };
        if self.current.len == lists.storage.batch() {
            self.flush(lists);
        }
        // SAFETY: I4: it is free now.
        unsafe { slot.set_link(self.current.first) };
        self.current.first = word;
        self.current.len = self.current.len.wrapping_add(1);
        if S::LOOKS_UP {
            self.place = place;
        }
        Some(value)
    }

    #[inline]
    fn keep_place(&mut self, map: S::Map<'_>, word: u64) {
        if S::LOOKS_UP {
            self.place = map.place(word);
        }
    }

    #[inline]
    fn keep_top_place(&mut self, place: *const Slot<S::Item>) {
        if S::LOOKS_UP {
            self.top_place = place;
        }
    }

    #[cold]
    fn refill(&mut self, lists: &Lists<S>) -> bool {
        self.current = core::mem::replace(&mut self.spare, Row::EMPTY);
        if self.current.first == 0 {
            match lists.take_row(lists.storage.batch()) {
                Some(row) => self.current = row,
                None => return false,
            }
        }
        self.keep_place(lists.storage.map(), self.current.first);
        true
    }

    /// Makes room for a slot.
    #[cold]
    fn flush(&mut self, lists: &Lists<S>) {
        let spare = core::mem::replace(&mut self.spare, self.current);
        self.current = Row::EMPTY;
        // SAFETY: the row is this magazine's.
        unsafe { lists.give(spare) };
    }

    /// Gives back what is in it.
    ///
    /// # Safety
    ///
    /// All calls on one magazine are with the same lists.
    pub(crate) unsafe fn spill(&mut self, lists: &Lists<S>) {
        for row in [&mut self.current, &mut self.spare] {
            let row = core::mem::replace(row, Row::EMPTY);
            // SAFETY: the row is this magazine's.
            unsafe { lists.give(row) };
        }
    }
}

impl<S: Storage> fmt::Debug for Magazine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("free_slots", &(self.current.len + self.spare.len))
            .finish_non_exhaustive()
    }
}
