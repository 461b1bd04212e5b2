//! The words in which a thread shows what it is looking at.

use alloc::boxed::Box;
use core::ptr;

use latchwork_sync::atomic::{AtomicMut, AtomicPtr, Ordering};
use latchwork_sync::cell::UnsafeCell;

/// Two cache lines of them; as few as will do for a model.
const BLOCK: usize = if cfg!(any(latchwork_loom, latchwork_shuttle)) { 2 } else { 8 };

/// A word for one object.
pub(super) struct Slot {
    /// What the owner protects; null if nothing. Written by the owner alone.
    object: AtomicPtr<()>,
    /// While the slot is unused: the next one that is. The owner's alone.
    next: UnsafeCell<*const Slot>,
}

impl Slot {
    fn new() -> Self {
        Self { object: AtomicPtr::new(ptr::null_mut()), next: UnsafeCell::new(ptr::null()) }
    }

    /// Shows that `object` is being looked at, and that what was shown before is not any more.
    #[inline(always)]
    pub(super) fn show(&self, object: *mut ()) {
        // Release: a scan that reads this comes after what was done with the object before (I3).
        self.object.store(object, Ordering::Release);
    }

    /// What is shown.
    pub(super) fn shown(&self) -> *mut () {
        // Acquire: pairs with the Release of the store that ended the protection of what the
        // reader is about to free (I3).
        self.object.load(Ordering::Acquire)
    }
}

struct Block {
    slots: [Slot; BLOCK],
    /// Set before the block is published, except that of a record's first block.
    more: AtomicPtr<Block>,
}

impl Block {
    fn new() -> Self {
        Self { slots: core::array::from_fn(|_| Slot::new()), more: AtomicPtr::new(ptr::null_mut()) }
    }
}

/// A thread's slots: as many as it asks for, never fewer than before.
pub(super) struct Slots {
    first: Block,
    /// A list of the unused ones. The owner's alone.
    unused: UnsafeCell<*const Slot>,
}

impl Slots {
    /// None is to be had before the first [`Slots::reset`].
    pub(super) fn new() -> Self {
        Self { first: Block::new(), unused: UnsafeCell::new(ptr::null()) }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        let mut next = ptr::from_ref(&self.first);
        core::iter::from_fn(move || {
            // SAFETY: blocks are freed with the record.
            let block = unsafe { next.as_ref() }?;
            // Acquire: pairs with the Release in `grow`. That a scan after a heavy sees the block
            // follows from the light of its first protection, which comes after `grow`.
            next = block.more.load(Ordering::Acquire);
            Some(block)
        })
    }

    /// Every slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.blocks().flat_map(|block| &block.slots)
    }

    /// Ends all protection, also by shields that were leaked, and makes all slots unused.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and no shield is in use.
    pub(super) unsafe fn reset(&self) {
        let mut unused = ptr::null();
        for slot in self.iter() {
            slot.show(ptr::null_mut());
            // SAFETY: the owner's alone.
            slot.next.with_mut(|next| unsafe { *next = unused });
            unused = ptr::from_ref(slot);
        }
        // SAFETY: as above.
        self.unused.with_mut(|list| unsafe { *list = unused });
    }

    /// Takes an unused slot, which shows nothing.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[inline(always)]
    pub(super) unsafe fn take(&self) -> &Slot {
        // SAFETY: the owner's alone.
        let first = self.unused.with(|list| unsafe { *list });
        // SAFETY: what is on the list is a slot of this record.
        let Some(slot) = (unsafe { first.as_ref() }) else {
            // SAFETY: the caller is the owner.
            return unsafe { self.grow() };
        };
        // SAFETY: the owner's alone.
        let next = slot.next.with(|next| unsafe { *next });
        // SAFETY: as above.
        self.unused.with_mut(|list| unsafe { *list = next });
        slot
    }

    /// Gives a slot back.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and the slot is one of these and in use by nobody.
    #[inline(always)]
    pub(super) unsafe fn give(&self, slot: &Slot) {
        slot.show(ptr::null_mut());
        // SAFETY: the owner's alone.
        let first = self.unused.with(|list| unsafe { *list });
        // SAFETY: as above.
        slot.next.with_mut(|next| unsafe { *next = first });
        // SAFETY: as above.
        self.unused.with_mut(|list| unsafe { *list = ptr::from_ref(slot) });
    }

    /// Makes more slots, and takes one.
    ///
    /// # Safety
    ///
    /// As [`Slots::take`].
    #[cold]
    unsafe fn grow(&self) -> &Slot {
        let mut block = Box::new(Block::new());
        // Relaxed: this thread's own store, if any.
        block.more.store_mut(self.first.more.load(Ordering::Relaxed));
        let block = Box::into_raw(block);
        // Release: pairs with the Acquire in `blocks`.
        self.first.more.store(block, Ordering::Release);
        // SAFETY: just made, and freed with the record.
        let [taken, rest @ ..] = unsafe { &(*block).slots };
        for slot in rest {
            // SAFETY: the caller is the owner; nobody has the slot.
            unsafe { self.give(slot) };
        }
        taken
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let mut next = self.first.more.load_mut();
        while !next.is_null() {
            // SAFETY: every block but the first came from a box, and nobody walks any more.
            let mut block = unsafe { Box::from_raw(next) };
            next = block.more.load_mut();
        }
    }
}
