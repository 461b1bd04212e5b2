//! Monotonic time: the system's, or under a checker a clock that the model moves.

pub use core::time::Duration;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use std::time::Instant;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use crate::model::clock::{Instant, coarse_nanos, from_nanos, to_nanos};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod stamp {
    use std::sync::OnceLock;

    use super::{Duration, Instant};

    /// The moment that stands for 0: when the process first asked.
    fn origin() -> Instant {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        *ORIGIN.get_or_init(Instant::now)
    }

    /// An instant as a number that fits an atomic word: nanoseconds since a moment that is fixed
    /// for the process. Instants before that moment, which is at the latest the first call, give
    /// 0.
    pub fn to_nanos(instant: Instant) -> u64 {
        // The cast loses nothing for 584 years.
        instant.saturating_duration_since(origin()).as_nanos() as u64
    }

    /// Nanoseconds of a monotonic clock that is cheap to read and moves in steps of some
    /// milliseconds, where the system has such a clock. Its zero is its own: only differences mean
    /// anything.
    #[cfg(target_os = "linux")]
    #[inline]
    #[allow(clippy::unnecessary_cast, reason = "a 32-bit system's seconds are narrower")]
    pub fn coarse_nanos() -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is a valid place for the result.
        let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
        debug_assert_eq!(result, 0, "every Linux has this clock");
        // Neither is below zero.
        now.tv_sec.cast_unsigned() as u64 * 1_000_000_000 + now.tv_nsec.cast_unsigned() as u64
    }

    /// Nanoseconds of a monotonic clock. Its zero is its own: only differences mean anything.
    #[cfg(not(target_os = "linux"))]
    pub fn coarse_nanos() -> u64 {
        to_nanos(Instant::now())
    }

    /// The instant that a number of [`to_nanos`] stands for; none where the clock can't tell it.
    pub fn from_nanos(nanos: u64) -> Option<Instant> {
        origin().checked_add(Duration::from_nanos(nanos))
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use stamp::{coarse_nanos, from_nanos, to_nanos};
