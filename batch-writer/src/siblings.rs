//! When a leader should wait a moment for others.
//!
//! After a batch, the first submitter to come back finds the queue empty and would sync alone,
//! while the others queue behind it: batches alternate between 1 and N-1, or between any two parts
//! of N, and everybody pays two syncs. A leader that waits until the last batch's submitters are
//! back, in addition to those who queued behind that batch, pays one.
//!
//! With arrivals that come regardless of answers (an open loop) the wait gains nothing. So every
//! wait is judged: it is paid if at least 3/4 of those expected came, and the syncs that this
//! saved are worth twice the time that those who were there have waited. Three unpaid waits in a
//! row are followed by a pause of up to 2^10 - 1 batches, and pauses shrink half as fast as they
//! grow. It takes three, since a first wait only brings the parts of N together, and it is the next
//! one that gains by it. A wait that cost its operations less than a 32nd of a sync each is not
//! held against the rule.
//! A wait is never longer than a sync, which is what it may save, than three times what it last
//! took, or than the limit set. A submitter that is always alone never waits.

use latchwork_sync::time::Duration;

/// Syncs that take less, in nanoseconds, are quick.
pub(crate) const QUICK: u64 = 5_000;

/// The pause after a loss doubles twice; at most 2^10 - 1 batches.
const WORST: u32 = 10;
/// Unpaid waits in a row that count as a loss.
const SERIES: u32 = 3;

/// The rule's state. Private to the holder of the role.
#[derive(Debug)]
pub(crate) struct Siblings {
    limit: Duration,
    /// Submitters that are about: the last batch's, and those queued when it was synced.
    about: usize,
    /// Unpaid waits since the last one that was paid, or the last pause.
    lost: u32,
    /// How long pauses are, as a power of two.
    bad: u32,
    /// Batches to go before the next wait.
    pause: u32,
    /// Averages, in nanoseconds; 0 while unknown.
    sync: u64,
    back_after: u64,
}

/// A wait to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Wait until so many operations are there, the leader's own included.
    pub(crate) operations: usize,
    pub(crate) longest: Duration,
}

/// How a wait went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited {
    pub(crate) expected: usize,
    /// Operations there at the start and at the end.
    pub(crate) before: usize,
    pub(crate) after: usize,
    /// How long it took, in nanoseconds.
    pub(crate) nanoseconds: u64,
    /// The sum over the wait of operations there, times nanoseconds.
    pub(crate) cost: u64,
}

fn average(old: u64, new: u64) -> u64 {
    if old == 0 { new } else { old - old / 8 + new / 8 }
}

impl Siblings {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, about: 1, lost: 0, bad: 0, pause: 0, sync: 0, back_after: 0 }
    }

    /// Whether there is anything to consider: the lone submitter's way past this rule.
    #[inline]
    pub(crate) fn are_about(&self) -> bool {
        self.about > 1 && !self.limit.is_zero() && !self.are_quick()
    }

    /// Whether syncs take less than it takes to wake a thread.
    #[inline]
    pub(crate) fn are_quick(&self) -> bool {
        // 0: not known yet.
        self.sync.wrapping_sub(1) < QUICK - 1
    }

    /// The wait that this leader should do, which has `there` operations already, of `most` that
    /// its batch may have.
    pub(crate) fn window(&mut self, there: usize, most: usize) -> Option<Window> {
        let operations = self.about.min(most);
        if there >= operations || self.sync == 0 {
            return None;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        let mut longest = self.sync;
        if self.back_after > 0 {
            longest = longest.min(3 * self.back_after + 10_000);
        }
        Some(Window { operations, longest: Duration::from_nanos(longest).min(self.limit) })
    }

    /// Learns from a wait; tells whether it was paid.
    pub(crate) fn judge(&mut self, waited: Waited) -> bool {
        let gain = (waited.after - waited.before) as u64 * self.sync;
        let filled = 4 * waited.after >= 3 * waited.expected;
        let cheap =
            waited.cost.saturating_mul(32) <= (waited.after as u64).saturating_mul(self.sync);
        if waited.after >= waited.expected {
            self.back_after = average(self.back_after, waited.nanoseconds.max(1));
        }
        let paid = filled && gain >= 2 * waited.cost;
        if paid {
            self.lost = 0;
            self.bad = self.bad.saturating_sub(1);
        } else if !cheap {
            self.lost += 1;
            // The window may have been too short to tell.
            self.back_after += self.back_after / 4;
            if self.lost < SERIES {
                return false;
            }
            self.lost = 0;
            self.bad = (self.bad + 2).min(WORST);
        }
        self.pause = (1 << self.bad) - 1;
        paid
    }

    /// A batch was synced, with so many submitters in it and behind it.
    #[inline]
    pub(crate) fn batch(&mut self, submitters: usize) {
        self.about = submitters;
    }

    /// A sync took so long.
    #[inline]
    pub(crate) fn sync(&mut self, nanoseconds: u64) {
        self.sync = average(self.sync, nanoseconds.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_batch(about: usize) -> Siblings {
        let mut siblings = Siblings::new(Duration::from_millis(1));
        siblings.sync(100_000);
        siblings.batch(about);
        siblings
    }

    #[test]
    fn the_lone_submitter_never_waits() {
        assert!(!after_batch(1).are_about());
    }

    #[test]
    fn switched_off_nobody_waits() {
        let mut siblings = Siblings::new(Duration::ZERO);
        siblings.batch(8);
        assert!(!siblings.are_about());
    }

    #[test]
    fn waits_for_all_that_are_about_at_most_a_sync() {
        let window = after_batch(7).window(1, 100).expect("siblings are about");
        assert_eq!(window.operations, 7);
        assert_eq!(window.longest, Duration::from_micros(100));
        assert!(after_batch(7).window(7, 100).is_none());
        assert_eq!(after_batch(7).window(1, 4).map(|window| window.operations), Some(4));
    }

    #[test]
    fn a_straggler_among_many_is_no_loss() {
        let mut siblings = after_batch(128);
        let late =
            Waited { expected: 128, before: 127, after: 128, nanoseconds: 900, cost: 115_000 };
        assert!(!siblings.judge(late));
        assert!(siblings.window(1, 1000).is_some());
    }

    #[test]
    fn losses_switch_it_off_and_wins_switch_it_on_again() {
        let mut siblings = after_batch(4);
        let lost = Waited { expected: 4, before: 1, after: 2, nanoseconds: 50_000, cost: 60_000 };
        let mut waits = 0;
        for _ in 0..10_000 {
            if siblings.window(1, 100).is_some() {
                waits += 1;
                assert!(!siblings.judge(lost));
            }
        }
        assert!(waits < 50, "{waits} waits of 10,000");
        let won = Waited { expected: 4, before: 1, after: 4, nanoseconds: 5_000, cost: 10_000 };
        let mut waits = 0;
        for _ in 0..10_000 {
            if siblings.window(1, 100).is_some() {
                waits += 1;
                assert!(siblings.judge(won));
            }
        }
        assert!(waits > 5_000, "{waits} waits of 10,000");
    }
}
