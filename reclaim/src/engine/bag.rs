//! Bags of retired objects.

use alloc::vec::Vec;

use super::Mode;
use crate::orphans::Bundle;
use crate::retired::{Doomed, Retired};

/// A retired object in a bag; its size went into the bag's sum.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    object: *mut (),
    free: unsafe fn(*mut ()),
}

impl Entry {
    #[inline(always)]
    pub(super) fn new(retired: &Retired) -> Self {
        Self { object: retired.address(), free: retired.free_function() }
    }

    /// When the object was born.
    ///
    /// # Safety
    ///
    /// The object is of a domain of mode `M`, and not yet freed.
    unsafe fn birth<M: Mode>(self) -> u64 {
        // SAFETY: the caller says that the object is there; its header is at its address.
        M::birth(unsafe { self.object.cast::<M::Header>().read() })
    }
}

// SAFETY: `free` frees the object, and nothing else does.
unsafe impl Doomed for Entry {
    #[inline(always)]
    unsafe fn free(self) {
        // SAFETY: the two came from one `Retired`; the caller has the right to free it.
        unsafe { (self.free)(self.object) }
    }
}

/// A bag that was sealed with the number of the heavy it waits for.
pub(super) struct Sealed {
    /// The heavy; below the first one where the bag is ripe already.
    pub(super) number: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: usize,
    /// By birth: what is in the bag was born no later than this, if it is not 0.
    pub(super) held: u64,
}

impl Sealed {
    /// Leaves what was born up to `held`, and moves the rest, if any, to a ripe bag in `room`.
    pub(super) fn split_by_birth<M: Mode>(
        &mut self,
        held: u64,
        mut room: Vec<Entry>,
    ) -> Option<Self> {
        self.entries.retain(|entry| {
            // SAFETY: what is in a bag is of this domain, and not yet freed.
            let is_held = unsafe { entry.birth::<M>() } <= held;
            if !is_held {
                room.push(*entry);
            }
            is_held
        });
        self.held = held;
        // The bytes stay with what is still held, if anything is.
        let bytes = if self.entries.is_empty() { core::mem::take(&mut self.bytes) } else { 0 };
        (!room.is_empty()).then_some(Self { number: 0, entries: room, bytes, held: 0 })
    }
}

impl Bundle for Sealed {
    fn amount(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}
