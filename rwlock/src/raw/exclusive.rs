//! How a writer waits, and how the holder of the upgradable share becomes one.

use latchwork_sync::atomic::Ordering;
use latchwork_sync::thread::yield_now;
use latchwork_sync::time::{Duration, Instant, from_nanos, to_nanos};

use super::Core;
use super::patient::Manner;
use super::sleep::earlier;
use super::state::{Closing, GATE, State, WRITER, Want};
use super::watch::{Unwatched, Watch};
use crate::policy::{Fault, Policy};

impl<P: Policy> Core<P> {
    #[cold]
    pub(crate) fn lock_exclusive_slow<W: Watch>(
        &self,
        deadline: Option<Instant>,
        watch: &mut W,
    ) -> bool {
        let hopeful = |state: State| state.is_held() && state.waiting() == 0;
        self.spin_while(hopeful);
        if deadline.is_none() {
            // Each may take as long as others want to run, so that a deadline could pass.
            self.yield_while(hopeful);
        }
        self.wait_to_write(Want::Write, deadline, &mut Manner::Plain, watch)
    }

    #[cold]
    pub(super) fn try_lock_exclusive_slow(&self) -> bool {
        // Acquire: pairs with the release of every holder before.
        self.step(Ordering::Acquire, |seen| seen.acquire_write::<P>(Want::Write, false))
    }

    /// Turns the upgradable share into the write lock; false if the deadline passed first, and
    /// then the caller still owns the share.
    ///
    /// # Safety
    ///
    /// The caller owns the upgradable share, and if this is true the write lock instead.
    #[inline]
    #[must_use]
    pub unsafe fn upgrade(&self, deadline: Option<Instant>) -> bool {
        if P::FAULT == Some(Fault::UpgradeLetsGo) {
            // SAFETY: the caller owns the share.
            unsafe { self.unlock_upgradable() };
            return self.lock_exclusive(deadline);
        }
        // SAFETY: the caller's promise.
        if unsafe { self.try_upgrade() } {
            return true;
        }
        // SAFETY: the caller's promise; it still owns the share.
        unsafe { self.upgrade_slow(deadline, &mut Unwatched) }
    }

    /// The rest of `upgrade`, which can't be had at once.
    ///
    /// # Safety
    ///
    /// As for `upgrade`.
    pub(crate) unsafe fn upgrade_slow<W: Watch>(
        &self,
        deadline: Option<Instant>,
        watch: &mut W,
    ) -> bool {
        self.wait_to_write(Want::Upgrade, deadline, &mut Manner::Plain, watch)
    }

    /// Turns the upgradable share into the write lock if nobody else reads.
    ///
    /// # Safety
    ///
    /// The caller owns the upgradable share, and if this is true the write lock instead.
    #[inline]
    #[must_use]
    pub unsafe fn try_upgrade(&self) -> bool {
        // Acquire: pairs with the release of every reader before.
        self.step(Ordering::Acquire, |seen| seen.acquire_write::<P>(Want::Upgrade, false))
    }

