//! Telling somebody of a long hold.

use core::fmt;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::time::{Duration, Instant, to_nanos};

use crate::holder::{Access, Holder, Site};

/// The lock was held, or waited for, for longer than the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LongHold {
    /// Who holds it or held it, as far as the probe knows.
    pub holder: Option<Holder>,
    /// Who noticed.
    pub seen_by: SeenBy,
    /// How many long holds and waits nobody was told of since the last time, which had come too
    /// soon after another.
    pub left_out: u64,
}

/// Who noticed a long hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeenBy {
    /// The holder, after it let go.
    Releaser,
    /// A thread that waits still.
    Waiter {
        /// For what it waits.
        access: Access,
        /// Where in the program.
        site: Site,
        /// How long it has waited.
        waited: Duration,
    },
}

impl fmt::Display for LongHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.seen_by {
            SeenBy::Releaser => f.write_str("lock held for long")?,
            SeenBy::Waiter { access, site, waited } => {
                write!(f, "{waited:.1?} of waiting for the {access} lock at {site}")?;
            }
        }
        match &self.holder {
            Some(holder) => write!(f, ": {holder}")?,
            None => f.write_str("; the probe doesn't show who holds it")?,
        }
        if self.left_out > 0 {
            write!(f, " ({} more since the last time)", self.left_out)?;
        }
        Ok(())
    }
}

/// Whom to tell of holds that last for long.
///
/// `hook` is called for every hold that is measured and lasts for the threshold or longer, by the
/// thread that held the lock, after it has let go; and for every wait that lasts as long, by the
/// thread that waits, while it waits, and then again whenever that has doubled.
///
/// The hook must not touch the lock: a waiter that calls it would wait for itself. A panic of it
/// ends there. Several threads may be in it at a time.
///
/// Where nothing lasts for long it costs a comparison for each hold that is measured.
pub struct OnLongHold {
    call: Option<fn(&LongHold)>,
    pub(super) threshold: Duration,
    pub(super) threshold_nanos: u64,
    every: Duration,
    /// When it may be told again, in nanoseconds.
    next: AtomicU64,
    left_out: AtomicU64,
    pub(super) all_left_out: AtomicU64,
}

impl OnLongHold {
    pub(super) const fn nobody() -> Self {
        Self {
            call: None,
            threshold: Duration::MAX,
            threshold_nanos: u64::MAX,
            every: Duration::from_secs(1),
            next: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            all_left_out: AtomicU64::new(0),
        }
    }

    /// Calls `hook` for what lasts for `threshold` or longer, at most once in a second and lock.
    #[must_use]
    pub const fn over(threshold: Duration, hook: fn(&LongHold)) -> Self {
        let nanos = threshold.as_nanos();
        let threshold_nanos = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Self { call: Some(hook), threshold, threshold_nanos, ..Self::nobody() }
    }

    /// Calls it at most once in so long. [`LongHold::left_out`] tells how many times it would have
    /// been called between.
    #[must_use]
    pub const fn at_most_once_in(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// Tells of a long hold, unless it is too early for that.
    #[cold]
    pub(super) fn tell(&self, seen_by: SeenBy, holder: impl FnOnce() -> Option<Holder>) {
        let Some(call) = self.call else { return };
        let now = to_nanos(Instant::now()).max(1);
        // Relaxed, all: whoever moves the moment on is the one that tells, and orders nothing.
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(self.every.as_nanos() as u64);
        let exchange = |order| self.next.compare_exchange(next, after, order, order);
        if now < next || exchange(Ordering::Relaxed).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            self.all_left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let event = LongHold { holder: holder(), seen_by, left_out };
        // A waiter is counted in the lock's state, so that it must not unwind from here. What the
        // hook had to say the panic's own hook has said.
        let told = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| call(&event)));
        if let Err(payload) = told {
            // Nor may its destructor unwind.
            core::mem::forget(payload);
        }
    }
}

impl fmt::Debug for OnLongHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnLongHold").field("threshold", &self.threshold).finish_non_exhaustive()
    }
}
