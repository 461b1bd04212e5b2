//! A reusable event for one waiter.
//!
//! One word: `EMPTY`, `SET`, or `ASLEEP` while the waiter sleeps on it. Whoever sets the event
//! replaces the word by `SET` in one exchange and wakes only if it replaced `ASLEEP`.
//!
//! - I1: the waiter leaves only after it has read `SET`.
//! - I2: the setter doesn't touch the event after the exchange that stores `SET`; the wake that
//!   may follow uses the address alone. So the waiter may free the event as soon as it has left.
//! - I3: only the waiter stores `EMPTY` and `ASLEEP`.
//!
//! Source: Windows' manual-reset event, reduced to one waiter; the three-state parker of the
//! standard library.

use core::fmt;

use crate::atomic::{AtomicU32, Ordering};
use crate::const_fn;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use crate::model::site::Role;
use crate::time::Instant;
use crate::wait::{Address, Class, wait, wake_one};

const EMPTY: u32 = 0;
const SET: u32 = 1;
const ASLEEP: u32 = 2;

/// A reusable event that one thread waits on and any thread sets.
///
/// Memory ordering: what a thread did before [`Event::set`] is visible after the wait that it
/// ends. Progress: `set` is wait-free up to the system call of a wake; waiting blocks.
///
/// Two threads that wait at once are a mistake that harms no memory: one of them may sleep until
/// the next set.
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
}

impl Event {
    const_fn! {
        /// An event that is not set.
        pub fn new() -> Self {
            Self { state: AtomicU32::new(EMPTY) }
        }
    }

    /// Whether the event is set; with Acquire, as the end of a wait.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the exchange in `set`.
        self.state.load(Ordering::Acquire) == SET
    }

    /// Sets the event and wakes its waiter. Setting a set event changes nothing.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn set(&self) {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        if crate::model::site::is_dropped(core::panic::Location::caller(), Role::Set) {
            return;
        }
        self.exchange_and_wake();
    }

    #[inline(always)]
    fn exchange_and_wake(&self) {
        let address = Address::of(&self.state);
        // Release: pairs with the waiter's Acquire loads. Nothing of `self` is touched below (I2).
        if self.state.swap(SET, Ordering::Release) == ASLEEP {
            wake_one(address);
        }
    }

    /// Makes the event ready for its next use. For the waiter alone, between two uses.
    #[inline]
    pub fn reset(&self) {
        // Relaxed: whoever sets it next was told so by other means, which order this store.
        self.state.store(EMPTY, Ordering::Relaxed);
    }

    /// Blocks until the event is set.
    #[inline]
    pub fn wait(&self) {
        if !self.is_set() {
            self.wait_slow(None);
        }
    }

    /// Blocks until the event is set or the deadline passes; returns whether it is set.
    #[inline]
    pub fn wait_until(&self, deadline: Instant) -> bool {
        self.is_set() || self.wait_slow(Some(deadline))
    }

    #[cold]
    fn wait_slow(&self, deadline: Option<Instant>) -> bool {
        // Relaxed and Acquire: falling asleep publishes nothing; a failure means SET (I3), which
        // pairs with `set`.
        let armed =
            self.state.compare_exchange(EMPTY, ASLEEP, Ordering::Relaxed, Ordering::Acquire);
        if armed == Err(SET) {
            return true;
        }
        loop {
            let timed_out =
                wait(&self.state, ASLEEP, Class::ANY, deadline) == crate::wait::Waited::TimedOut;
            if self.is_set() {
                return true;
            }
            if timed_out {
                // Acquire on failure: a set that came in this moment counts.
                return self
                    .state
                    .compare_exchange(ASLEEP, EMPTY, Ordering::Relaxed, Ordering::Acquire)
                    .is_err();
            }
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
        f.debug_struct("Event").finish_non_exhaustive()
    }
}
