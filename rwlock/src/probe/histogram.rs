//! Durations, counted by their size.

use core::fmt;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::time::Duration;

/// Buckets: one for each power of two of nanoseconds, up to some 39 hours.
const BUCKETS: usize = 48;

/// The histogram that the lock's threads count in.
#[derive(Debug)]
pub(crate) struct Counts {
    buckets: [AtomicU64; BUCKETS],
    total: AtomicU64,
    longest: AtomicU64,
}

impl Counts {
    pub(crate) const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            total: AtomicU64::new(0),
            longest: AtomicU64::new(0),
        }
    }

    /// Counts one; whether it is the longest so far.
    pub(crate) fn add(&self, nanos: u64) -> bool {
        // Relaxed, all: counts that order nothing.
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(nanos, Ordering::Relaxed);
        nanos > self.longest.load(Ordering::Relaxed)
            && nanos > self.longest.fetch_max(nanos, Ordering::Relaxed)
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        // Relaxed, all: counts that order nothing.
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Histogram {
            buckets: self.buckets.iter().map(read).collect(),
            total: Duration::from_nanos(read(&self.total)),
            longest: Duration::from_nanos(read(&self.longest)),
        }
    }
}

/// The bucket of a duration: that of its highest bit.
fn bucket(nanos: u64) -> usize {
    let bits = (u64::BITS - nanos.leading_zeros()) as usize;
    bits.min(BUCKETS - 1)
}

/// Durations, counted by their size in powers of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Histogram {
    /// How many lasted below 1 ns, 1 to 2, 2 to 4, 4 to 8, … The last one takes all that follow.
    pub buckets: Vec<u64>,
    /// All durations together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Histogram {
    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The mean; zero where there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let nanos = self.total.as_nanos().checked_div(self.count().into()).unwrap_or(0);
        Duration::from_nanos(nanos as u64)
    }

    /// An upper bound for the duration that so many of a hundred don't exceed: the end of its
    /// bucket, but never more than the longest.
    ///
    /// ```
    /// use std::time::Duration;
    /// use latchwork_rwlock::probe::Histogram;
    ///
    /// // Nine below 8 ns, one of 1 to 2 µs.
    /// let mut buckets = vec![0; 12];
    /// (buckets[3], buckets[11]) = (9, 1);
    /// let longest = Duration::from_nanos(1_700);
    /// let histogram = Histogram { buckets, longest, ..Histogram::default() };
    /// assert_eq!(histogram.percentile(50.0), Duration::from_nanos(8));
    /// assert_eq!(histogram.percentile(99.0), longest);
    /// ```
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank needs fewer digits than a count"
        )]
        let rank = (self.count() as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                let last = bucket + 1 >= BUCKETS;
                let end = if last { u64::MAX } else { 1 << bucket };
                return Duration::from_nanos(end).min(self.longest);
            }
        }
        Duration::ZERO
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        if count == 0 {
            return f.write_str("none");
        }
        write!(
            f,
            "{count}, mean {:.1?}, 50 % {:.1?}, 99 % {:.1?}, longest {:.1?}",
            self.mean(),
            self.percentile(50.0),
            self.percentile(99.0),
            self.longest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_lies_below_the_end_of_its_bucket() {
        for nanos in [0, 1, 2, 3, 4, 1_000, 1_024, 999_999_999, 1 << 46] {
            let end = 1_u64 << bucket(nanos);
            assert!(nanos < end && (nanos == 0 || nanos >= end / 2), "{nanos}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn counts_tell_mean_and_longest() {
        let counts = Counts::new();
        assert!(counts.add(100));
        assert!(!counts.add(50));
        assert!(counts.add(300));
        let histogram = counts.snapshot();
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram.mean(), Duration::from_nanos(150));
        assert_eq!(histogram.percentile(100.0), Duration::from_nanos(300));
        assert_eq!(Counts::new().snapshot().to_string(), "none");
    }
}
