//! When a leader should wait a moment for others.
//!
//! After a batch, the first submitter to come back finds the queue empty and would sync alone,
//! while the others queue behind it: batches alternate between 1 and N-1, and everybody pays two
//! syncs. A leader that waits until the last batch's submitters are back pays one.
//!
//! With arrivals that come regardless of answers (an open loop) the wait gains nothing. So every
//! wait is judged: it is paid if at least 7/8 of those expected came, and the syncs that this
//! saved are worth twice the time that those who were there have waited. An unpaid wait is
//! followed by a pause of up to 2^10 - 1 batches, and pauses shrink half as fast as they grow.
//! A wait is never longer than half a sync, than three times what it last took, or than the
//! limit set. A submitter that is always alone never waits.

use latchwork_sync::time::Duration;

/// The pause after a loss doubles twice; at most 2^10 - 1 batches.
const WORST: u32 = 10;

/// The rule's state. Private to the holder of the role.
#[derive(Debug)]
pub(crate) struct Siblings {
    limit: Duration,
    /// Operations in the last two batches.
    last: [usize; 2],
    /// Losses, in half steps.
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
        Self { limit, last: [1, 1], bad: 0, pause: 0, sync: 0, back_after: 0 }
    }

    /// Whether there is anything to consider: the lone submitter's way past this rule.
    #[inline]
    pub(crate) fn are_about(&self) -> bool {
        (self.last[0] | self.last[1]) > 1 && !self.limit.is_zero()
    }

    /// The wait that this leader should do, which has `there` operations already.
    pub(crate) fn window(&mut self, there: usize) -> Option<Window> {
        let operations = self.last[0].max(self.last[1]);
        if there >= operations || self.sync == 0 {
            return None;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        let mut longest = self.sync / 2;
        if self.back_after > 0 {
            longest = longest.min(3 * self.back_after + 10_000);
        }
        Some(Window { operations, longest: Duration::from_nanos(longest).min(self.limit) })
    }

    /// Learns from a wait; tells whether it was paid.
    pub(crate) fn judge(&mut self, waited: Waited) -> bool {
        let gain = (waited.after - waited.before) as u64 * self.sync;
        let filled = 8 * waited.after >= 7 * waited.expected;
        if waited.after >= waited.expected {
            self.back_after = average(self.back_after, waited.nanoseconds.max(1));
        }
        let paid = filled && gain >= 2 * waited.cost;
        if paid {
            self.bad = self.bad.saturating_sub(1);
        } else {
            self.bad = (self.bad + 2).min(WORST);
            // The window may have been too short to tell.
            self.back_after += self.back_after / 4;
        }
        self.pause = (1 << self.bad) - 1;
        paid
    }

    /// A batch has so many operations.
    #[inline]
    pub(crate) fn batch(&mut self, operations: usize) {
        self.last = [self.last[1], operations];
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

    fn after_batches(sizes: [usize; 2]) -> Siblings {
        let mut siblings = Siblings::new(Duration::from_millis(1));
        siblings.sync(100_000);
        for size in sizes {
            siblings.batch(size);
        }
        siblings
    }

    #[test]
    fn the_lone_submitter_never_waits() {
        assert!(!after_batches([1, 1]).are_about());
    }

    #[test]
    fn switched_off_nobody_waits() {
        let mut siblings = Siblings::new(Duration::ZERO);
        siblings.batch(8);
        assert!(!siblings.are_about());
    }

    #[test]
    fn waits_for_the_larger_of_two_batches_at_most_half_a_sync() {
        let window = after_batches([7, 1]).window(1).expect("siblings are about");
        assert_eq!(window.operations, 7);
        assert_eq!(window.longest, Duration::from_micros(50));
        assert!(after_batches([7, 1]).window(7).is_none());
    }

    #[test]
    fn losses_switch_it_off_and_wins_switch_it_on_again() {
        let mut siblings = after_batches([4, 4]);
        let lost = Waited { expected: 4, before: 1, after: 2, nanoseconds: 50_000, cost: 60_000 };
        let mut waits = 0;
        for _ in 0..10_000 {
            if siblings.window(1).is_some() {
                waits += 1;
                assert!(!siblings.judge(lost));
            }
        }
        assert!(waits < 20, "{waits} waits of 10,000");
        let won = Waited { expected: 4, before: 1, after: 4, nanoseconds: 5_000, cost: 10_000 };
        let mut waits = 0;
        for _ in 0..10_000 {
            if siblings.window(1).is_some() {
                waits += 1;
                assert!(siblings.judge(won));
            }
        }
        assert!(waits > 5_000, "{waits} waits of 10,000");
    }
}
