//! What a ring has done so far, in numbers.
//!
//! The driver counts in words that it alone writes, so that counting costs a plain load and store;
//! anyone may read them, each by itself.

use alloc::boxed::Box;
use core::fmt;

pub use latchwork_sync::metrics::Histogram;
use latchwork_sync::metrics::{Count, Recorder};
use latchwork_sync::time::Instant;

/// Batches by size: 1, 2 to 3, 4 to 7, and so on; the last counts all from 2^15.
const SIZES: usize = 16;

/// The counts of a ring.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) batches: [Count; SIZES],
    pub(crate) operations: Count,
    pub(crate) resubmitted: Count,
    pub(crate) failed: Count,
    pub(crate) in_flight: Count,
    pub(crate) turns: Count,
    pub(crate) waits: Count,
    pub(crate) led: Count,
    pub(crate) wakes: Count,
    pub(crate) hand_overs: Count,
    pub(crate) inline_operations: Count,
    pub(crate) stopped: Count,
    pub(crate) times: Option<Box<Times>>,
}

/// Notes on times, for those who want them.
#[derive(Default)]
pub(crate) struct Times {
    submission: Recorder,
    completion: Recorder,
}

impl Times {
    /// By the driver: a batch that was submitted then is begun now.
    #[cold]
    pub(crate) fn begun(&self, since: Instant) {
        self.submission.record(nanos(since));
    }

    /// By the driver: a batch that was submitted then has ended now.
    #[cold]
    pub(crate) fn ended(&self, since: Instant) {
        self.completion.record(nanos(since));
    }
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(Instant::now().saturating_duration_since(since).as_nanos()).unwrap_or(u64::MAX)
}

impl Counts {
    /// With notes on times, or without.
    pub(crate) fn new(timed: bool) -> Self {
        Self { times: timed.then(Box::default), ..Self::default() }
    }

    /// By the driver: a batch of so many operations was begun.
    #[inline]
    pub(crate) fn batch(&self, operations: usize) {
        let class = (operations.max(1).ilog2() as usize).min(SIZES - 1);
        self.batches[class].add(1);
        self.operations.add(operations as u64);
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        let batches_by_size = core::array::from_fn(|class| self.batches[class].get());
        Metrics {
            batches: batches_by_size.iter().sum(),
            batches_by_size,
            operations: self.operations.get(),
            resubmitted: self.resubmitted.get(),
            failed: self.failed.get(),
            in_flight: self.in_flight.get(),
            turns: self.turns.get(),
            waits: self.waits.get(),
            led: self.led.get(),
            wakes: self.wakes.get(),
            hand_overs: self.hand_overs.get(),
            inline_operations: self.inline_operations.get(),
            stopped: self.stopped.get(),
            latencies: self.times.as_ref().map(|times| {
                Box::new(Latencies {
                    submission: times.submission.snapshot(),
                    completion: times.completion.snapshot(),
                })
            }),
        }
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

/// What a ring has done since it was built. Each number is right by itself; between two of them
/// work may have gone on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Batches that went through the ring.
    pub batches: u64,
    /// The same by size: `[0]` of 1 operation, `[1]` of 2 to 3, `[2]` of 4 to 7, and so on; the
    /// last of 32,768 and more.
    pub batches_by_size: [u64; SIZES],
    /// Operations that went through the ring.
    pub operations: u64,
    /// How often one was submitted once more: short, interrupted, delayed, cancelled.
    pub resubmitted: u64,
    /// Operations that failed there.
    pub failed: u64,
    /// Operations in the kernel, when the driver last looked.
    pub in_flight: u64,
    /// Turns of the driver: each submits and reaps once.
    pub turns: u64,
    /// Turns that were ready to sleep.
    pub waits: u64,
    /// Batches that their own submitter drove.
    pub led: u64,
    /// Wakes of a sleeping driver.
    pub wakes: u64,
    /// Hand-overs of the role to the ring's thread.
    pub hand_overs: u64,
    /// Operations that stayed on their caller's thread.
    pub inline_operations: u64,
    /// Operations that were ended early, by a cancel or a deadline.
    pub stopped: u64,
    /// How long batches took, of a ring that was built with
    /// [`Builder::latencies`](crate::Builder::latencies).
    pub latencies: Option<Box<Latencies>>,
}

/// How long the batches took that went through the ring, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latencies {
    /// From the submission until the first operation was on its way to the kernel.
    pub submission: Histogram,
    /// From the submission until the last operation had ended.
    pub completion: Histogram,
}
