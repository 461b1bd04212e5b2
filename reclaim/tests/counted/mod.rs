//! Objects whose drops are counted.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use latchwork_reclaim::Guard;

/// Counts how many of it were dropped.
pub(crate) struct Counted(pub(crate) Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn counter() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

/// Retires a new object that holds `value`.
pub(crate) fn retire_new<T, G: Guard>(guard: &G, value: T) {
    let object = guard.own(value).into_tagged();
    // SAFETY: never shared, retired once; the tests' values may be dropped anywhere.
    unsafe { guard.retire(object.as_shared()) };
}
