//! Memory that is reused: an access to it that is not ordered with its reuse fails the scene.

use latchwork_sync::cell::UnsafeCell;

pub(crate) struct Memory<T>(UnsafeCell<T>);

// SAFETY: the scenes share it on purpose: loom fails them where accesses race, and shuttle runs
// one thread at a time.
unsafe impl<T: Send> Sync for Memory<T> {}

impl<T: Copy> Memory<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    pub(crate) fn read(&self) -> T {
        // SAFETY: as for `Sync`.
        self.0.with(|value| unsafe { *value })
    }

    pub(crate) fn write(&self, value: T) {
        // SAFETY: as for `Sync`.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}
