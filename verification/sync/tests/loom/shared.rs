//! Plain data that a scene hands from thread to thread.

use latchwork_sync::cell::UnsafeCell;

/// A plain value; loom fails the scene in which two accesses race.
pub(crate) struct Shared<T>(UnsafeCell<T>);

// SAFETY: the scenes share it on purpose: loom reports accesses that race.
unsafe impl<T> Sync for Shared<T> {}
// SAFETY: the values in it are plain integers.
unsafe impl<T> Send for Shared<T> {}

impl<T: Copy> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[track_caller]
    pub(crate) fn get(&self) -> T {
        // SAFETY: loom fails the scene where this races.
        self.0.with(|value| unsafe { *value })
    }

    #[track_caller]
    pub(crate) fn set(&self, new: T) {
        // SAFETY: loom fails the scene where this races.
        self.0.with_mut(|value| unsafe { *value = new });
    }
}
