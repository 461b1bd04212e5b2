//! The clock of a model: whole ticks of a millisecond, moved by [`advance`] alone.

use core::ops::{Add, Sub};
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::engine::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static TURN: RefCell<Option<Rc<AtomicUsize>>> = const { RefCell::new(None) };
}

/// A moment of the model's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

fn ticks(duration: Duration) -> u64 {
    // Rounded up: a deadline in the future is at least a tick away.
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl Instant {
    /// The model's present.
    pub fn now() -> Self {
        step();
        Self(NOW.get())
    }

    /// How long ago `earlier` was; zero where it is ahead.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// How long ago `earlier` was; zero where it is ahead.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// How long ago this was.
    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    /// The moment so much later, if the clock can tell it.
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(ticks(duration)).map(Self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + ticks(duration))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// An instant as a number that fits an atomic word.
pub fn to_nanos(instant: Instant) -> u64 {
    instant.0 * 1_000_000
}

/// The instant that a number of [`to_nanos`] stands for; none where the clock can't tell it.
pub fn from_nanos(nanos: u64) -> Option<Instant> {
    Some(Instant(nanos.div_ceil(1_000_000)))
}

/// Moves the clock by so many ticks, one by one, and lets the waiters whose deadline has come go.
pub fn advance(ticks: u64) {
    for _ in 0..ticks {
        step();
        NOW.set(NOW.get() + 1);
        crate::wait::expire();
    }
}

/// A step that the explorer orders against the clock's.
pub(crate) fn step() {
    let turn = TURN.with_borrow(Option::clone).expect("made when the execution began");
    turn.fetch_add(0, Ordering::Relaxed);
}

pub(crate) fn has_passed(deadline: Instant) -> bool {
    NOW.get() >= deadline.0
}

pub(crate) fn reset() {
    NOW.set(0);
    TURN.set(Some(Rc::new(AtomicUsize::new(0))));
}
