//! The writer: what submitters call.

use core::fmt;

use latchwork_sync::atomic::Ordering;
use latchwork_sync::time::Instant;

use crate::core::Core;
use crate::error::{Poison, SubmitError, TurnError};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::sink::Sink;

/// Group commit over a sink: submitters on many threads, one of them at a time is the writer.
///
/// Share it by reference or in an `Arc`. Dropping it closes the sink. It needs no thread of its
/// own; for tasks, and for callers that must not do the others' writing, there is
/// [`DedicatedWriter`](crate::DedicatedWriter).
///
/// Memory ordering: what a thread did before it submitted is visible to the sink; what the sink
/// did for a batch is visible to each of its submitters when its submission returns. Operations
/// are committed in the order in which they were queued, and a batch is durable before the next
/// one is written, or with [`Options::syncs_in_flight`], before the next one is acknowledged.
///
/// Progress: blocking. A leader commits one batch, which its own operation begins, then passes
/// the role on; a submitter is woken once, by its answer or by the role.
///
/// Cost: alone, two atomic exchanges besides the sink's own. Queued, up to four by the
/// submitter, one exchange and at most one wake by the leader.
pub struct BatchWriter<S: Sink>(pub(crate) Core<S>);

impl<S: Sink> BatchWriter<S> {
    /// A writer with the default [`Options`].
    pub fn new(sink: S) -> Self {
        Options::new().build(sink)
    }

    /// Commits an operation: returns when it is durable, with the sink's output. Waits for room
    /// in the queue as long as it takes.
    ///
    /// # Errors
    ///
    /// See [`SubmitError`]; never `Full` or `TimedOut`.
    ///
    /// # Panics
    ///
    /// When the sink panics while this caller leads; the writer is then poisoned.
    #[inline]
    pub fn submit(&self, op: S::Op) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.0.submit(op)
    }

    /// As [`submit`](Self::submit), but doesn't wait for room in the queue.
    ///
    /// # Errors
    ///
    /// `Full` when there is no room; otherwise as `submit`.
    ///
    /// # Panics
    ///
    /// As `submit`.
    #[inline]
    pub fn try_submit(&self, op: S::Op) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.0.try_submit(op)
    }

    /// As [`submit`](Self::submit), but takes the operation back if no batch has taken it by the
    /// deadline. Once a batch has it, its outcome is awaited: a sync can't be hurried, and an
    /// operation that is being written can't be called back.
    ///
    /// Cost: as `submit`; when queued, one allocation and one more exchange.
    ///
    /// # Errors
    ///
    /// `TimedOut` when the operation was taken back; otherwise as `submit`.
    ///
    /// # Panics
    ///
    /// As `submit`.
    #[inline]
    pub fn submit_until(
        &self,
        op: S::Op,
        deadline: Instant,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.0.submit_until(op, deadline)
    }

    /// Waits until everything submitted before, by any thread, is durable, or has failed.
    ///
    /// # Errors
    ///
    /// When the writer is closed, was poisoned, or the caller is the sink itself.
    pub fn flush(&self) -> Result<(), TurnError<S::Error>> {
        self.0.flush()
    }

    /// Uses the sink between two batches, in turn with the submissions queued.
    ///
    /// # Errors
    ///
    /// When the writer is closed, was poisoned, or the caller is the sink itself.
    ///
    /// # Panics
    ///
    /// When `act` panics; the writer is then poisoned.
    pub fn with_sink<R>(&self, act: impl FnOnce(&mut S) -> R) -> Result<R, TurnError<S::Error>> {
        self.0.with_sink(act)
    }

    /// Refuses further submissions, waits until everything submitted before is durable or has
    /// failed, and closes the sink.
    ///
    /// # Errors
    ///
    /// `Closed` when it is closed already, `Poisoned` when it was poisoned, `Failed` with the
    /// sink's own error.
    ///
    /// # Panics
    ///
    /// When the sink panics.
    pub fn close(&self) -> Result<(), TurnError<S::Error>> {
        self.0.close()
    }

    /// How far everything is durable, in the sink's own measure.
    pub fn durable_upto(&self) -> u64 {
        self.0.durable_upto()
    }

    /// What ended this writer's life, if something did.
    pub fn poison(&self) -> Option<Poison<S::Error>> {
        self.0.poison()
    }

    /// Counts and histograms since the writer was made.
    pub fn metrics(&self) -> Metrics {
        self.0.metrics()
    }
}

impl<S: Sink> fmt::Debug for BatchWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWriter")
            .field("options", &self.0.limits)
            // Relaxed: only shown.
            .field("head", &self.0.head.load(Ordering::Relaxed))
            .field("durable_upto", &self.durable_upto())
            .finish_non_exhaustive()
    }
}
