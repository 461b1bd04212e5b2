//! What a writer tells about itself.

use core::fmt;

use latchwork_sync::metrics::{Count, Histogram, Recorder};
use latchwork_sync::time::Duration;

/// The counters that the holder of the role writes.
pub(crate) struct Meter {
    pub(crate) bytes: Count,
    pub(crate) handed: Count,
    pub(crate) dedicated: Count,
    pub(crate) onward: Count,
    /// Batches of one operation, which the histogram of sizes is spared.
    pub(crate) alone: Count,
    pub(crate) turns: Count,
    pub(crate) detached: Count,
    pub(crate) wakes: Count,
    pub(crate) withdrawn: Count,
    pub(crate) failed: Count,
    pub(crate) reruns: Count,
    pub(crate) sibling_waits: Count,
    pub(crate) sibling_waits_paid: Count,
    pub(crate) batch_operations: Box<Recorder>,
    pub(crate) sync_nanoseconds: Box<Recorder>,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Count::default(),
            handed: Count::default(),
            dedicated: Count::default(),
            onward: Count::default(),
            alone: Count::default(),
            turns: Count::default(),
            detached: Count::default(),
            wakes: Count::default(),
            withdrawn: Count::default(),
            failed: Count::default(),
            reruns: Count::default(),
            sibling_waits: Count::default(),
            sibling_waits_paid: Count::default(),
            batch_operations: Box::default(),
            sync_nanoseconds: Box::default(),
        }
    }

    pub(crate) fn snapshot(&self, queued: u64, queued_bytes: u64, poisoned: bool) -> Metrics {
        let batch_operations = self.batch_operations.snapshot().with(1, self.alone.get());
        let led = self.handed.get() + self.dedicated.get() + self.onward.get();
        Metrics {
            batches: batch_operations.count(),
            operations: batch_operations.total(),
            bytes: self.bytes.get(),
            inline: batch_operations.count().saturating_sub(led),
            handed: self.handed.get(),
            dedicated: self.dedicated.get(),
            onward: self.onward.get(),
            turns: self.turns.get(),
            detached: self.detached.get(),
            wakes: self.wakes.get(),
            withdrawn: self.withdrawn.get(),
            failed: self.failed.get(),
            reruns: self.reruns.get(),
            sibling_waits: self.sibling_waits.get(),
            sibling_waits_paid: self.sibling_waits_paid.get(),
            queued,
            queued_bytes,
            poisoned,
            batch_operations,
            sync: Latencies(self.sync_nanoseconds.snapshot()),
        }
    }
}

/// A writer's counts since it was made, read one after the other while the writer goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Batches committed.
    pub batches: u64,
    /// Operations in these batches.
    pub operations: u64,
    /// Bytes of these operations, as the sink counts them.
    pub bytes: u64,
    /// Batches led by a submitter that found the role free.
    pub inline: u64,
    /// Batches led by a submitter that was handed the role.
    pub handed: u64,
    /// Batches led by the dedicated thread.
    pub dedicated: u64,
    /// Batches that a submitter led for others after its own, where syncs are quick.
    pub onward: u64,
    /// Turns with the sink, flushes among them.
    pub turns: u64,
    /// Batches whose sync went on without the role.
    pub detached: u64,
    /// Sleeping submitters woken by their own result, and submitters handed the role.
    pub wakes: u64,
    /// Operations that their submitters took back at their deadline.
    pub withdrawn: u64,
    /// Operations answered with an error while the writer went on.
    pub failed: u64,
    /// Batches that failed as a whole and were tried again operation by operation.
    pub reruns: u64,
    /// How often a leader waited for its siblings.
    pub sibling_waits: u64,
    /// How often that was worth it.
    pub sibling_waits_paid: u64,
    /// Operations queued at this moment.
    pub queued: u64,
    /// Bytes queued at this moment.
    pub queued_bytes: u64,
    /// Whether the writer is poisoned.
    pub poisoned: bool,
    /// Operations a batch.
    pub batch_operations: Histogram,
    /// How long syncs took. Every sync is measured, except that while they take less than 5 µs
    /// one in 256 is.
    pub sync: Latencies,
}

/// A histogram of durations.
#[derive(Clone, PartialEq, Eq)]
pub struct Latencies(Histogram);

impl Latencies {
    /// A duration that at least this share of the values doesn't exceed, to within a sixteenth.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.quantile(share))
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    /// The mean.
    #[allow(clippy::cast_sign_loss, reason = "durations are positive")]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.0.mean() as u64)
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// The same in nanoseconds.
    pub fn nanoseconds(&self) -> &Histogram {
        &self.0
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max())
            .finish()
    }
}
