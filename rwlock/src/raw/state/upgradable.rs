//! Transitions of the upgradable share.

use super::{BARS_READERS, ONE_ACTIVE, State, Step, TURN_AWAITED, UPGRADABLE};

impl State {
    /// Takes the upgradable share with nothing held before.
    pub(crate) fn try_upgradable(self) -> Option<Step> {
        (!self.has(BARS_READERS | UPGRADABLE))
            .then(|| State(self.0 + ONE_ACTIVE).with(UPGRADABLE).into())
    }

    /// Makes a share that the caller holds the upgradable one.
    pub(crate) fn mark_upgradable(self) -> Option<Step> {
        (!self.has(UPGRADABLE)).then(|| self.with(UPGRADABLE).into())
    }

    /// Announces a sleep until the upgradable share is free.
    pub(crate) fn await_turn(self) -> Option<Step> {
        (!self.has(TURN_AWAITED)).then(|| self.with(TURN_AWAITED).into())
    }
}
