//! A count.

use core::fmt;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use crate::atomic::{AtomicU64, Ordering};

/// A number that a structure keeps for whoever looks at its statistics.
///
/// ```
/// use latchwork_sync::metrics::Count;
///
/// static SYNCS: Count = Count::new();
/// SYNCS.add_shared(2);
/// # #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
/// assert_eq!(SYNCS.get(), 2);
/// ```
#[derive(Default)]
pub struct Count(#[cfg(not(any(latchwork_loom, latchwork_shuttle)))] AtomicU64);

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
impl Count {
    /// Zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds, by the one writer there is: a load and a store. Wraps.
    #[inline]
    pub fn add(&self, more: u64) {
        // Relaxed, load and store: what makes the writer the only one orders it after the writer
        // before.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Adds, by any thread. Wraps.
    #[inline]
    pub fn add_shared(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Sets, by the one writer there is.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Sets to `value` if that is more, by the one writer there is.
    #[inline]
    pub fn raise_to(&self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }

    /// Sets to `value` if that is more, by any thread.
    #[inline]
    pub fn raise_to_shared(&self, value: u64) {
        // The load first: mostly it is no more, and the line stays shared.
        if value > self.get() {
            self.0.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// The number, at some moment of the call.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unused_self, reason = "the same interface as the real one")]
impl Count {
    /// Zero, for ever.
    #[must_use]
    pub const fn new() -> Self {
        Self()
    }

    /// Does nothing.
    pub fn add(&self, _more: u64) {}

    /// Does nothing.
    pub fn add_shared(&self, _more: u64) {}

    /// Does nothing.
    pub fn set(&self, _value: u64) {}

    /// Does nothing.
    pub fn raise_to(&self, _value: u64) {}

    /// Does nothing.
    pub fn raise_to_shared(&self, _value: u64) {}

    /// 0.
    pub fn get(&self) -> u64 {
        0
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}
