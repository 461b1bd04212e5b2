//! A reusable event for one waiter, a thread or a task.
//!
//! One word tells what a setter has to do:
//!
//! | word | meaning | who leaves it |
//! | --- | --- | --- |
//! | `EMPTY` | not set, nobody to wake | anyone |
//! | `SET` | set | `reset`, `take` |
//! | `THREAD` | not set, a thread sleeps on the word | a setter, to `SET` |
//! | `TASK` | not set, a waker lies in the slot | a setter, to `CLAIMED`; the waiter |
//! | `CLAIMED` | a setter takes the waker out of the slot | that setter, to `SET` |
//!
//! - I1: a waiter leaves only after it has read `SET`.
//! - I2: a setter doesn't touch the event after the exchange that stores `SET`. The wake that
//!   follows uses the word's address alone, or a waker that was taken out before. So the waiter
//!   may free the event as soon as it has left.
//! - I3: a waker lies in the slot before the word says `TASK`, and only who has moved the word
//!   away from `TASK` touches the slot then. So a set either finds the waker or is found by the
//!   waiter.
//! - I4: the slot has a lock of its own, tried and never waited for, so that waiters who break
//!   the rule of one at a time lose wakes at worst, and never share the slot.
//!
//! Sources: Windows' manual-reset event, reduced to one waiter; the three-state parker of the
//! standard library; `futures`' `AtomicWaker`, whose flag and waker are here one word, so that
//! nothing is left to do after the flag is up.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::task::{Context, Poll};

use crate::atomic::{AtomicU32, Ordering};
use crate::const_fn;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use crate::model::site::{Role, is_dropped};
use crate::time::Instant;
use crate::wait::{Address, Class, Waited, wait, wake_one, wake_task};

mod slot;
mod wait_async;

use slot::Slot;
pub use wait_async::WaitAsync;

const EMPTY: u32 = 0;
const SET: u32 = 1;
const THREAD: u32 = 2;
const TASK: u32 = 3;
const CLAIMED: u32 = 4;

/// A reusable event that one thread or task waits on and any thread sets.
///
/// Memory ordering: what a thread did before [`Event::set`] is visible after the wait that it
/// ends. Progress: `set` is lock-free up to the wake itself; waiting blocks, polling never does.
///
/// The waiter may free the event as soon as a wait has told it that the event is set, though the
/// setter may still be inside `set`: after the step that ends the wait it doesn't touch the event
/// any more. After a deadline that passed, or a future dropped too early, a setter may still come.
///
/// Two who wait at once are a mistake that harms no memory: one of them may sleep for ever.
///
/// ```
/// use std::sync::Arc;
/// use latchwork_sync::{Event, thread};
///
/// let event = Arc::new(Event::new());
/// let setter = { let event = Arc::clone(&event); thread::spawn(move || event.set()) };
/// event.wait();
/// event.reset();
/// assert!(!event.is_set());
/// setter.join().unwrap();
/// ```
pub struct Event {
    state: AtomicU32,
    slot: Slot,
}

impl UnwindSafe for Event {}
impl RefUnwindSafe for Event {}

impl Event {
    const_fn! {
        /// An event that is not set.
        pub fn new() -> Self {
            Self { state: AtomicU32::new(EMPTY), slot: Slot::new() }
        }
    }

