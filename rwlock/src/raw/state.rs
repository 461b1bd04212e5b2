//! The state word: who holds the lock, who waits for it, and who is being woken.
//!
//! ```text
//!  63        55 54     48 47        36 35        20 19            0
//! ┌────────────┬─────────┬────────────┬────────────┬───────────────┐
//! │   flags    │   tag   │  waiting   │  blocked   │    active     │   idle = 0
//! └────────────┴─────────┴────────────┴────────────┴───────────────┘
//! ```
//!
//! Every change of who holds, who waits and who must be woken is one compare-exchange (or one
//! addition where nothing else can change) of this word. Each is a function of this module that
//! takes the old state and gives the new one with the wakes that go with it.

mod readers;
mod release;
#[cfg(test)]
mod tests;
mod upgradable;
mod writers;

pub(crate) use readers::Blocking;
pub(crate) use writers::{Closing, Want};

use crate::policy::{Fault, Policy};

/// Readers that hold the lock, those that are just trying to, and the holder of an upgradable
/// share. The lowest field: a fast reader adds to it blindly.
pub(crate) const ACTIVE: u64 = (1 << 20) - 1;
/// One reader more.
pub(crate) const ONE_ACTIVE: u64 = 1;
/// The highest bit of `ACTIVE`: set, no more readers are let in, so that `ACTIVE` never carries.
pub(crate) const OVERFLOW: u64 = 1 << 19;
/// Readers that wait.
const BLOCKED: u64 = 0xffff << 20;
const ONE_BLOCKED: u64 = 1 << 20;
/// Writers that wait, an upgrading one included.
const WAITING: u64 = 0xfff << 36;
const ONE_WAITING: u64 = 1 << 36;

const TAG_SHIFT: u32 = 48;
/// A checker's tag is small, so that its models reach the end of it.
const TAG_BITS: u32 = if cfg!(any(latchwork_loom, latchwork_shuttle)) { 2 } else { 7 };
/// Which batch a blocked reader belongs to. A grant changes it, and the reader that sees it
/// changed holds the lock. The top bit tells the two halves apart: within a half it counts up,
/// and a half is left only when a write section has proved that every granted reader has woken.
const TAG: u64 = ((1 << TAG_BITS) - 1) << TAG_SHIFT;
const ONE_TAG: u64 = 1 << TAG_SHIFT;
const TAG_HALF: u64 = 1 << (TAG_SHIFT + TAG_BITS - 1);

/// A writer holds the lock.
pub(crate) const WRITER: u64 = 1 << 55;
/// The gate is shut: new readers wait. Only while writers wait.
pub(crate) const GATE: u64 = 1 << 56;
/// The blocked readers come before the next writer. Only set while a writer holds the lock.
const OVERDUE: u64 = 1 << 57;
/// A writer has waited too long: no reader may open the gate. Only while writers wait.
const URGENT: u64 = 1 << 58;
/// Someone holds the upgradable share; it also counts as one of the active.
pub(crate) const UPGRADABLE: u64 = 1 << 59;
/// The holder of the upgradable share waits to be the only reader; it is one of the waiting.
const UPGRADING: u64 = 1 << 60;
/// Someone may be asleep until the upgradable share is free.
pub(crate) const TURN_AWAITED: u64 = 1 << 61;
/// A wake of all readers is under way; none is needed until a reader has seen it.
const READERS_WOKEN: u64 = 1 << 62;
/// A wake of a writer is under way; none is needed until that writer has seen it. While a holder
/// upgrades the wake is its own, and nobody else clears the flag.
const WRITER_WOKEN: u64 = 1 << 63;

/// A reader that finds none of these set when it adds itself holds the lock.
pub(crate) const BARS_READERS: u64 = WRITER | GATE | OVERFLOW;
/// A writer that leaves has someone to wake, or flags to clear, only if one of these is set.
pub(crate) const WRITE_RELEASE_CONCERNS: u64 = BLOCKED | WAITING | TURN_AWAITED;
/// A reader that leaves has someone to wake only if one of these is set.
pub(crate) const READ_RELEASE_CONCERNS: u64 = WAITING;
/// The holder of the upgradable share that leaves has someone to wake only if one is set.
pub(crate) const UPGRADABLE_RELEASE_CONCERNS: u64 = WAITING | TURN_AWAITED;

/// One value of the state word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) u64);

/// What a transition leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) next: State,
    pub(crate) wake: Wake,
}

