//! A pop that is held up where it hurts: for the tests that show how wide a generation must be.

use latchwork_sync::atomic::Ordering;

use super::{Lists, glance, look};
use crate::storage::{Map as _, Storage};

impl<S: Storage> Lists<S> {
    /// A pop that does something else between its read of the top and its exchange. `None` when
    /// the exchange fails, or the stack was empty.
    pub(crate) fn pop_held_up(&self, meanwhile: impl FnOnce()) -> Option<S::Item> {
        let word = look(&self.top.used);
        if word == 0 {
            return None;
        }
        let slot = self.storage.map().place(word);
        // SAFETY: `word` was read with Acquire (I5, I8), and slots live as long as the storage.
        let slot = unsafe { &*slot };
        let next = slot.next();
        meanwhile();
        let used = &self.top.used;
        // Relaxed: the word was acquired when it was read.
        used.compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        // SAFETY: I4: the slot was just taken, and has a value; where the generation has wrapped,
        // a test's value that needs no drop.
        let value = unsafe { slot.take() };
        // SAFETY: as above; it is free now.
        unsafe { self.leave_slot(word, slot, glance(&self.top.last)) };
        Some(value)
    }
}
