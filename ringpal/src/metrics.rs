//! What a ring has done so far, in numbers.
//!
//! The driver counts in words that it alone writes, so that counting costs a plain load and store;
//! anyone may read them, each by itself.

use core::fmt;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::atomic::{AtomicU64, Ordering};

/// Batches by size: 1, 2 to 3, 4 to 7, and so on; the last counts all from 2^15.
const SIZES: usize = 16;

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
}
