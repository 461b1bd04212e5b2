//! Transitions of readers.

use super::{
    BARS_READERS, GATE, ONE_ACTIVE, ONE_BLOCKED, OVERDUE, OVERFLOW, READERS_WOKEN, State, Step,
    URGENT, WRITER, Wake,
};
use crate::policy::{Fault, Policy};

/// What a reader that counted itself in may do now.
#[derive(Debug)]
pub(crate) enum Blocking {
    /// It holds the lock.
    Holds,
    /// It must wait: this is how.
    Blocks(Step),
    /// As many readers wait as can be counted.
    Full,
    /// As many readers hold the lock as can be counted.
    Overflow,
}

impl State {
    /// A reader takes a share without waiting.
    pub(crate) fn try_read(self) -> Option<Step> {
        (!self.has(BARS_READERS)).then(|| State(self.0 + ONE_ACTIVE).into())
    }

    /// A reader that counted itself active blindly learns that it holds, or blocks: it counts
    /// itself blocked instead, in one step, so that it stands in nobody's way asleep. If it was
    /// the last that a writer waited for, it wakes that writer.
    pub(crate) fn block<P: Policy>(self) -> Blocking {
        if !self.has(WRITER | GATE) {
            return if self.has(OVERFLOW) { Blocking::Overflow } else { Blocking::Holds };
        }
        if self.blocked() >= P::MOST_BLOCKED {
            return Blocking::Full;
        }
        let overdue_at_once = P::PHASES && self.has(WRITER);
        let next = State(self.0 - ONE_ACTIVE + ONE_BLOCKED)
            // This reader has not been woken: whoever lets it in must.
            .without(READERS_WOKEN)
            .set_if(overdue_at_once, OVERDUE);
        let mut wake = Wake::default();
        let next = if next.is_drained() { next.wake_writer(&mut wake) } else { next };
        Blocking::Blocks(Step { next, wake })
    }

    /// A blocked reader finds the way free and takes a share, without a grant.
    pub(crate) fn barge(self) -> Option<Step> {
        (!self.has(WRITER | GATE)).then(|| State(self.less_blocked().0 + ONE_ACTIVE).into())
    }

    /// A blocked reader whose patience is over asks the writer that holds the lock to let the
    /// readers in before the next writer.
    pub(crate) fn call_in(self) -> Option<Step> {
        (self.has(WRITER) && !self.has(OVERDUE)).then(|| self.with(OVERDUE).into())
    }

    /// A blocked reader whose patience is over opens the gate: it and every other blocked reader
    /// hold the lock, and a waiting writer is woken to keep the time until the gate may be shut
    /// again. Not while a writer holds the lock or has waited too long itself.
    pub(crate) fn open_gate<P: Policy>(self) -> Option<Step> {
        let urgent = self.has(URGENT) && P::FAULT != Some(Fault::UrgentGivesWay);
        if self.has(WRITER) || urgent {
            return None;
        }
        let mut wake = Wake { readers: true, ..Wake::default() };
        let opened = self.without(GATE);
        let granted = opened.grant::<P>().unwrap_or_else(|| {
            // The tags are used up: this reader goes in, the others find the gate open.
            let next = State(opened.less_blocked().0 + ONE_ACTIVE);
            next.set_if(next.blocked() > 0, READERS_WOKEN)
        });
        Some(Step { next: granted.wake_writer(&mut wake), wake })
    }

    /// Whether the blocked readers come before any writer now, and how they are let in.
    pub(crate) fn grant_overdue(self) -> Option<Step> {
        let due = self.has(OVERDUE) && !self.has(WRITER) && self.blocked() > 0;
        due.then(|| Step {
            next: self.grant_after_write(),
            wake: Wake { readers: true, ..Wake::default() },
        })
    }

    /// A blocked reader gives up.
    pub(crate) fn cancel_read(self) -> Step {
        self.less_blocked().into()
    }

    /// A reader that was woken in vain is about to sleep: the next wake is needed.
    pub(crate) fn reader_saw_wake<P: Policy>(self) -> Option<Step> {
        let forgets = self.has(READERS_WOKEN) && P::FAULT != Some(Fault::SleeperKeepsWake);
        forgets.then(|| self.without(READERS_WOKEN).into())
    }
}
