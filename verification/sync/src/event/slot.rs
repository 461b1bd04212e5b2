//! A place for a waker, under a lock that is tried and never waited for.

use core::task::Waker;

use crate::atomic::{AtomicU32, Ordering};
use crate::cell::UnsafeCell;
use crate::const_fn;

const FREE: u32 = 0;
const HELD: u32 = 1;

/// A waker that any thread may put or take, as long as no other does so at the same time.
///
/// - S1: only who has moved `lock` from `FREE` to `HELD` touches `waker`, until it stores `FREE`.
pub(super) struct Slot {
    lock: AtomicU32,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: S1 gives each access to the waker, which is `Send`, an owner, and Acquire and Release
// on the lock their order.
unsafe impl Sync for Slot {}

impl Slot {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { lock: AtomicU32::new(FREE), waker: UnsafeCell::new(None) }
        }
    }

    /// Leaves a waker, in place of the one before; the waker comes back where somebody else is at
    /// the slot.
    pub(super) fn put(&self, waker: Waker) -> Result<(), Waker> {
        // The old waker is dropped after the lock is given back: that is code of the executor's,
        // which may come back to the event.
        let mut waker = Some(waker);
        if self.exchange(&mut waker) {
            return Ok(());
        }
        Err(waker.expect("nothing was exchanged"))
    }

    /// Takes the waker out; none where there is none or somebody else is at the slot.
    pub(super) fn take(&self) -> Option<Waker> {
        let mut waker = None;
        self.exchange(&mut waker);
        waker
    }

    /// Exchanges the waker for another; false where somebody else is at the slot.
    fn exchange(&self, other: &mut Option<Waker>) -> bool {
        // Acquire: pairs with the Release below, of whoever had the slot before.
        if self.lock.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        self.waker.with_mut(|waker| {
            // SAFETY: the lock is held (S1), and nothing here can call back or panic.
            core::mem::swap(unsafe { &mut *waker }, other);
        });
        // Release: pairs with the Acquire above.
        self.lock.store(FREE, Ordering::Release);
        true
    }

    /// The end of the slot, which a checker holds against accesses by others.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(super) fn end(&mut self) {
        crate::atomic::AtomicMut::load_mut(&mut self.lock);
        self.waker.get_mut();
    }
}
