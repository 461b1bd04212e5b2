//! Waiting on a 32-bit word, as `futex(2)` does it, with absolute deadlines and classes of
//! waiters.
//!
//! [`wait`] sleeps only while the word holds the expected value; the comparison and the falling
//! asleep are one step against a wake, so that a waker who changes the word and then wakes can't
//! be missed. It may return early for no reason: callers look at their own state again.
//!
//! A wake names an [`Address`], which is never dereferenced: the memory may be gone by then, and
//! the worst that comes of it is a wake too many for whoever uses the place now.
//!
//! Nothing here orders memory: the words of the protocol above do.

use core::task::Waker;

use crate::atomic::AtomicU32;
use crate::time::Instant;

#[cfg(all(
    target_os = "linux",
    not(any(latchwork_portable_wait, latchwork_loom, latchwork_shuttle))
))]
#[path = "linux.rs"]
mod imp;
// `latchwork_portable_wait` tries the other systems' way on Linux.
#[cfg(all(
    any(not(target_os = "linux"), latchwork_portable_wait),
    not(any(latchwork_loom, latchwork_shuttle))
))]
#[path = "parking_lot.rs"]
mod imp;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "checked.rs"]
mod imp;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub(crate) use imp::{TOO_MANY, expire, reset};

/// Which waiters a wake reaches: those whose class shares a bit with the wake's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(u32);

impl Class {
    /// Every waiter.
    pub const ANY: Self = Self(u32::MAX);

    /// The class with these bits.
    ///
    /// # Panics
    ///
    /// When `bits` is 0: such a waiter could never be woken.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        assert!(bits != 0, "a class needs at least one bit");
        Self(bits)
    }

    /// The bits of the class.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Why [`wait`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Woken, or interrupted, or for no reason: look again.
    Woken,
    /// The word did not hold the expected value.
    Changed,
    /// The deadline passed.
    TimedOut,
}

/// The place of a word, good for waking after the word itself is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(usize);

impl Address {
    /// Where `word` is.
    #[inline]
    pub fn of(word: &AtomicU32) -> Self {
        Self(core::ptr::from_ref(word).addr())
    }
}

/// Sleeps while `word` holds `expected`, until a wake of this class or the deadline; a deadline
/// that has passed is reported without sleeping.
///
/// Progress: blocking. Cost: a system call.
///
/// ```
/// use latchwork_sync::atomic::AtomicU32;
/// use latchwork_sync::time::{Duration, Instant};
/// use latchwork_sync::wait::{Class, Waited, wait};
///
/// let word = AtomicU32::new(7);
/// assert_eq!(wait(&word, 8, Class::ANY, None), Waited::Changed);
/// let soon = Instant::now() + Duration::from_millis(1);
/// while wait(&word, 7, Class::ANY, Some(soon)) != Waited::TimedOut {}
/// ```
#[inline]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn wait(word: &AtomicU32, expected: u32, class: Class, deadline: Option<Instant>) -> Waited {
    imp::wait(word, expected, class, deadline)
}

/// Wakes at most `count` waiters of the class; returns whether there were any.
///
/// The answer is a hint. Progress: never blocks on a waiter. Cost: a system call where the system
/// has futexes, else a look at a table in memory.
#[inline]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn wake(address: Address, count: u32, class: Class) -> bool {
    imp::wake(address, count, class)
}

/// Wakes one waiter, whatever its class.
#[inline]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn wake_one(address: Address) -> bool {
    imp::wake(address, 1, Class::ANY)
}

/// Wakes a task: [`Waker::wake`], which a checker can leave out to see whether a model misses it.
///
/// Cost, progress: the executor's.
#[inline]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn wake_task(waker: Waker) {
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    if imp::is_left_out() {
        return;
    }
    waker.wake();
}

/// Wakes every waiter.
#[inline]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn wake_all(address: Address) -> bool {
    imp::wake(address, u32::MAX, Class::ANY)
}
