//! Syncs that go on while the next batch is written.
//!
//! A leader of a writer with [`Options::syncs_in_flight`](crate::Options::syncs_in_flight) writes
//! its batch, takes the sync off the sink, passes the role on, and syncs without it (`flight.rs`).
//! Flights are numbered in the order in which the role's holders launched them. Their syncs may end
//! in any order, but they *land*, and their batches are answered, in that of the numbers.
//!
//! ```text
//!  31                        2         1        0
//! +---------------------------+---------+--------+
//! | flights landed, wrapping  | AWAITED | FAILED |
//! +---------------------------+---------+--------+
//! ```
//!
//! - L1: flight `n` changes the number, from `n` to `n + 1`, and nobody else does; it sets `FAILED`
//!   instead if it failed, while the number is `n`. So nothing lands after a failure: every later
//!   flight, however its own sync ended, is Unknown.
//! - L2: a flight is launched when fewer than there are lanes are in the air, on the lane that its
//!   number names. So no two syncs of one lane overlap.
//! - L3: a flight that fails poisons while it is in front: reason, gate, then `FAILED`, then its
//!   answers. A holder that poisons waits for all flights first. So there is one poisoner, and what
//!   was written before a write that failed is answered as its own sync says.
//! - L4: a flight has no role, and the queue is not its to refuse. The holder that finds `FAILED`,
//!   as every one does that waits for a lane or takes a turn, refuses the queue as after a failure
//!   of its own.
//!
//! Source: `MySQL`'s group commit by stages, in which the next group is flushed while this one
//! syncs; here without a lock for each stage, since landing in order is all that they share.

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::metrics::Count;
use latchwork_sync::wait::{Address, Class, wait, wake_all};

use crate::flaws::Flaws;
use crate::holder::Holder;

/// A flight failed.
const FAILED: u32 = 1;
/// Somebody sleeps until a flight lands.
const AWAITED: u32 = 2;
/// One flight landed.
const LANDED: u32 = 4;

/// The most syncs in flight.
pub(crate) const LANES: usize = 2;

/// A flight has failed: the writer is poisoned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// A flight's number: as many were launched before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(u32);

impl Number {
    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(LANDED))
    }

    /// The lane, of so many, on which this flight goes.
    pub(crate) fn lane(self, lanes: usize) -> usize {
        (self.0 / LANDED) as usize % lanes
    }

    /// How many of the flights before this one are in the air, by this state of the word.
    fn ahead(self, word: u32) -> usize {
        (self.0.wrapping_sub(word & !(AWAITED | FAILED)) / LANDED) as usize
    }
}

/// The flights of one writer.
#[derive(Debug)]
pub(crate) struct Flights {
    word: AtomicU32,
    /// The threads that sync, by lane.
    pilots: [Holder; LANES],
    /// How long the last sync to land took, in nanoseconds.
    pub(crate) took: Count,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self { word: AtomicU32::new(0), pilots: [Holder::new(), Holder::new()], took: Count::new() }
    }

    /// Whether this thread is in the middle of a flight's sync.
    pub(crate) fn am_pilot(&self) -> bool {
        self.pilots.iter().any(Holder::is_me)
    }

    pub(crate) fn pilot(&self, lane: usize) -> &Holder {
        &self.pilots[lane]
    }

    /// Whether fewer than so many flights before this number are in the air: a hint.
    pub(crate) fn are_fewer(&self, number: Number, lanes: usize) -> bool {
        // Relaxed: who acts on it waits first, and then has what the landing published.
        number.ahead(self.word.load(Ordering::Relaxed)) < lanes
    }

    /// Waits until all flights before this number have landed.
    pub(crate) fn await_all(&self, number: Number) -> Result<(), Failed> {
        self.sleep_until_ahead(number, 0)
    }

    /// Waits until this number has its lane, of so many (L2).
    pub(crate) fn await_lane<F: Flaws>(&self, number: Number, lanes: usize) -> Result<(), Failed> {
        if F::LAUNCH_BLIND {
            return Ok(());
        }
        self.sleep_until_ahead(number, lanes - 1)
    }

    fn sleep_until_ahead(&self, number: Number, most: usize) -> Result<(), Failed> {
        loop {
            // Acquire: pairs with the Release exchange of each landing, and of the failure.
            let seen = self.word.load(Ordering::Acquire);
            if seen & FAILED != 0 {
                return Err(Failed);
            }
            if number.ahead(seen) <= most {
                return Ok(());
            }
            let awaited = seen | AWAITED;
            // Relaxed: falling asleep publishes nothing, and a failure is looked at again.
            let (quiet, again) = (Ordering::Relaxed, Ordering::Relaxed);
            if self.word.compare_exchange(seen, awaited, quiet, again).is_ok() {
                wait(&self.word, awaited, Class::ANY, None);
            }
        }
    }

    /// Lands the flight in front.
    pub(crate) fn land(&self, number: Number) {
        self.publish(number.next().0);
    }

    /// Fails the flight in front, and with it every one behind it.
    pub(crate) fn fail(&self, number: Number) {
        self.publish(number.0 | FAILED);
    }

    fn publish(&self, word: u32) {
        // Release: gives what was done for the landing, or the reason of the poison, to who waits.
        // Those before it come along: this thread has acquired them.
        if self.word.swap(word, Ordering::Release) & AWAITED != 0 {
            wake_all(Address::of(&self.word));
        }
    }
}
