//! A lock that its owner takes without a fence, and others by a heavy one.
//!
//! ```text
//! owner                                  guest
//! inside = true                          guest = true      (one guest at a time)
//! light                                  heavy
//! guest? then inside = false, wait       wait until not inside
//! ...                                    ...
//! inside = false                         guest = false
//! ```
//!
//! - I1: of an owner's light and a guest's heavy, the one that comes second has its thread see what
//!   the other stored before its own. So either the guest waits for the owner or the owner makes
//!   way for the guest, and at most one of them is in.
//! - I2: whoever comes in has acquired from the store by which the one before left.
//!
//! Source: biased locking by an asymmetric Dekker duel (Dice, Huang, Yang, *Asymmetric Dekker
//! synchronization*, 2001).

use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::{Backoff, asym, const_fn};

/// What one thread owns and others may borrow.
#[allow(missing_debug_implementations, unreachable_pub, reason = "public to models alone")]
pub struct Biased<T> {
    /// The owner is in, or wants to be. Written by the owner alone.
    inside: AtomicBool,
    /// A guest is in, or waits for the owner to leave.
    guest: AtomicBool,
    value: UnsafeCell<T>,
}

/// Opens the lock, also where the one who was in panicked.
struct Leave<'a>(&'a AtomicBool);

impl Drop for Leave<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the Acquire by which the next one comes in (I2).
        self.0.store(false, Ordering::Release);
    }
}

// SAFETY: as for a mutex: one thread at a time has the value.
unsafe impl<T: Send> Sync for Biased<T> {}

#[allow(unreachable_pub, missing_docs, reason = "public to models alone")]
impl<T> Biased<T> {
    const_fn! {
        pub fn new(value: T) -> Self {
            Self {
                inside: AtomicBool::new(false),
                guest: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// The owner's access: two plain stores and a load, unless there is a guest.
    ///
    /// # Safety
    ///
    /// The caller is the owner: calls of this function happen one after another. `f` calls nothing
    /// that leads back here.
    #[inline(always)]
    pub unsafe fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // Relaxed: shown to a guest by the light.
        self.inside.store(true, Ordering::Relaxed);
        if !has_fault!(OWNER_NO_LIGHT) {
            // Pairs with the heavy of `with_guest` (I1).
            asym::light();
        }
        // Acquire: pairs with the Release of a guest that has left (I2).
        if self.guest.load(Ordering::Acquire) {
            self.make_way();
        }
        let _leave = Leave(&self.inside);
        self.value.with_mut(|value| {
            // SAFETY: the owner is in, so nobody else is (I1).
            f(unsafe { &mut *value })
        })
    }

    /// Lets a guest go first.
    #[cold]
    fn make_way(&self) {
        let backoff = Backoff::new();
        loop {
            // Release, as in `Leave`.
            self.inside.store(false, Ordering::Release);
            // Acquire: pairs with the Release of the guest's `Leave` (I2).
            while self.guest.load(Ordering::Acquire) {
                backoff.snooze();
            }
            self.inside.store(true, Ordering::Relaxed);
            // Pairs with the heavy of the next guest (I1).
            asym::light();
            if !self.guest.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Anyone else's access.
    ///
    /// Cost: a heavy fence, and the wait for the owner to leave. `f` leads to no other call on this
    /// lock.
    pub fn with_guest<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let backoff = Backoff::new();
        // Acquire: pairs with the Release of the guest before (I2).
        while self
            .guest
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            backoff.snooze();
        }
        let _leave = Leave(&self.guest);
        if !has_fault!(GUEST_NO_HEAVY) {
            // Pairs with the light of `with` (I1).
            asym::heavy();
        }
        // Acquire: pairs with the Release by which the owner left (I2).
        while self.inside.load(Ordering::Acquire) {
            backoff.snooze();
        }
        self.value.with_mut(|value| {
            // SAFETY: this guest is in, so nobody else is (I1).
            f(unsafe { &mut *value })
        })
    }

    /// The value of a lock that the caller has for itself.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}
