//! How a reader waits.

use latchwork_sync::atomic::Ordering;
use latchwork_sync::thread::yield_now;
use latchwork_sync::time::{Duration, Instant, to_nanos};

use super::Core;
use super::sleep::{READERS, earlier};
use super::state::{BARS_READERS, Blocking, GATE, ONE_ACTIVE, State, WRITER};
use super::watch::Watch;
use crate::policy::{Fault, Policy};

impl<P: Policy> Core<P> {
    /// The rest of `lock_shared`: the caller is counted active and found the way barred.
    #[cold]
    pub(crate) fn lock_shared_slow<W: Watch>(
        &self,
        deadline: Option<Instant>,
        watch: &mut W,
    ) -> bool {
        loop {
            // A reader that is counted active does not disturb a writer that holds the lock, but
            // would hold up one that waits.
            self.spin_while(|state| state.has(WRITER) && !state.has(GATE));
            // Acquire: if nothing bars the way any more, pairs with the release of the writer.
            let seen = self.state(Ordering::Acquire);
            match seen.block::<P>() {
                Blocking::Holds => return true,
                Blocking::Blocks(mut step) => {
                    if P::FAULT == Some(Fault::BlockIsSilent) {
                        step.wake.writer = None;
                    }
                    // Relaxed: nothing was done under the share that is taken back.
                    if self.commit(seen, step, Ordering::Relaxed) {
                        watch.blocked(seen.has(WRITER));
                        return self.wait_blocked(step.next.batch(), deadline, watch);
                    }
                }
                Blocking::Full => {
                    // SAFETY: this thread's addition made it active.
                    unsafe { self.unlock_shared() };
                    yield_now();
                    // It has no sleep that a deadline could end.
                    if deadline.is_some_and(|deadline| Instant::now() >= deadline)
                        && P::FAULT != Some(Fault::UncountedForgetDeadlines)
                    {
                        return self.try_lock_shared();
                    }
                    // Acquire: as in `lock_shared`.
                    let before = State(self.state.fetch_add(ONE_ACTIVE, Ordering::Acquire));
                    if !before.has(BARS_READERS) {
                        return true;
                    }
                }
                Blocking::Overflow => {
                    // SAFETY: this thread's addition made it active.
                    unsafe { self.unlock_shared() };
                    panic!("too many readers hold this lock; are guards being leaked?");
                }
            }
        }
    }

    /// Waits as a blocked reader of a batch until it holds the lock; false if the deadline passed.
    fn wait_blocked<W: Watch>(&self, batch: u64, deadline: Option<Instant>, watch: &mut W) -> bool {
        let patience = self.policy.patience();
        let clocked = W::ON || patience.is_some() || deadline.is_some();
        let start = clocked.then(Instant::now);
        let call_at = start.zip(patience).and_then(|(start, wait)| start.checked_add(wait));
        let mut now = start;
        loop {
            let events = self.events();
            // Acquire: if the tag has changed, pairs with the release of the writers before the
            // grant; if it hasn't, with the bump of `cool` before the gate was opened.
            let seen = self.state(Ordering::Acquire);
            let passed =
                |moment: Option<Instant>| moment.zip(now).is_some_and(|(at, now)| now >= at);
            if P::FAULT == Some(Fault::DeadlineBeforeGrant) && passed(deadline) {
                self.step(Ordering::Relaxed, |seen| Some(seen.cancel_read()));
                return false;
            }
            if seen.batch() != batch {
                return true;
            }
            if let Some(step) = seen.barge() {
                // Acquire: pairs with the release of the writer that has left.
                if self.commit(seen, step, Ordering::Acquire) {
                    return true;
                }
                continue;
            }
            let mut timer = deadline;
            if !passed(call_at) {
                timer = earlier(timer, call_at);
            } else if let Some(step) = seen.grant_overdue() {
                // Acquire: pairs with the release of the writer that has left.
                if self.commit(seen, step, Ordering::Acquire) {
                    return true;
                }
                continue;
            } else if let Some(step) = seen.call_in() {
                // Relaxed: asks for something, releases nothing.
                self.commit(seen, step, Ordering::Relaxed);
                continue;
            } else if let Some(step) = seen.open_gate::<P>() {
                self.start_cool_down(now);
                // Acquire: pairs with the releases of the writers before. Release: whoever sees
                // the gate open sees until when it stays so.
                if self.commit_gate(seen, step, Ordering::AcqRel, watch) {
                    return true;
                }
                continue;
            }
            if passed(deadline) {
                if P::FAULT == Some(Fault::TimedReadStaysCounted) {
                    return false;
                }
                // Relaxed: nothing was held.
                if self.commit(seen, seen.cancel_read(), Ordering::Relaxed) {
                    return false;
                }
                continue;
            }
            if let Some(step) = seen.reader_saw_wake::<P>() {
                // Relaxed: falling asleep releases nothing.
                self.commit(seen, step, Ordering::Relaxed);
                continue;
            }
            let timer = earlier(timer, watch.alarm());
            self.sleep(events, READERS, timer);
            if P::FAULT == Some(Fault::WakeIsTrusted) {
                return true;
            }
            if timer.is_some() {
                now = Some(Instant::now());
                watch.look(now);
            }
        }
    }

    /// Says until when the gate is to stay open.
    pub(super) fn start_cool_down(&self, now: Option<Instant>) {
        if let Some(now) = now {
            self.start_cool_down_of(self.policy.cool_down(), now);
        }
    }

    /// Says until when the gate is to stay open.
    pub(super) fn start_cool_down_of(&self, cool_down: Duration, now: Instant) {
        if !cool_down.is_zero() {
            let until = to_nanos(now).saturating_add(cool_down.as_nanos() as u64);
            // Relaxed: the step that opens the gate releases it.
            self.cool.store(until, Ordering::Relaxed);
        }
    }

    /// Makes the readers that wait come before the next writer; for the writer that holds.
    #[cold]
    pub(crate) fn call_readers_in(&self) {
        // Relaxed: the release that follows publishes it.
        self.step(Ordering::Relaxed, |seen| if seen.blocked() > 0 { seen.call_in() } else { None });
    }
}
