//! The clock of a model: whole ticks of a millisecond, moved by [`advance`] alone.

use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::point::Point;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static TURN: RefCell<Option<Rc<Point>>> = const { RefCell::new(None) };
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

    /// How long ago `earlier` was; none where it is ahead.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_millis)
    }

    /// How long ago this was.
    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    /// The moment so much later, if the clock can tell it.
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(ticks(duration)).map(Self)
    }

    /// The moment so much earlier, if the clock can tell it.
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(ticks(duration)).map(Self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration).expect("the clock can't tell so late a moment")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration).expect("the clock can't tell so early a moment")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
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

/// Nanoseconds of the model's clock, which has no coarser one.
pub fn coarse_nanos() -> u64 {
    to_nanos(Instant::now())
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
    turn.step();
}

pub(crate) fn has_passed(deadline: Instant) -> bool {
    NOW.get() >= deadline.0
}

pub(crate) fn reset() {
    NOW.set(0);
    TURN.set(Some(Rc::new(Point::new())));
}
