//! A counter of the slots that were used at least once.

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::const_fn;

/// Gives out the numbers from 1 to a limit, each once.
pub(super) struct Fresh(AtomicU64);

impl Fresh {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(AtomicU64::new(1))
        }
    }

    /// Up to `want` numbers of those up to `limit`: the first, and how many.
    ///
    /// Once it has given `None` it always does: a stack takes that as the moment from which only
    /// used slots can be free.
    #[cold]
    pub(super) fn take(&self, want: usize, limit: u64) -> Option<(u64, usize)> {
        // Relaxed, here and below: the numbers order nothing; the slots were there before.
        let mut at = self.0.load(Ordering::Relaxed);
        loop {
            let count = (limit + 1 - at).min(want as u64);
            if count == 0 {
                return None;
            }
            match self.0.compare_exchange_weak(at, at + count, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some((at, count as usize)),
                Err(now) => at = now,
            }
        }
    }
}
