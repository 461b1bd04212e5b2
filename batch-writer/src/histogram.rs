//! Histograms with a bounded relative error, written by one thread at a time.
//!
//! Values below 16 have a bucket each; above, every power of two is cut into 16 buckets, so that
//! a bucket is at most a sixteenth of its values wide. Source: `HdrHistogram`, reduced.

use core::fmt;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::atomic::{AtomicU64, Ordering};

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
/// Values from here on share the last bucket: 2^40, 18 minutes in nanoseconds.
const OCTAVES: usize = 40 - SUB_BITS as usize + 1;
const BUCKETS: usize = OCTAVES * SUB;

fn bucket_of(value: u64) -> usize {
    let octave = value.max(1).ilog2().saturating_sub(SUB_BITS - 1);
    if octave == 0 {
        return value as usize;
    }
    let within = (value >> (octave - 1)) as usize - SUB;
    ((octave as usize) * SUB + within).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn top_of(bucket: usize) -> u64 {
    let (octave, within) = (bucket / SUB, bucket % SUB);
    if octave == 0 {
        return within as u64;
    }
    (((SUB + within + 1) as u64) << (octave - 1)) - 1
}

/// Counts that the holder of the role writes and anybody reads: a store needs no exchange.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
impl Count {
    /// For the holder of the role alone.
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        // Relaxed, load and store: one writer at a time, whom the role's word orders; readers
        // want no order.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn raise_to(&self, value: u64) {
        if value > self.get() {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    /// For the holder of the role alone.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Under a checker nothing is counted: the models are about the protocol.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[derive(Debug, Default)]
pub(crate) struct Count;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unused_self, reason = "the same interface as the real one")]
impl Count {
    pub(crate) fn add(&self, _more: u64) {}
    pub(crate) fn raise_to(&self, _value: u64) {}
    pub(crate) fn set(&self, _value: u64) {}
    pub(crate) fn get(&self) -> u64 {
        0
    }
}

/// A histogram being written.
pub(crate) struct Recorder {
    buckets: Box<[Count]>,
    total: Count,
    max: Count,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| Count::default()).collect(),
            total: Count::default(),
            max: Count::default(),
        }
    }

    /// For the holder of the role alone.
    #[inline]
    pub(crate) fn record(&self, value: u64) {
        self.buckets[bucket_of(value)].add(1);
        self.total.add(value);
        self.max.raise_to(value);
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        let buckets: Box<[u64]> = self.buckets.iter().map(Count::get).collect();
        let count = buckets.iter().sum();
        Histogram { buckets, count, total: self.total.get(), max: self.max.get() }
    }
}

/// A histogram at one moment; values are known within a sixteenth.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    total: u64,
    max: u64,
}

impl Histogram {
    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean, or 0 without values.
    #[allow(clippy::cast_precision_loss, reason = "a mean for people to read")]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total as f64 / self.count as f64 }
    }

    /// A value that at least this share of the values doesn't exceed, to within a sixteenth;
    /// 0 without values.
    #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "within a sixteenth")]
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (share.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return top_of(bucket).min(self.max);
            }
        }
        self.max
    }

    /// The buckets that hold something: their largest value, and how many values they hold.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let full = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        full.map(|(bucket, count)| (top_of(bucket), *count))
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(latchwork_loom, latchwork_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let mut last = 0;
        for value in (0..5000).chain((10..40).flat_map(|bit| [(1 << bit) - 1, 1 << bit])) {
            let bucket = bucket_of(value);
            assert!(value <= top_of(bucket), "{value} in {bucket}");
            assert!(bucket == 0 || value > top_of(bucket - 1), "{value} in {bucket}");
            assert!(bucket >= last || value < 5000);
            last = bucket;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        let recorder = Recorder::new();
        for value in 1..=1000 {
            recorder.record(value);
        }
        let histogram = recorder.snapshot();
        for (share, exact) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let told = histogram.quantile(share);
            assert!(told >= exact && told <= exact + exact / 16 + 1, "{share}: {told}");
        }
        assert_eq!((histogram.count(), histogram.max(), histogram.total()), (1000, 1000, 500_500));
        assert_eq!(Recorder::new().snapshot().quantile(0.5), 0);
    }
}
