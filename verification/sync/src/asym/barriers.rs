//! Numbered barriers: combining, and asking later.
//!
//! Two counters: `started`, the number of the newest barrier that has begun, and `ended`, that of
//! the newest that has ended.
//!
//! - B1: a barrier's number is what its read-modify-write made of `started`, before it runs.
//! - B2: `ended` never falls, and says `n` only after a barrier of number `n` or higher has run.
//! - B3: [`Barriers::next`] reads `started` by a read-modify-write of its own. So a barrier whose
//!   number is at least the one returned has begun after it, with everything before the call
//!   visible to it.
//!
//! From B2 and B3: what a thread did before it asked for number `n` and what another does after it
//! has seen `n` ended have a barrier between them, whoever ran it. A plain load in `next` would
//! not do: the barrier's interrupt may reach the readers before this processor's stores have left
//! its store buffer.
//!
//! Sources: the grace-period numbering of Linux' RCU (`rcu_seq_snap`); folly's `rcu_domain`.

use crate::atomic::{AtomicU64, Ordering};
use crate::{CachePadded, const_fn};

#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
use super::leader::Leader;

/// Whether a waiter looks a few times before it sleeps; under a checker that shows nothing new.
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
const SPINS: bool = cfg!(not(any(latchwork_loom, latchwork_shuttle)));

/// Barriers of the process with numbers, so that one of them serves all who came before it began,
/// and so that a thread can ask later whether one has passed.
///
/// To free memory behind readers that fence by [`light`](super::light): unlink it, note
/// [`Barriers::next`], go on working, and free it once [`Barriers::ended`] has reached the number
/// and no reader holds it.
///
/// Each value numbers barriers of its own, for a domain that should share nothing with others.
///
/// ```
/// use latchwork_sync::asym::Barriers;
/// use latchwork_sync::atomic::Ordering;
///
/// static BARRIERS: Barriers = Barriers::new();
///
/// // Something is unlinked here.
/// let number = BARRIERS.next();
/// BARRIERS.complete(number);
/// assert!(BARRIERS.ended(Ordering::Acquire) >= number);
/// ```
#[derive(Debug)]
pub struct Barriers {
    started: CachePadded<AtomicU64>,
    /// Readers may copy it at every pin, so it has a cache line of its own.
    ended: CachePadded<AtomicU64>,
    #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
    leader: Leader,
}

impl Barriers {
    const_fn! {
        /// Barriers none of which has begun.
        pub fn new() -> Self {
            Self {
                started: CachePadded::new(AtomicU64::new(0)),
                ended: CachePadded::new(AtomicU64::new(0)),
                #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
                leader: Leader::new(),
            }
        }
    }

    /// The number of the first barrier that begins after this call.
    ///
    /// Progress: wait-free. Cost: a locked operation on a line that all callers share.
    #[inline]
    pub fn next(&self) -> u64 {
        // A read-modify-write for B3. Release: pairs with the Acquire in `begin`.
        self.started.fetch_add(0, Ordering::Release) + 1
    }

    /// The number of the newest barrier that has ended; 0 before the first.
    ///
    /// With Acquire, what the caller does next comes after that barrier. A reader that only copies
    /// the number to be found by others can do with Relaxed.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn ended(&self, order: Ordering) -> u64 {
        self.ended.load(order)
    }

    /// Runs a barrier and returns its number, unless another thread is running one.
    ///
    /// Progress: the system call may block.
    pub fn try_run(&self) -> Option<u64> {
        #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
        if super::imp::is_shared() {
            return self.leader.try_lead().then(|| self.run_and_resign());
        }
        Some(self.run_alone())
    }

    /// Runs a barrier, or waits for one that another thread runs; returns the number of one that
    /// has begun after the call and has ended.
    pub fn run(&self) -> u64 {
        self.try_run().unwrap_or_else(|| {
            let number = self.next();
            self.complete(number);
            number
        })
    }

    /// Returns once the barrier of this number, or a later one, has ended: at once, after that of
    /// another thread, or by running it.
    ///
    /// Memory ordering: what comes after the call comes after that barrier.
    ///
    /// # Panics
    ///
    /// When `number` is one that [`Barriers::next`] has never returned.
    pub fn complete(&self, number: u64) {
        // Relaxed: it only rises, and the caller has read at least `number - 1`.
        let started = self.started.load(Ordering::Relaxed);
        assert!(number <= started + 1, "barrier {number} is not the next: {started} have begun");
        #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
        if super::imp::is_shared() {
            return self.complete_shared(number);
        }
        // Acquire: pairs with the Release in `end`.
        if self.ended(Ordering::Acquire) < number {
            self.run_alone();
        }
    }

    #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
    fn complete_shared(&self, number: u64) {
        let backoff = crate::Backoff::new();
        // Acquire: pairs with the Release in `end`.
        while self.ended(Ordering::Acquire) < number {
            if self.leader.try_lead() {
                self.run_and_resign();
            } else if SPINS && !backoff.is_completed() {
                backoff.snooze();
            } else {
                self.leader.sleep();
            }
        }
    }

    #[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
    fn run_and_resign(&self) -> u64 {
        /// Gives the role back also where the barrier panics.
        struct Term<'leader>(&'leader Leader);
        impl Drop for Term<'_> {
            fn drop(&mut self) {
                self.0.resign();
            }
        }
        let _term = Term(&self.leader);
        self.run_alone()
    }

    /// A barrier that is shared with nobody; any number of them may run at once.
    fn run_alone(&self) -> u64 {
        let number = self.begin();
        super::imp::barrier();
        self.end(number);
        number
    }

    fn begin(&self) -> u64 {
        // Acquire: pairs with the Release in `next` (B3).
        self.started.fetch_add(1, Ordering::Acquire) + 1
    }

    fn end(&self, number: u64) {
        // Release: pairs with the Acquire of whoever reads that the barrier has ended. A maximum,
        // since barriers may end in another order than they began in (B2).
        self.ended.fetch_max(number, Ordering::Release);
    }
}

impl Default for Barriers {
    fn default() -> Self {
        Self::new()
    }
}
