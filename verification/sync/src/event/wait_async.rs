//! The future of an event.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::Event;

/// Ready once its [`Event`] is set; made by [`Event::wait_async`].
///
/// Dropped before, it takes its waker out of the event.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct WaitAsync<'event> {
    event: &'event Event,
    /// Whether a waker of ours may lie in the event.
    pending: bool,
}

impl<'event> WaitAsync<'event> {
    pub(super) fn new(event: &'event Event) -> Self {
        Self { event, pending: false }
    }
}

impl Future for WaitAsync<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let polled = self.event.poll_wait(context);
        self.pending = polled.is_pending();
        polled
    }
}

impl Drop for WaitAsync<'_> {
    fn drop(&mut self) {
        if self.pending {
            self.event.withdraw();
        }
    }
}
