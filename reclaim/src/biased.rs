//! A lock that its owner takes without a fence, and others by a heavy one.
//!
//! ```text
//! owner                                  guest
//! state += IN                            guest += VISITING      (one guest at a time)
//! light                                  heavy
//! visited? then state -= IN, wait        wait until not IN
//! ...                                    ...
//! state -= IN                            guest -= VISITING
//! ```
//!
//! ```text
//! state   | 31               2 |    1    | 0  |     guest   |   1    |    0     |
//!         | destructors ended  | RUNNING | IN |             | FENCES | VISITING |
//! ```
//!
//! The owner may leave with a destructor to run, of something that it has taken out: that others
//! can wait for (`RUNNING`, and the count that tells one destructor from the next).
//!
//! - I1: of an owner's light and a guest's heavy, the one that comes second has its thread see what
//!   the other stored before its own. So either the guest waits for the owner or the owner makes
//!   way for the guest, and at most one of them is in.
//! - I2: whoever comes in has acquired from the store by which the one before left.
//! - I3: while the fences are symmetric, `FENCES` is set, and the owner goes by `make_way`, which
//!   fences in earnest.
//!
//! Source: biased locking by an asymmetric Dekker duel (Dice, Huang, Yang, *Asymmetric Dekker
//! synchronization*, 2001).

use latchwork_sync::Backoff;
use latchwork_sync::asym::{self, Asymmetric};
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::cell::UnsafeCell;

/// The owner is in, or wants to be.
const IN: u32 = 1;
/// The owner runs a destructor.
const RUNNING: u32 = 1 << 1;
/// One destructor that has ended.
const ENDED: u32 = 1 << 2;

/// A guest is in, or waits for the owner to leave.
const VISITING: u32 = 1;
/// The fences are symmetric.
const FENCES: u32 = 1 << 1;

/// What one thread owns and others may borrow.
#[allow(missing_debug_implementations, unreachable_pub, reason = "public to models alone")]
pub struct Biased<T> {
    /// Written by the owner alone.
    state: AtomicU32,
    guest: AtomicU32,
    value: UnsafeCell<T>,
}

/// The fence of the many where the process has a barrier: no instruction.
#[inline(always)]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub(crate) fn light_by_barrier() {
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    latchwork_sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    if let Some(fences) = Asymmetric::proven() {
        fences.light();
    }
}

/// Puts the owner's state back, also where it panicked inside.
struct Leave<'a>(&'a AtomicU32, u32);

impl Drop for Leave<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the Acquire by which the next one comes in (I2).
        self.0.store(self.1, Ordering::Release);
    }
}

/// A destructor that runs: ends with this.
#[allow(missing_debug_implementations, unreachable_pub, reason = "public to models alone")]
pub struct Running<'a>(&'a AtomicU32);

impl Drop for Running<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let state = self.0.load(Ordering::Relaxed);
        // Release: pairs with the Acquire of a barrier that waits for the destructor.
        self.0.store((state & !RUNNING).wrapping_add(ENDED), Ordering::Release);
    }
}

// SAFETY: as for a mutex: one thread at a time has the value.
unsafe impl<T: Send> Sync for Biased<T> {}

#[allow(unreachable_pub, missing_docs, reason = "public to models alone")]
impl<T> Biased<T> {
    pub fn new(value: T) -> Self {
        let guest = if Asymmetric::proven().is_some() { 0 } else { FENCES };
        Self {
            state: AtomicU32::new(0),
            guest: AtomicU32::new(guest),
            value: UnsafeCell::new(value),
        }
    }

