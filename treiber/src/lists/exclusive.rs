//! Operations of a sole owner: no atomic instruction.

use latchwork_sync::atomic::AtomicMut;

use super::Lists;
use super::free::Row;
use crate::storage::Storage;

impl<S: Storage> Lists<S> {
    pub(crate) fn push_mut(&mut self, value: S::Item) -> Result<(), S::Item> {
        let Some(word) = self.take_slot_mut() else { return Err(value) };
        let below = self.top.used.load_mut();
        let new = self.storage.bumped(word);
        let slot = self.slot(new);
        // SAFETY: I4: the slot was just taken, and is free.
        unsafe { slot.put(value) };
        slot.set_next(below);
        self.top.used.store_mut(new);
        Ok(())
    }

    pub(crate) fn pop_mut(&mut self) -> Option<S::Item> {
        let word = self.top.used.load_mut();
        if word == 0 {
            return None;
        }
        let next = self.slot(word).next();
        self.top.used.store_mut(next);
        // SAFETY: I4: the slot was just taken, and has a value.
        let value = unsafe { self.slot(word).take() };
        let mut row = Row::EMPTY;
        // SAFETY: as above; it is free now.
        unsafe { self.join(&mut row, word) };
        self.give_mut(row);
        Some(value)
    }

    fn take_slot_mut(&mut self) -> Option<u64> {
        let last = self.top.last.load_mut();
        if last != 0 {
            self.top.last.store_mut(0);
            return Some(last);
        }
        let word = self.free.load_mut();
        if word == 0 {
            return self.take_slot();
        }
        let next = self.slot(word).next();
        self.free.store_mut(next);
        // SAFETY: it was just taken.
        let second = unsafe { self.slot(word).link() };
        if second != 0 {
            let len = self.slot(second).next() as usize; // I7
            self.give_mut(Row { first: second, len: len - 1 });
        }
        Some(word)
    }

    /// Puts a row that is the caller's on the free list.
    fn give_mut(&mut self, row: Row) {
        // SAFETY: it is not given to anyone else: this takes only the number out of it.
        let second = unsafe { self.slot(row.first).link() };
        if second != 0 {
            self.slot(second).set_next(row.len as u64); // I7
        }
        let below = self.free.load_mut();
        self.slot(row.first).set_next(below);
        let new = self.storage.bumped(row.first);
        self.free.store_mut(new);
    }

    /// Drops every value that is on the stack.
    pub(super) fn clear(&mut self) {
        // Nobody else has the stack, so this is a take-all without the swap.
        let first = self.top.used.load_mut();
        self.top.used.store_mut(0);
        // SAFETY: the chain was on the stack, which is the caller's.
        drop(unsafe { super::Drain::new(self, first) });
    }
}