/// Whom a transition obliges to wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wake {
    /// Every blocked reader.
    pub(crate) readers: bool,
    /// The writer that is next: one of those that wait, or the one that waits to upgrade.
    pub(crate) writer: Option<Want>,
    /// Everyone who waits for the upgradable share.
    pub(crate) turn: bool,
}

impl State {
    pub(crate) fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    fn with(self, flags: u64) -> Self {
        Self(self.0 | flags)
    }

    fn without(self, flags: u64) -> Self {
        Self(self.0 & !flags)
    }

    fn set_if(self, condition: bool, flags: u64) -> Self {
        if condition { self.with(flags) } else { self }
    }

    pub(crate) fn active(self) -> u64 {
        self.0 & ACTIVE
    }

    pub(crate) fn blocked(self) -> u64 {
        (self.0 & BLOCKED) / ONE_BLOCKED
    }

    pub(crate) fn waiting(self) -> u64 {
        (self.0 & WAITING) / ONE_WAITING
    }

    /// Which batch a reader that blocks now belongs to.
    pub(crate) fn batch(self) -> u64 {
        self.0 & TAG
    }

    /// Whether anyone waits for the lock.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    pub(crate) fn is_waited_for(self) -> bool {
        self.has(BLOCKED | WAITING | TURN_AWAITED)
    }

    pub(crate) fn is_held(self) -> bool {
        self.has(WRITER) || self.active() > 0
    }

    /// Nobody stands before the writer that is next: the upgrading one if there is one, whose
    /// own share is still among the active.
    fn is_drained(self) -> bool {
        !self.has(WRITER) && self.active() == u64::from(self.has(UPGRADING))
    }

    /// Obliges to wake the writer that is next, unless a wake is under way.
    fn wake_writer(self, wake: &mut Wake) -> Self {
        if self.waiting() == 0 || self.has(WRITER_WOKEN) {
            return self;
        }
        let upgrading = self.has(UPGRADING);
        wake.writer = Some(if upgrading { Want::Upgrade } else { Want::Write });
        self.with(WRITER_WOKEN)
    }

    /// Makes every blocked reader a holder, if the batch can be told from those whose readers
    /// may still be asleep.
    fn grant<P: Policy>(self) -> Option<Self> {
        let half = TAG_HALF - ONE_TAG;
        let granted = self.0 & half;
        if granted == half || granted / ONE_TAG >= P::MOST_GRANTS {
            let wraps = P::FAULT == Some(Fault::TagsWrap);
            return wraps.then(|| self.activate_blocked(self.0 & TAG_HALF));
        }
        Some(self.activate_blocked(State(self.0 + ONE_TAG).batch()))
    }

    /// Makes every blocked reader a holder, after a write section in which none could be a
    /// granted sleeper: the other half of the tags is free again.
    fn grant_after_write(self) -> Self {
        debug_assert!(!self.has(WRITER), "{self:?}: a writer holds the lock");
        self.activate_blocked((self.0 & TAG_HALF) ^ TAG_HALF)
    }

    fn activate_blocked(self, batch: u64) -> Self {
        let active = self.0 + self.blocked() * ONE_ACTIVE;
        Self(active & !(BLOCKED | TAG | OVERDUE | READERS_WOKEN) | batch)
    }

    /// With one blocked reader less.
    fn less_blocked(self) -> Self {
        let next = Self(self.0 - ONE_BLOCKED);
        if next.blocked() == 0 { next.without(OVERDUE | READERS_WOKEN) } else { next }
    }

    /// With one waiting writer less; the last one opens the gate.
    fn less_waiting(self) -> Self {
        let next = Self(self.0 - ONE_WAITING);
        if next.waiting() == 0 { next.without(GATE | URGENT | WRITER_WOKEN) } else { next }
    }
}

impl From<State> for Step {
    fn from(next: State) -> Self {
        Self { next, wake: Wake::default() }
    }
}

impl core::fmt::Debug for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} active, {} blocked, {} waiting",
            self.active(),
            self.blocked(),
            self.waiting()
        )?;
        let flags = [
            (WRITER, "writer"),
            (GATE, "gate shut"),
            (OVERDUE, "readers overdue"),
            (URGENT, "writer urgent"),
            (UPGRADABLE, "upgradable"),
            (UPGRADING, "upgrading"),
            (TURN_AWAITED, "turn awaited"),
            (READERS_WOKEN, "readers woken"),
            (WRITER_WOKEN, "writer woken"),
        ];
        for (flag, name) in flags {
            if self.has(flag) {
                write!(f, ", {name}")?;
            }
        }
        Ok(())
    }
}
