//! Transitions of writers, and of the holder of the upgradable share that becomes one.

use super::{
    GATE, ONE_ACTIVE, ONE_WAITING, OVERDUE, READERS_WOKEN, State, Step, TAG, UPGRADABLE, UPGRADING,
    URGENT, WRITER, WRITER_WOKEN, Wake,
};
use crate::policy::{Fault, Policy};

/// Who wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Someone who holds nothing.
    Write,
    /// The holder of the upgradable share.
    Upgrade,
}

impl Want {
    /// The shares that this one itself holds.
    fn own(self) -> u64 {
        u64::from(self == Self::Upgrade)
    }
}

/// Whether a waiting writer may shut the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// It leaves the gate as it is.
    No,
    /// It shuts it.
    Yes,
    /// It has waited too long: it shuts it, and no reader may open it.
    Urgent,
}

impl State {
    /// A writer takes the lock if nobody stands before it. The one that waited no longer does.
    pub(crate) fn acquire_write<P: Policy>(self, want: Want, waited: bool) -> Option<Step> {
        let drained = self.active() == want.own() || P::FAULT == Some(Fault::WriterIgnoresReaders);
        if self.has(WRITER) || !drained || (self.has(OVERDUE) && self.blocked() > 0) {
            return None;
        }
        let urgent = self.has(URGENT);
        let mut next = State(self.0 - want.own() * ONE_ACTIVE).with(WRITER);
        if want == Want::Upgrade {
            next = next.without(UPGRADABLE | UPGRADING);
        }
        if waited {
            next = next.without(WRITER_WOKEN | URGENT).less_waiting();
        }
        if next.blocked() == 0 {
            // Nobody is active, so no granted reader sleeps; nobody is blocked, so none remembers
            // a tag. The word may become 0 again.
            next = next.without(TAG | READERS_WOKEN | OVERDUE);
        } else if P::PHASES || (urgent && P::FAULT != Some(Fault::UrgentForgetsReaders)) {
            // Urgent: these could not open the gate when their patience was over.
            next = next.with(OVERDUE);
        }
        Some(next.into())
    }

    /// A writer joins those that wait; none if as many wait as can be counted.
    pub(crate) fn join_writers<P: Policy>(self, want: Want, closing: Closing) -> Option<Step> {
        if self.waiting() >= P::MOST_WAITING {
            return None;
        }
        let next = State(self.0 + ONE_WAITING)
            .set_if(closing != Closing::No, GATE)
            .set_if(closing == Closing::Urgent, URGENT);
        Some(match want {
            Want::Write => next.into(),
            // From here on the next wake of a writer is the upgrading one's. It is awake.
            Want::Upgrade => next.with(UPGRADING).without(WRITER_WOKEN).into(),
        })
    }

    /// A waiting writer shuts the gate, or makes it hold against the readers' patience.
    pub(crate) fn shut_gate(self, closing: Closing) -> Option<Step> {
        let flags = match closing {
            Closing::No => return None,
            Closing::Yes => GATE,
            Closing::Urgent => GATE | URGENT,
        };
        (self.0 & flags != flags).then(|| self.with(flags).into())
    }

    /// A waiting writer gives up. In the same step the readers that it held back hold the lock,
    /// unless another writer holds it or has waited too long. With a cool-down the gate opens for
    /// the other writers' part too, and one of them is woken to keep the time.
    pub(crate) fn cancel_write<P: Policy>(
        self,
        want: Want,
        urgent: bool,
        cools_down: bool,
    ) -> Step {
        let mut wake = Wake::default();
        let held_back = self.blocked() > 0;
        let mut next = if urgent { self.without(URGENT) } else { self };
        if want == Want::Upgrade {
            next = next.without(UPGRADING | WRITER_WOKEN);
        } else if !self.has(UPGRADING) && P::FAULT != Some(Fault::CancelKeepsWake) {
            // If the wake under way was for this writer, it has seen it.
            next = next.without(WRITER_WOKEN);
        }
        next = match P::FAULT {
            Some(Fault::CancelForgetsReaders) => return State(next.0 - ONE_WAITING).into(),
            _ => next.less_waiting(),
        };
        if held_back && cools_down && !next.has(URGENT) {
            next = next.without(GATE);
        }
        if held_back && !next.has(WRITER | URGENT) {
            wake.readers = true;
            next = if next.has(OVERDUE) {
                next.grant_after_write()
            } else {
                // The tags are used up: the readers find the gate open.
                next.grant::<P>().unwrap_or_else(|| next.without(GATE).with(READERS_WOKEN))
            };
        }
        if !next.has(GATE) {
            next = next.wake_writer(&mut wake);
        }
        if P::FAULT == Some(Fault::GrantWithoutWake) {
            wake.readers = false;
        }
        Step { next, wake }
    }

    /// A waiting writer opens the gate of its own will, for whoever it held back, and goes on
    /// waiting. Not while a writer holds the lock or has waited too long.
    pub(crate) fn step_back<P: Policy>(self) -> Option<Step> {
        if !self.has(GATE) || self.has(URGENT | WRITER) {
            return None;
        }
        let opened = self.without(GATE);
        if opened.blocked() == 0 {
            return Some(opened.into());
        }
        let next = if opened.has(OVERDUE) {
            opened.grant_after_write()
        } else {
            // The tags are used up: the readers find the gate open.
            opened.grant::<P>().unwrap_or_else(|| opened.with(READERS_WOKEN))
        };
        Some(Step { next, wake: Wake { readers: true, ..Wake::default() } })
    }

    /// A writer that was woken in vain is about to sleep: the next wake is needed. While a holder
    /// upgrades the wake is not for the others to forget.
    pub(crate) fn writer_saw_wake<P: Policy>(self, want: Want) -> Option<Step> {
        let own = want == Want::Upgrade || !self.has(UPGRADING);
        let forgets = own && P::FAULT != Some(Fault::SleeperKeepsWake);
        (forgets && self.has(WRITER_WOKEN)).then(|| self.without(WRITER_WOKEN).into())
    }
}
