//! Monotonic time: the system's, or under a checker a clock that the model moves.

pub use core::time::Duration;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use std::time::Instant;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use crate::model::clock::{Instant, from_nanos, to_nanos};

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

    /// The instant that a number of [`to_nanos`] stands for; none where the clock can't tell it.
    pub fn from_nanos(nanos: u64) -> Option<Instant> {
        origin().checked_add(Duration::from_nanos(nanos))
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use stamp::{from_nanos, to_nanos};
