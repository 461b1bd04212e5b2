//! Monotonic time: the system's, or under a checker a clock that the model moves.

pub use core::time::Duration;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use std::time::Instant;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use crate::model::clock::Instant;