    /// Whether the event is set; with Acquire, as the end of a wait.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the exchange in `set`.
        self.state.load(Ordering::Acquire) == SET
    }

    /// Sets the event and wakes its waiter. Setting a set event changes nothing, but its waiter
    /// sees what was done before this call too if it ends its wait by [`Event::take`].
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn set(&self) {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        if is_dropped(core::panic::Location::caller(), Role::Set) {
            return;
        }
        self.exchange_and_wake();
    }

    #[inline(always)]
    fn exchange_and_wake(&self) {
        // Release: pairs with the waiter's Acquire loads. Relaxed: a failure decides nothing.
        if let Err(seen) =
            self.state.compare_exchange(EMPTY, SET, Ordering::Release, Ordering::Relaxed)
        {
            self.set_slow(seen);
        }
    }

    #[cold]
    fn set_slow(&self, mut seen: u32) {
        let address = Address::of(&self.state);
        let mut waker = None;
        loop {
            if seen == TASK {
                seen = match self.claim() {
                    Ok(()) => {
                        waker = self.slot.take().or(waker);
                        CLAIMED
                    }
                    Err(now) => now,
                };
                continue;
            }
            // Release and Relaxed: as in `set`. Also where the event is set already, so that
            // `take` sees every setter.
            match self.state.compare_exchange(seen, SET, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // Nothing of `self` is touched from here on (I2).
        if let Some(waker) = waker {
            wake_task(waker);
        }
        if seen == THREAD {
            wake_one(address);
        }
    }

    /// Makes the slot the calling setter's.
    fn claim(&self) -> Result<(), u32> {
        // Acquire: pairs with the exchange that stores TASK after the waker (I3).
        self.state.compare_exchange(TASK, CLAIMED, Ordering::Acquire, Ordering::Relaxed).map(|_| ())
    }

    /// Makes the event ready for its next use. For the waiter alone, between two uses: a set that
    /// comes at the same time may be lost (see [`Event::take`]).
    #[inline]
    pub fn reset(&self) {
        // Relaxed: whoever sets it next was told so by other means, which order this store.
        self.state.store(EMPTY, Ordering::Relaxed);
    }

    /// Resets the event and returns whether it was set. For the waiter alone.
    ///
    /// Memory ordering: a set either comes before, and then what its thread did is visible after
    /// this call, or after, and then ends the next wait. So a consumer that takes, looks at its
    /// queue and then waits misses no producer that queues and then sets.
    #[inline]
    pub fn take(&self) -> bool {
        // Acquire: pairs with every exchange in `set` since the last reset.
        self.state.compare_exchange(SET, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Blocks the thread until the event is set.
    #[inline]
    pub fn wait(&self) {
        if !self.is_set() {
            self.wait_slow(None);
        }
    }

    /// Blocks the thread until the event is set or the deadline passes; returns whether it is
    /// set.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn wait_until(&self, deadline: Instant) -> bool {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        if is_dropped(core::panic::Location::caller(), Role::Timer) {
            return self.is_set();
        }
        self.is_set() || self.wait_slow(Some(deadline))
    }

    #[cold]
    fn wait_slow(&self, deadline: Option<Instant>) -> bool {
        loop {
            if self.fall_asleep() {
                return true;
            }
            let timed_out = wait(&self.state, THREAD, Class::ANY, deadline) == Waited::TimedOut;
            if self.is_set() {
                return true;
            }
            if timed_out {
                // Acquire on failure: a set that came in this moment counts. Relaxed: nothing is
                // published.
                return self.state.compare_exchange(
                    THREAD,
                    EMPTY,
                    Ordering::Relaxed,
                    Ordering::Acquire,
                ) == Err(SET);
            }
        }
    }

    /// Announces a thread that sleeps; true if there is no need, since the event is set.
    fn fall_asleep(&self) -> bool {
        let mut seen = EMPTY;
        while seen != SET && seen != THREAD {
            // Whatever else the word says is overwritten. TASK: the waiter that left the waker is
            // the one that sleeps now. CLAIMED: that setter's last exchange finds THREAD. Relaxed
            // and Acquire: falling asleep publishes nothing; a failure may have read SET, which
            // pairs with `set`.
            match self.state.compare_exchange(seen, THREAD, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return false,
                Err(now) => seen = now,
            }
        }
        seen == SET
    }

    /// Whether the event is set; if it isn't, wakes the task of `context` once it is.
    ///
    /// Only the last waker given is woken. A task that stops polling before the event is set
    /// leaves its waker in the event until the next use or the drop; [`Event::wait_async`] takes
    /// it back. Progress: never blocks, never spins.
    #[inline]
    pub fn poll_wait(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_set() { Poll::Ready(()) } else { self.poll_slow(context) }
    }

    #[cold]
    fn poll_slow(&self, context: &mut Context<'_>) -> Poll<()> {
        let seen = self.disarm();
        if seen == SET {
            return Poll::Ready(());
        }
        // CLAIMED: the setter is about to wake an older waker, which may be another task's by now.
        if seen != CLAIMED && self.slot.put(context.waker().clone()).is_ok() {
            // Release: pairs with the Acquire of the setter that claims the waker (I3). Acquire: a
            // failure has read SET, which pairs with `set`.
            match self.state.compare_exchange(seen, TASK, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Poll::Pending,
                Err(SET) => {
                    drop(self.slot.take());
                    return Poll::Ready(());
                }
                // The rule of one waiter is broken: whoever is left behind has been woken.
                Err(_) => {}
            }
        }
        // Somebody else is at the slot: the task comes back when they have left.
        wake_task(context.waker().clone());
        Poll::Pending
    }

    /// Takes the announcement of a waker back, so that the slot is the waiter's; returns what the
    /// word says then, which is not TASK.
    fn disarm(&self) -> u32 {
        // Acquire: pairs with `set` where it reads SET.
        let mut seen = self.state.load(Ordering::Acquire);
        while seen == TASK {
            // Acquire: success, for the slot may have been filled by another thread that drove
            // the task; failure, for it may read SET.
            match self.state.compare_exchange(TASK, EMPTY, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return EMPTY,
                Err(now) => seen = now,
            }
        }
        seen
    }

    /// Waits as a task: ready once the event is set. Dropped before, it takes its waker back.
    ///
    /// ```
    /// # use latchwork_sync::Event;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let event = Event::new();
    /// let mut waiting = pin!(event.wait_async());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
    /// event.set();
    /// assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(()));
    /// ```
    pub fn wait_async(&self) -> WaitAsync<'_> {
        WaitAsync::new(self)
    }

    /// Forgets the waker of a task that waits no longer.
    fn withdraw(&self) {
        if self.disarm() == EMPTY {
            drop(self.slot.take());
        }
    }
}

/// Under a checker the end of an event is an access of its own, so that one who comes late is
/// found.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
impl Drop for Event {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            crate::atomic::AtomicMut::load_mut(&mut self.state);
            self.slot.end();
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut event = f.debug_struct("Event");
        // Under a checker reading it would be one more step of the model.
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        event.field("set", &self.is_set());
        event.finish_non_exhaustive()
    }
}
