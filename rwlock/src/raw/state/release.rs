//! What a leaver owes to those who wait.

use super::{GATE, READERS_WOKEN, State, Step, TURN_AWAITED, UPGRADABLE, WRITER, Wake};

impl State {
    /// After a write section: lets in or wakes whoever may go on. None if nobody needs to be told.
    pub(crate) fn after_write(self) -> Option<Step> {
        if self.has(WRITER) {
            // Its own release will do it.
            return None;
        }
        if let Some(step) = self.grant_overdue() {
            return Some(step);
        }
        let mut wake = Wake::default();
        let mut next = self;
        if !next.has(GATE | READERS_WOKEN) && next.blocked() > 0 {
            next = next.with(READERS_WOKEN);
            wake.readers = true;
        }
        // The writer that has left may have been the one that kept the time until the gate may be
        // shut: with the gate open another must.
        if next.is_drained() || !next.has(GATE) {
            next = next.wake_writer(&mut wake);
        }
        self.unless_same(next.give_turn(&mut wake), wake)
    }

    /// After a share was given back: wakes whoever waited for that. None if nobody did.
    pub(crate) fn after_read(self) -> Option<Step> {
        let mut wake = Wake::default();
        let next = if self.is_drained() { self.wake_writer(&mut wake) } else { self };
        self.unless_same(next.give_turn(&mut wake), wake)
    }

    /// Obliges to wake those who wait for the upgradable share, if it is free.
    fn give_turn(self, wake: &mut Wake) -> Self {
        wake.turn = self.has(TURN_AWAITED) && !self.has(UPGRADABLE | WRITER);
        if wake.turn { self.without(TURN_AWAITED) } else { self }
    }

    fn unless_same(self, next: Self, wake: Wake) -> Option<Step> {
        (next != self).then_some(Step { next, wake })
    }
}
