//! How a task waits at its node.
//!
//! The waker lies in the node, and the state word says whose its place is:
//!
//! | `PARKED`, `TAKING` | the waker's place belongs to |
//! | --- | --- |
//! | neither | the owner, which is polling, or has left no waker |
//! | `PARKED` | whoever takes the bit off: the owner to replace the waker, the holder to take it |
//! | `TAKING` | the holder, until it stores `DONE` |
//!
//! - K1: the holder takes the waker out before it stores `DONE`, and wakes through it after: the
//!   node may be gone by then (N2).
//! - K2: an owner that finds `TAKING` has itself polled again, since the waker on its way out may
//!   be an older one; `DONE` is then at most a few instructions of the holder's away.
//! - K3: a waker that panics is caught: its operation's answer is stored by then, and nobody else
//!   is concerned. It has lost its wake, and that is its owner's matter.
//!
//! Source: `futures`' `AtomicWaker`, with its flag in the node's own word, so that answer, waker
//! and withdrawal are decided by one exchange each.

use core::panic::AssertUnwindSafe;
use core::task::{Context, Poll};
use std::panic::catch_unwind;

use latchwork_sync::atomic::Ordering;

use crate::flaws::Flaws;
use crate::node::{DONE, FORGOTTEN, Node, PARKED, TAKING};
use crate::sink::Sink;

impl<S: Sink> Node<S> {
    /// Ready when the answer is there; if it isn't, the task is woken once it is.
    pub(crate) fn poll_answer<F: Flaws>(&self, context: &mut Context<'_>) -> Poll<()> {
        // Acquire: pairs with the exchange in `fulfil` that stores DONE.
        let mut seen = self.state.load(Ordering::Acquire);
        while seen & PARKED != 0 && !F::WAKER_IN_PLACE {
            // Relaxed: the place was last filled by this owner. Acquire: a failure may read DONE.
            let off = seen & !PARKED;
            match self.state.compare_exchange(seen, off, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => seen = off,
                Err(now) => seen = now,
            }
        }
        if seen & DONE != 0 {
            return Poll::Ready(());
        }
        if seen & TAKING != 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.leave_waker(context);
        loop {
            if F::WAKER_BY_STORE {
                self.state.store(seen | PARKED, Ordering::Relaxed);
                return Poll::Pending;
            }
            // Release: gives the waker to the holder that takes the bit off. Acquire: a failure
            // may read DONE.
            let on = seen | PARKED;
            match self.state.compare_exchange(seen, on, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Poll::Pending,
                Err(now) if now & DONE != 0 => return Poll::Ready(()),
                // Claimed meanwhile.
                Err(now) => seen = now,
            }
        }
    }

    fn leave_waker(&self, context: &Context<'_>) {
        let waker = context.waker();
        // SAFETY: the place is the owner's: neither bit is set.
        let same = |place: *const Option<core::task::Waker>| unsafe {
            (*place).as_ref().is_some_and(|old| old.will_wake(waker))
        };
        if self.waker.with(same) {
            return;
        }
        // Cloned before and dropped after, since both may panic or come back to us.
        let new = Some(waker.clone());
        // SAFETY: as above.
        let old = self.waker.with_mut(|place| unsafe { core::mem::replace(&mut *place, new) });
        drop(old);
    }
}

/// Tells the task that its answer is in the node; returns whether it had to be woken.
///
/// # Safety
///
/// As `node::answer`, for a node of a task.
pub(crate) unsafe fn fulfil<S: Sink, F: Flaws>(node: *mut Node<S>) -> bool {
    // SAFETY: a claimed node belongs to the holder of the role until it has stored DONE (N1).
    let state = unsafe { &(*node).state };
    // SAFETY: as above.
    let place = unsafe { &(*node).waker };
    // SAFETY: for whom the place belongs to.
    let take = || place.with_mut(|place| unsafe { (*place).take() });
    let mut waker = None;
    // Relaxed: only a hint for the exchanges.
    let mut seen = state.load(Ordering::Relaxed);
    loop {
        if seen & (PARKED | FORGOTTEN) == PARKED && !F::WAKER_AFTER_ANSWER {
            // Acquire: pairs with the Release exchange that left the waker.
            let taking = seen & !PARKED | TAKING;
            match state.compare_exchange(seen, taking, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    waker = take();
                    seen = taking;
                }
                Err(now) => seen = now,
            }
            continue;
        }
        // AcqRel: Release gives the owner the answer; Acquire takes what an owner that has left
        // did before (N4).
        match state.compare_exchange(seen, DONE, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    if seen & FORGOTTEN != 0 {
        // SAFETY: its owner came first (N4).
        drop(unsafe { Box::from_raw(node) });
        return false;
    }
    if F::WAKER_AFTER_ANSWER && seen & PARKED != 0 {
        waker = take();
    }
    // From here on the node is its owner's (N2).
    let Some(waker) = waker else { return false };
    // A panic has been reported by the panic hook (K3).
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    true
}
