//! Time spent in a state that several threads begin and end.

use latchwork_sync::atomic::{AtomicU64, Ordering};

/// How long a state has lasted in all.
///
/// The lowest bit says whether it lasts now; above it lies the time so far, or where it lasts, that
/// time less the moment at which it began. Beginning and end are additions, so that it doesn't
/// matter in which order two threads come to count the end of one period and the beginning of the
/// next.
#[derive(Debug)]
pub(crate) struct Spent(AtomicU64);

impl Spent {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// It begins.
    pub(crate) fn begin(&self, now: u64) {
        // Relaxed: a count.
        self.0.fetch_add(1_u64.wrapping_sub(now << 1), Ordering::Relaxed);
    }

    /// It ends.
    pub(crate) fn end(&self, now: u64) {
        // Relaxed: a count.
        self.0.fetch_add((now << 1).wrapping_sub(1), Ordering::Relaxed);
    }

    /// It has lasted for so long, and has ended.
    pub(crate) fn lasted(&self, nanos: u64) {
        // Relaxed: a count.
        self.0.fetch_add(nanos << 1, Ordering::Relaxed);
    }

    /// How long it has lasted until now.
    pub(crate) fn until(&self, now: u64) -> u64 {
        // Relaxed: a count.
        let word = self.0.load(Ordering::Relaxed);
        let lasting = if word & 1 == 1 { now << 1 } else { 0 };
        let total = (word & !1).wrapping_add(lasting) >> 1;
        // While an end is counted before its beginning the sum is off for a moment.
        if total > u64::MAX >> 2 { 0 } else { total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_add_up_and_the_present_one_counts() {
        let spent = Spent::new();
        assert_eq!(spent.until(50), 0);
        spent.begin(100);
        assert_eq!(spent.until(130), 30);
        spent.end(150);
        assert_eq!(spent.until(1_000), 50);
        spent.begin(2_000);
        assert_eq!(spent.until(2_001), 51);
        spent.end(2_010);
        assert_eq!(spent.until(5_000), 60);
    }

    #[test]
    fn an_end_and_the_next_beginning_may_be_counted_in_either_order() {
        let spent = Spent::new();
        spent.begin(100);
        spent.begin(220);
        spent.end(200);
        assert_eq!(spent.until(230), 110);
        spent.end(240);
        assert_eq!(spent.until(9_999), 120);
    }
}
