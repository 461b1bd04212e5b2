//! Everything that was on a stack, with one owner.

use core::fmt;
use core::iter::FusedIterator;

use super::free::Row;
use super::{Lists, glance};
use crate::storage::Storage;

/// Values taken from a stack in one swap.
///
/// Dropping it drops the rest; should one value's drop panic, the others are still dropped. Its
/// slots go back to the stack, batch by batch. Forgetting it leaks the rest and their slots until
/// the stack is dropped, and harms nothing else.
pub struct Drain<'a, S: Storage> {
    lists: &'a Lists<S>,
    /// The word of the slot whose value comes next; its chain is this drain's.
    first: u64,
    /// Slots that have become free.
    free: Row,
}

// SAFETY: it owns its values.
unsafe impl<S: Storage> Send for Drain<'_, S> where S::Item: Send {}
// SAFETY: a shared drain gives no access to the values.
unsafe impl<S: Storage> Sync for Drain<'_, S> where S::Item: Send {}

impl<'a, S: Storage> Drain<'a, S> {
    /// # Safety
    ///
    /// The caller owns the chain of slots with values that begins at `first`.
    pub(super) unsafe fn new(lists: &'a Lists<S>, first: u64) -> Self {
        Self { lists, first, free: Row::EMPTY }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == 0
    }

    /// The same values the other way round: one walk over their slots.
    pub(crate) fn reversed(mut self) -> Self {
        let (mut rest, mut done) = (self.first, 0);
        while rest != 0 {
            let slot = self.lists.slot(rest);
            let next = slot.next();
            // I3 holds: the words of a taken chain can be reached by its owner only.
            slot.set_next(done);
            (done, rest) = (rest, next);
        }
        self.first = done;
        self
    }

    /// Puts the rest back, in one exchange, its next value on top.
    pub(crate) fn put_back(mut self) {
        let (mut word, mut first, mut last) = (self.first, 0, 0);
        // Every slot gets a new generation: a pop may be stalled on an old one (I6).
        while word != 0 {
            let slot = self.lists.slot(word);
            let new = self.lists.storage.bumped(word);
            match last {
                0 => first = new,
                last => self.lists.slot(last).set_next(new),
            }
            (last, word) = (new, slot.next());
        }
        self.first = 0;
        if last != 0 {
            let used = &self.lists.top.used;
            Lists::<S>::publish(used, glance(used), self.lists.slot(last), first);
        }
    }
}

impl<S: Storage> Iterator for Drain<'_, S> {
    type Item = S::Item;

    #[inline]
    fn next(&mut self) -> Option<S::Item> {
        if self.first == 0 {
            return None;
        }
        let word = self.first;
        let slot = self.lists.slot(word);
        self.first = slot.next();
        // SAFETY: I4: the chain is this drain's, and the slot has a value.
        let value = unsafe { slot.take() };
        // SAFETY: as above; it is free now.
        unsafe { self.lists.join(&mut self.free, word) };
        if self.free.len == self.lists.storage.batch() {
            let batch = core::mem::replace(&mut self.free, Row::EMPTY);
            // SAFETY: the row is this drain's.
            unsafe { self.lists.give(batch) };
        }
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.first != 0), (self.first == 0).then_some(0))
    }
}

impl<S: Storage> FusedIterator for Drain<'_, S> {}

impl<S: Storage> Drop for Drain<'_, S> {
    fn drop(&mut self) {
        /// Goes on when a value's drop panics.
        struct Rest<'d, 'a, S: Storage>(&'d mut Drain<'a, S>);
        impl<S: Storage> Drop for Rest<'_, '_, S> {
            fn drop(&mut self) {
                while self.0.next().is_some() {}
                let row = core::mem::replace(&mut self.0.free, Row::EMPTY);
                // SAFETY: the row is this drain's.
                unsafe { self.0.lists.give(row) };
            }
        }
        let rest = Rest(self);
        while rest.0.next().is_some() {}
    }
}

impl<S: Storage> fmt::Debug for Drain<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
