//! The upgradable share: one reader that may become the writer without letting go.

use latchwork_sync::atomic::Ordering;
use latchwork_sync::time::Instant;

use super::Core;
use super::sleep::{TURN, earlier};
use super::state::{ONE_ACTIVE, State, TURN_AWAITED, UPGRADABLE, UPGRADABLE_RELEASE_CONCERNS};
use super::watch::{Unwatched, Watch};
use crate::policy::{Fault, Policy};

impl<P: Policy> Core<P> {
    /// Takes the upgradable share, of which there is one, beside other readers; false if the
    /// deadline passed first.
    ///
    /// # Panics
    ///
    /// When 2¹⁹ readers hold the lock.
    #[must_use]
    pub fn lock_upgradable(&self, deadline: Option<Instant>) -> bool {
        self.try_lock_upgradable() || self.lock_upgradable_slow(deadline, &mut Unwatched)
    }

    /// The rest of `lock_upgradable`, which can't be had at once.
    #[cold]
    pub(crate) fn lock_upgradable_slow<W: Watch>(
        &self,
        deadline: Option<Instant>,
        watch: &mut W,
    ) -> bool {
        loop {
            let shared =
                |watch: &mut W| self.enter_shared() || self.lock_shared_slow(deadline, watch);
            if !self.wait_for_turn(deadline, watch) || !shared(watch) {
                return false;
            }
            // Relaxed: the share was acquired.
            if self.step(Ordering::Relaxed, State::mark_upgradable) {
                return true;
            }
            // SAFETY: taken above, and not marked.
            unsafe { self.unlock_shared() };
            if self.try_lock_upgradable() {
                return true;
            }
        }
    }

    /// Takes the upgradable share if that needs no waiting.
    #[inline]
    #[must_use]
    pub fn try_lock_upgradable(&self) -> bool {
        // Acquire: pairs with the release of every writer before.
        self.step(Ordering::Acquire, State::try_upgradable)
    }

    /// Gives the upgradable share back.
    ///
    /// # Safety
    ///
    /// The caller owns the upgradable share, which this uses up.
    #[inline]
    pub unsafe fn unlock_upgradable(&self) {
        // SAFETY: passed on to the caller.
        let before = unsafe { self.release_upgradable() };
        self.settle_upgradable(before);
    }

    /// The first half of `unlock_upgradable`: gives the share back.
    ///
    /// # Safety
    ///
    /// As for `unlock_upgradable`. `settle_upgradable` must follow.
    #[inline]
    pub(crate) unsafe fn release_upgradable(&self) -> State {
        // Release: pairs with the acquiring step of the next writer.
        State(self.state.fetch_sub(UPGRADABLE + ONE_ACTIVE, Ordering::Release))
    }

    /// The other half: tells whoever waited for it.
    #[inline]
    pub(crate) fn settle_upgradable(&self, before: State) {
        if before.has(UPGRADABLE_RELEASE_CONCERNS) && P::FAULT != Some(Fault::TurnIsSilent) {
            self.after_read();
        }
    }

    /// Turns the upgradable share into a plain one.
    ///
    /// # Safety
    ///
    /// The caller owns the upgradable share, and then a plain one instead.
    #[inline]
    pub unsafe fn downgrade_upgradable(&self) {
        // Relaxed: the share is still held; its release comes later.
        let before = State(self.state.fetch_sub(UPGRADABLE, Ordering::Relaxed));
        if before.has(TURN_AWAITED) {
            self.after_read();
        }
    }

    /// Waits until nobody holds the upgradable share; false if the deadline passed first.
    #[cold]
    fn wait_for_turn<W: Watch>(&self, deadline: Option<Instant>, watch: &mut W) -> bool {
        loop {
            let events = self.events();
            // Relaxed: nothing is taken here.
            let seen = self.state(Ordering::Relaxed);
            if !seen.has(UPGRADABLE) {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            if let Some(step) = seen.await_turn() {
                // Relaxed: falling asleep releases nothing.
                self.commit(seen, step, Ordering::Relaxed);
                continue;
            }
            let timer = earlier(deadline, watch.alarm());
            self.sleep(events, TURN, timer);
            if timer.is_some() {
                watch.look(Some(Instant::now()));
            }
        }
    }
}
