//! Operations without a handle: any thread, at any time.

use latchwork_sync::atomic::Ordering;

use super::free::Row;
use super::{Drain, Lists, Taken, glance};
use crate::storage::{Map as _, Storage};

impl<S: Storage> Lists<S> {
    /// Two locked operations: one takes a free slot, one publishes it.
    ///
    /// What follows a locked operation waits for it, so whatever can be read before it is: where
    /// the slots are, and the head that the second exchange compares with. Should that be
    /// outdated by then, the exchange fails, as it would have later.
    #[inline]
    pub(crate) fn push(&self, value: S::Item) -> Result<(), S::Item> {
        let map = self.storage.map();
        let used = glance(&self.top.used);
        let Some(word) = self.take_slot() else { return Err(value) };
        // SAFETY: it was taken above, and slots live as long as the storage.
        let slot = unsafe { &*map.place(word) };
        // SAFETY: I4: the slot was just taken, and is free.
        unsafe { slot.put(value) };
        Self::publish(&self.top.used, used, slot, map.bumped(word));
        Ok(())
    }

    /// Two locked operations, as a push.
    #[inline]
    pub(crate) fn pop(&self) -> Option<S::Item> {
        let last = glance(&self.top.last);
        let Taken { word, slot, .. } = Self::unpublish(&self.top.used, self.storage.map())?;
        // SAFETY: it was just taken, and slots live as long as the storage.
        let slot = unsafe { &*slot };
        // SAFETY: I4: the slot was just taken, and has a value.
        let value = unsafe { slot.take() };
        // SAFETY: I4: as above; it is free now.
        unsafe { self.leave_slot(word, slot, last) };
        Some(value)
    }

    pub(crate) fn take_all(&self) -> Drain<'_, S> {
        // Acquire: pairs with `publish` (I5).
        let first = self.top.used.swap(0, Ordering::Acquire);
        // SAFETY: the swap took the whole chain.
        unsafe { Drain::new(self, first) }
    }

    /// Pushes all values in one exchange. Where the slots run out, those that fitted are pushed,
    /// and the others come back.
    pub(crate) fn push_all<I>(&self, values: I) -> Result<(), (S::Item, I::IntoIter)>
    where
        I: IntoIterator<Item = S::Item>,
    {
        let mut values = values.into_iter();
        let mut building = Building { lists: self, top: 0, bottom: 0, stock: Row::EMPTY };
        let result = loop {
            let Some(value) = values.next() else { break Ok(()) };
            if let Err(value) = building.add(value) {
                break Err(value);
            }
        };
        building.publish();
        result.map_err(|value| (value, values))
    }
}

/// A chain that is not published yet. Should the iterator panic, what is built so far is pushed
/// by the drop, so that no value is lost.
struct Building<'a, S: Storage> {
    lists: &'a Lists<S>,
    /// The newest slot's word, as it will be published; 0 for none.
    top: u64,
    /// The oldest slot's.
    bottom: u64,
    /// Free slots to build with.
    stock: Row,
}

impl<S: Storage> Building<'_, S> {
    fn add(&mut self, value: S::Item) -> Result<(), S::Item> {
        let lists = self.lists;
        if self.stock.first == 0 {
            match lists.take_row(lists.storage.batch()) {
                Some(row) => self.stock = row,
                None => return Err(value),
            }
        }
        // SAFETY: the stock is this chain's, and not empty.
        let word = lists.storage.bumped(unsafe { lists.split(&mut self.stock) });
        let slot = lists.slot(word);
        // SAFETY: I4: the slot is this chain's, and free.
        unsafe { slot.put(value) };
        // The new word of the slot below (I2).
        slot.set_next(self.top);
        self.top = word;
        if self.bottom == 0 {
            self.bottom = word;
        }
        Ok(())
    }

    fn publish(self) {
        drop(self);
    }
}

impl<S: Storage> Drop for Building<'_, S> {
    fn drop(&mut self) {
        let lists = self.lists;
        if self.top != 0 {
            let bottom = lists.slot(self.bottom);
            Lists::<S>::publish(&lists.top.used, glance(&lists.top.used), bottom, self.top);
        }
        // SAFETY: the stock is this chain's, which ends here.
        unsafe { lists.give(self.stock) };
    }
}
