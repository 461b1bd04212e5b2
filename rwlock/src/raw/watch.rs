//! Someone who looks on while a thread waits.

#![cfg_attr(
    any(latchwork_loom, latchwork_shuttle),
    allow(unreachable_pub, reason = "a checker's build leaves the probes out")
)]

use latchwork_sync::time::Instant;

/// What a waiting thread tells whoever looks on.
pub trait Watch {
    /// Whether anyone looks on: if not, no clock is read for it.
    const ON: bool;

    /// The thread starts to wait; whether a writer held the lock then.
    fn blocked(&mut self, by_writer: bool);

    /// When the thread is to look up from its sleep.
    fn alarm(&self) -> Option<Instant>;

    /// The thread has looked up.
    fn look(&mut self, now: Option<Instant>);

    /// The thread has shut or opened the gate.
    fn gate(&mut self, shut: bool);
}

/// Nobody looks on.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    const ON: bool = false;

    #[inline]
    fn blocked(&mut self, _by_writer: bool) {}

    #[inline]
    fn alarm(&self) -> Option<Instant> {
        None
    }

    #[inline]
    fn look(&mut self, _now: Option<Instant>) {}

    #[inline]
    fn gate(&mut self, _shut: bool) {}
}
