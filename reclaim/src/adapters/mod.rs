//! Other crates' schemes behind the same traits, to measure them on one's own structure or to move
//! to or from them step by step.

#[cfg(feature = "crossbeam-epoch")]
pub mod crossbeam;
#[cfg(feature = "haphazard")]
pub mod haphazard;

use alloc::sync::Arc;

use latchwork_sync::atomic::{AtomicUsize, Ordering};

/// An object that is being freed: no longer pending when this is dropped, also by a panic.
struct Freeing(Pending);

impl Drop for Freeing {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// Counts a handle's objects that are not yet freed.
#[derive(Clone, Debug, Default)]
struct Pending(Arc<AtomicUsize>);

impl Pending {
    fn add(&self) {
        // Relaxed: read by who has added, or has it from them.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn remove(&self) {
        // Release: pairs with the Acquire in `wait`.
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// Takes steps until nothing is pending.
    fn wait(&self, mut step: impl FnMut()) {
        // Acquire: pairs with the Release in `remove`: the destructors have run.
        while self.0.load(Ordering::Acquire) > 0 {
            step();
            latchwork_sync::thread::yield_now();
        }
    }

    /// As one word, which owns its count.
    #[cfg(feature = "haphazard")]
    fn into_raw(self) -> *const AtomicUsize {
        Arc::into_raw(self.0)
    }

    /// # Safety
    ///
    /// `raw` came from [`Pending::into_raw`], and this is the only call for it.
    #[cfg(feature = "haphazard")]
    unsafe fn from_raw(raw: *const AtomicUsize) -> Self {
        // SAFETY: the caller's promise is the same.
        Self(unsafe { Arc::from_raw(raw) })
    }
}
