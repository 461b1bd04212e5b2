//! What a ring has done so far, in numbers.
//!
//! The driver counts in words that it alone writes, so that counting costs a plain load and store;
//! anyone may read them, each by itself.

use core::fmt;

use latchwork_sync::time::{Duration, Instant};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::atomic::{AtomicU64, Ordering};

/// Batches by size: 1, 2 to 3, 4 to 7, and so on; the last counts all from 2^15.
const SIZES: usize = 16;

/// Times by nanoseconds, likewise: the last counts all from 2^31, two seconds.
const DURATIONS: usize = 32;

/// One count.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
impl Count {
    /// By the one writer.
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        // Relaxed: one writer, and a reader takes what it finds; the role that moves between
        // writers orders their counts.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// By any thread; not mixed with `add`.
    #[inline]
    pub(crate) fn add_shared(&self, more: u64) {
        // Relaxed: a count orders nothing.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// By the one writer.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        // Relaxed: as for `add`.
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        // Relaxed: as for `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// A model doesn't count: each count would be one more step of its threads, and none of them
/// decides anything.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[derive(Default)]
pub(crate) struct Count;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unused_self, reason = "the same face as the real one")]
impl Count {
    pub(crate) fn add(&self, _: u64) {}

    pub(crate) fn add_shared(&self, _: u64) {}

    pub(crate) fn set(&self, _: u64) {}

    fn get(&self) -> u64 {
        0
    }
}

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
    pub(crate) submit_latency: Times,
    pub(crate) latency: Times,
}

/// How often something took how long.
#[derive(Default)]
pub(crate) struct Times([Count; DURATIONS]);

impl Times {
    /// By the one writer: something that began then has ended now.
    #[cold]
    pub(crate) fn note(&self, since: Instant) {
        let nanos = Instant::now().saturating_duration_since(since).as_nanos().max(1);
        self.0[(nanos.ilog2() as usize).min(DURATIONS - 1)].add(1);
    }

    fn snapshot(&self) -> Latency {
        Latency { counts: core::array::from_fn(|class| self.0[class].get()) }
    }
}

impl Counts {
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
            submit_latency: self.submit_latency.snapshot(),
            latency: self.latency.snapshot(),
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
    /// From a batch's submission until its first operation was given to the kernel. Empty unless
    /// the ring was built with [`Builder::latencies`](crate::Builder::latencies).
    pub submit_latency: Latency,
    /// From a batch's submission until its last operation had ended; empty as above.
    pub latency: Latency,
}

/// How often something took how long, by powers of two of nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    counts: [u64; DURATIONS],
}

impl Latency {
    /// How many were noted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// By class: `[n]` counts those of 2^n up to 2^(n+1) nanoseconds; the last, all above.
    pub fn by_class(&self) -> &[u64] {
        &self.counts
    }

    /// A time that this share of all did not exceed, up to a factor of 2; none where nothing was
    /// noted. `0.99` is the 99th percentile.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        let mut below = 0;
        let class = self.counts.iter().position(|count| {
            below += count;
            below > 0 && below as f64 >= share * all as f64
        })?;
        Some(Duration::from_nanos(2 << class))
    }
}
