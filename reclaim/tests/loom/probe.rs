//! Objects that know whether they were freed, and are not really freed before the scene ends: an
//! access that comes too late fails an assertion, one that is not ordered with the free fails in
//! loom's cell.

use std::cell::RefCell;

use latchwork_reclaim::{Owned, Reclaim};
use latchwork_sync::cell::UnsafeCell;

std::thread_local! {
    // The threads of a model all run on one thread of the system.
    static GRAVES: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
}

pub(super) struct Probe(UnsafeCell<bool>);

// SAFETY: shared on purpose: loom reports accesses that race.
unsafe impl Sync for Probe {}

impl Probe {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(true))
    }

    /// A reader's access.
    pub(super) fn look(&self) {
        // SAFETY: loom fails the scene where this races.
        assert!(self.0.with(|alive| unsafe { *alive }), "used after it was freed");
    }

    /// A look after the free, which is to have happened before.
    pub(super) fn is_freed(&self) -> bool {
        // SAFETY: loom fails the scene where this races.
        !self.0.with(|alive| unsafe { *alive })
    }

    /// The free.
    pub(super) fn free(&self) {
        // SAFETY: loom fails the scene where this races.
        let was = self.0.with_mut(|alive| unsafe { std::mem::replace(&mut *alive, false) });
        assert!(was, "freed twice");
    }
}

/// Marks the object as freed and keeps its memory until the scene ends.
pub(super) struct Bury;

impl<H: 'static> Reclaim<Probe, H> for Bury {
    fn reclaim(object: Owned<Probe, H>) {
        object.free();
        GRAVES.with_borrow_mut(|graves| graves.push(Box::new(object)));
    }
}

/// Ends the scene: how many objects were freed.
pub(super) fn count_graves() -> usize {
    GRAVES.with_borrow_mut(std::mem::take).len()
}