    #[cold]
    pub(super) fn wait_to_write<W: Watch>(
        &self,
        want: Want,
        deadline: Option<Instant>,
        manner: &mut Manner,
        watch: &mut W,
    ) -> bool {
        let clocked = self.policy.patience().is_some() || !self.policy.cool_down().is_zero();
        let clocked = W::ON || clocked || deadline.is_some();
        let mut now = clocked.then(Instant::now);
        // From when on the gate is held shut against the readers' patience.
        let urgent_at = now
            .zip(manner.longest_wait(&self.policy))
            .and_then(|(now, wait)| now.checked_add(wait));
        let mut joined = false;
        loop {
            let events = self.events();
            // Acquire: pairs with the step that opened the gate and started a cool-down.
            let seen = self.state(Ordering::Acquire);
            let passed =
                |moment: Option<Instant>| moment.zip(now).is_some_and(|(at, now)| now >= at);
            let (late, urgent) = (passed(deadline), passed(urgent_at));
            if late && P::FAULT == Some(Fault::DeadlineBeforeLock) && joined {
                if self.give_up(seen, want, urgent, now, watch) {
                    return false;
                }
                continue;
            }
            if let Some(step) = seen.acquire_write::<P>(want, joined) {
                // Acquire: pairs with the release of every holder before.
                if self.commit_gate(seen, step, Ordering::Acquire, watch) {
                    return true;
                }
                continue;
            }
            if let Some(step) = seen.grant_overdue() {
                // Relaxed: continues the release sequence of the writer that has left.
                self.commit(seen, step, Ordering::Relaxed);
                continue;
            }
            if late {
                if !joined || self.give_up(seen, want, urgent, now, watch) {
                    return false;
                }
                continue;
            }
            if let (Manner::Patient(plan), Some(now)) = (&mut *manner, now)
                && joined
                && plan.look(seen.has(GATE), now)
            {
                if let Some(step) = seen.step_back::<P>() {
                    self.start_cool_down_of(plan.cool_down, now);
                    // Release: whoever sees the gate open sees until when it stays so.
                    self.commit_gate(seen, step, Ordering::Release, watch);
                    continue;
                }
                plan.look_later(now);
            }
            let (closing, opens_at) = self.closing(seen, urgent, now);
            if !joined {
                if let Some(step) = seen.join_writers::<P>(want, closing) {
                    // Relaxed: takes and releases nothing.
                    joined = self.commit_gate(seen, step, Ordering::Relaxed, watch);
                    if joined {
                        watch.blocked(seen.has(WRITER));
                    }
                } else {
                    yield_now();
                    // It has no sleep that a deadline could end.
                    if clocked && P::FAULT != Some(Fault::UncountedForgetDeadlines) {
                        now = Some(Instant::now());
                    }
                }
                continue;
            }
            if let Some(step) = seen.shut_gate(closing) {
                // Relaxed: takes and releases nothing.
                self.commit_gate(seen, step, Ordering::Relaxed, watch);
                continue;
            }
            if let Some(step) = seen.writer_saw_wake::<P>(want) {
                // Relaxed: falling asleep releases nothing.
                self.commit(seen, step, Ordering::Relaxed);
                continue;
            }
            let timer = earlier(earlier(deadline, opens_at), manner.steps_back_at());
            let timer = earlier(timer, self.next_look(urgent_at, urgent, now));
            let timer = earlier(timer, watch.alarm());
            self.sleep(events, want.class(), timer);
            if clocked {
                now = Some(Instant::now());
                watch.look(now);
            }
        }
    }

    /// Whether a waiting writer may shut the gate now, and if not, when.
    fn closing(
        &self,
        seen: State,
        urgent: bool,
        now: Option<Instant>,
    ) -> (Closing, Option<Instant>) {
        if !P::GATES {
            return (Closing::No, None);
        }
        if urgent {
            return (Closing::Urgent, None);
        }
        if seen.has(GATE) {
            return (Closing::No, None);
        }
        // Relaxed: whoever has seen the gate open has seen the store before that.
        let cool = self.cool.load(Ordering::Relaxed);
        match now {
            Some(now) if to_nanos(now) < cool => (Closing::No, from_nanos(cool)),
            _ => (Closing::Yes, None),
        }
    }

    /// When a writer that sleeps must look again whether it is urgent. One that is looks once a
    /// patience, since another writer's turn ends the hold of the gate.
    fn next_look(
        &self,
        urgent_at: Option<Instant>,
        urgent: bool,
        now: Option<Instant>,
    ) -> Option<Instant> {
        if !urgent {
            return urgent_at;
        }
        let patience = self.policy.patience()?.max(Duration::from_millis(1));
        now.and_then(|now| now.checked_add(patience))
    }

    /// Gives up as a waiting writer; false if the state has changed meanwhile.
    fn give_up<W: Watch>(
        &self,
        seen: State,
        want: Want,
        urgent: bool,
        now: Option<Instant>,
        watch: &mut W,
    ) -> bool {
        let cools_down = !self.policy.cool_down().is_zero();
        if cools_down && seen.blocked() > 0 {
            self.start_cool_down(now);
        }
        let step = seen.cancel_write::<P>(want, urgent, cools_down);
        // Release: whoever sees the gate open sees until when it stays so.
        self.commit_gate(seen, step, Ordering::Release, watch)
    }
}
