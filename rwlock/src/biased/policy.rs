//! When the bias is worth it.

use core::cell::Cell;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::time::{Instant, to_nanos};

/// A thread looks at the clock at every so manyth read that it makes without a slot.
const LOOK_EVERY: u32 = 64;

/// The shortest and the longest time for which a revocation keeps the bias off, in nanoseconds.
const SHORTEST: u64 = 100_000;
const LONGEST: u64 = 1_000_000_000;

/// What one revocation costs at least, in nanoseconds, where the clock says less.
const LEAST_COST: u64 = 5_000;

/// Inhibition by measured cost.
///
/// A revocation keeps the bias off for nine times as long as it took, so that writers spend at
/// most a tenth of their time on it. Where the bias hasn't lived for twenty times what its
/// revocation cost it was not worth turning on, and the time doubles; where it has lived for long
/// the time is short again.
#[derive(Debug)]
pub(super) struct Inhibition {
    /// Until when the bias stays off.
    until: AtomicU64,
    /// When it was last turned on.
    since: AtomicU64,
    /// For how long the next revocation that doesn't pay keeps it off.
    backoff: AtomicU64,
}

std::thread_local! {
    // Without a destructor, so that a look costs no check.
    static READS: Cell<u32> = const { Cell::new(0) };
}

impl Inhibition {
    pub(super) const fn new() -> Self {
        Self {
            until: AtomicU64::new(0),
            since: AtomicU64::new(0),
            backoff: AtomicU64::new(SHORTEST),
        }
    }

    /// Whether a reader without a slot should turn the bias on.
    #[inline]
    pub(super) fn allows(&self) -> bool {
        let reads = READS.get().wrapping_add(1);
        READS.set(reads);
        reads.is_multiple_of(LOOK_EVERY) && self.allows_now()
    }

    #[cold]
    fn allows_now(&self) -> bool {
        let now = to_nanos(Instant::now());
        // Relaxed, all: numbers that only say when it is worth it.
        if now < self.until.load(Ordering::Relaxed) {
            return false;
        }
        self.since.store(now, Ordering::Relaxed);
        true
    }

    /// Takes note of a revocation that has begun at a moment and ends now.
    pub(super) fn revoked(&self, begun: Instant) {
        let (begun, now) = (to_nanos(begun), to_nanos(Instant::now()));
        // Relaxed, all: as above. One writer at a time is here.
        let cost = now.saturating_sub(begun);
        let lived = begun.saturating_sub(self.since.load(Ordering::Relaxed));
        let backoff = self.backoff.load(Ordering::Relaxed);
        let next = if lived < 20 * cost.max(LEAST_COST) {
            (backoff * 2).min(LONGEST)
        } else if lived > backoff {
            SHORTEST
        } else {
            backoff
        };
        self.backoff.store(next, Ordering::Relaxed);
        self.until.store(now + next.max(9 * cost), Ordering::Relaxed);
    }
}
