//! Histograms with a bounded relative error.
//!
//! Values below 16 have a bucket each; above, every power of two is cut into 16 buckets, so that
//! a bucket is at most a sixteenth of its values wide. Source: `HdrHistogram`, reduced.

use core::fmt;

use super::Count;

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

/// A histogram being written, of durations in nanoseconds or of anything else that is counted.
///
/// About 4.7 KB, in place: box it where that is too much. Cost of a value: three loads and stores,
/// or three exchanges where threads share it.
pub struct Recorder {
    buckets: [Count; BUCKETS],
    total: Count,
    max: Count,
}

impl Recorder {
    /// Without values.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: [const { Count::new() }; BUCKETS], total: Count::new(), max: Count::new() }
    }

    /// Takes a value in, by the one writer there is.
    #[inline]
    pub fn record(&self, value: u64) {
        self.buckets[bucket_of(value)].add(1);
        self.total.add(value);
        self.max.raise_to(value);
    }

    /// Takes a value in, by any thread.
    #[inline]
    pub fn record_shared(&self, value: u64) {
        self.buckets[bucket_of(value)].add_shared(1);
        self.total.add_shared(value);
        self.max.raise_to_shared(value);
    }

    /// What was recorded so far; values that are recorded meanwhile may be in it in part.
    #[must_use]
    pub fn snapshot(&self) -> Histogram {
        let buckets = core::array::from_fn(|bucket| self.buckets[bucket].get());
        Histogram { buckets, total: self.total.get(), max: self.max.get() }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.snapshot(), f)
    }
}

/// A histogram at one moment; values are known within a sixteenth.
///
/// ```
/// use latchwork_sync::metrics::Recorder;
///
/// let waits = Recorder::new();
/// (1..=1000).for_each(|nanoseconds| waits.record(nanoseconds));
/// # #[cfg(not(any(latchwork_loom, latchwork_shuttle)))] {
/// let histogram = waits.snapshot();
/// assert_eq!((histogram.count(), histogram.max()), (1000, 1000));
/// assert!((990..=990 + 62).contains(&histogram.quantile(0.99)));
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
    total: u64,
    max: u64,
}

impl Histogram {
    /// With so many more of one value, which were counted elsewhere.
    #[must_use]
    pub fn with(mut self, value: u64, times: u64) -> Self {
        if times > 0 {
            self.buckets[bucket_of(value)] += times;
            self.total = self.total.wrapping_add(value.wrapping_mul(times));
            self.max = self.max.max(value);
        }
        self
    }

    /// How many values were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all values; it wraps.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean, or 0 without values.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a mean for people to read")]
    pub fn mean(&self) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { self.total as f64 / count as f64 }
    }

    /// A value that at least this share of the values doesn't exceed, to within a sixteenth;
    /// 0 without values.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "within a sixteenth"
    )]
    pub fn quantile(&self, share: f64) -> u64 {
        let exact = share.clamp(0.0, 1.0) * self.count() as f64;
        // Rounded up: `f64::ceil` is not in core.
        let wanted = (exact as u64 + u64::from(exact > exact as u64 as f64)).max(1);
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
            .field("count", &self.count())
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

    #[test]
    fn threads_share_one() {
        let recorder = Recorder::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|value| recorder.record_shared(value)));
            }
        });
        let histogram = recorder.snapshot();
        assert_eq!((histogram.count(), histogram.max()), (4000, 999));
        assert_eq!(histogram.buckets().map(|(_, count)| count).sum::<u64>(), 4000);
        assert_eq!(histogram.total(), 4 * 499_500);
    }
}