    /// The owner's access: two plain stores and two loads, unless there is a guest.
    ///
    /// # Safety
    ///
    /// The caller is the owner: calls of the owner's functions happen one after another. `f` calls
    /// nothing that leads back here.
    #[inline(always)]
    pub unsafe fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the caller's promise is the same.
        unsafe { self.take(|value| (None::<()>, f(value))) }.1
    }

    /// The owner's access, with something to take out. If there is, the owner leaves with a
    /// destructor to run: [`Biased::running`] must be called.
    ///
    /// # Safety
    ///
    /// As [`Biased::with`]; no destructor runs if `f` takes something out.
    #[inline(always)]
    pub unsafe fn take<E, R>(&self, f: impl FnOnce(&mut T) -> (Option<E>, R)) -> (Option<E>, R) {
        // Relaxed: the owner's own word.
        let before = self.state.load(Ordering::Relaxed);
        // Shown to a guest by the light. Release all the same: a barrier that waits for the
        // destructor before may find its end in this store.
        self.state.store(before | IN, Ordering::Release);
        if !has_fault!(OWNER_NO_LIGHT) {
            // Pairs with the heavy of `with_guest` (I1).
            light_by_barrier();
        }
        // Acquire: pairs with the Release of a guest that has left (I2).
        if self.guest.load(Ordering::Acquire) != 0 {
            self.make_way(before);
        }
        let mut leave = Leave(&self.state, before);
        let taken = self.value.with_mut(|value| {
            // SAFETY: the owner is in, so nobody else is (I1).
            f(unsafe { &mut *value })
        });
        if taken.0.is_some() {
            leave.1 = before | RUNNING;
        }
        taken
    }

    /// Lets a guest go first, and fences where that is due.
    #[cold]
    fn make_way(&self, before: u32) {
        let backoff = Backoff::new();
        loop {
            if !has_fault!(OWNER_NO_LIGHT) {
                // Pairs with the heavy of a guest (I1, I3).
                asym::light();
            }
            // Acquire: pairs with the Release of the guest's leaving (I2).
            if self.guest.load(Ordering::Acquire) & VISITING == 0 {
                return;
            }
            // Release, as in `Leave`.
            self.state.store(before, Ordering::Release);
            // Relaxed: the load at the loop's head finds no older value, and acquires.
            while self.guest.load(Ordering::Relaxed) & VISITING != 0 {
                backoff.snooze();
            }
            // Release, as in `take`.
            self.state.store(before | IN, Ordering::Release);
        }
    }

    /// Marks a destructor as running, of something that was not taken out by [`Biased::take`].
    pub fn begin_running(&self) {
        let state = self.state.load(Ordering::Relaxed);
        self.state.store(state | RUNNING, Ordering::Relaxed);
    }

    /// The destructor that runs, until this is dropped. For the owner.
    #[inline(always)]
    pub fn running(&self) -> Running<'_> {
        Running(&self.state)
    }

    /// Whether a destructor runs. For the owner.
    #[inline(always)]
    pub fn is_running(&self) -> bool {
        self.state.load(Ordering::Relaxed) & RUNNING != 0
    }

    /// Anyone else's access; and a mark of the destructor that the owner ran then, if any, for
    /// [`Biased::wait_for_destructor`].
    ///
    /// Cost: a heavy fence, and the wait for the owner to leave. `f` leads to no other call on this
    /// lock.
    pub fn with_guest<R>(&self, f: impl FnOnce(&mut T) -> R) -> (R, Option<u32>) {
        struct Visit<'a>(&'a AtomicU32);

        impl Drop for Visit<'_> {
            fn drop(&mut self) {
                // Release: pairs with the Acquire by which the next one comes in (I2).
                self.0.fetch_and(!VISITING, Ordering::Release);
            }
        }

        let backoff = Backoff::new();
        // Relaxed: only a reason to try. Acquire: pairs with the Release of the guest before (I2).
        while self.guest.load(Ordering::Relaxed) & VISITING != 0
            || self.guest.fetch_or(VISITING, Ordering::Acquire) & VISITING != 0
        {
            backoff.snooze();
        }
        let _visit = Visit(&self.guest);
        if !has_fault!(GUEST_NO_HEAVY) {
            // Pairs with the light of the owner (I1).
            asym::heavy();
        }
        let state = loop {
            // Acquire: pairs with the Release by which the owner left (I2).
            let state = self.state.load(Ordering::Acquire);
            if state & IN == 0 {
                break state;
            }
            backoff.snooze();
        };
        let result = self.value.with_mut(|value| {
            // SAFETY: this guest is in, so nobody else is (I1).
            f(unsafe { &mut *value })
        });
        (result, (state & RUNNING != 0).then_some(state))
    }

    /// Waits for the end of the destructor that ran when a guest saw `mark`.
    pub fn wait_for_destructor(&self, mark: u32) {
        let backoff = Backoff::new();
        // Acquire: pairs with the Release at the destructor's end.
        while self.state.load(Ordering::Acquire) & !IN == mark {
            backoff.snooze();
        }
    }

    /// The value of a lock that the caller has for itself.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}
