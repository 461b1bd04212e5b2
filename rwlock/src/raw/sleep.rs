//! Taking steps, sleeping and waking.

use latchwork_sync::atomic::Ordering;
use latchwork_sync::hint::spin_loop;
use latchwork_sync::thread::yield_now;
use latchwork_sync::time::Instant;
use latchwork_sync::wait::{Address, Class, wait, wake};

use super::Core;
use super::state::{GATE, State, Step, Wake, Want};
use super::watch::Watch;
use crate::policy::Policy;

pub(super) const READERS: Class = Class::new(1);
const WRITERS: Class = Class::new(2);
const UPGRADER: Class = Class::new(4);
pub(super) const TURN: Class = Class::new(8);

/// Looks at the word before a thread goes to sleep: about as long as a short critical section. A
/// checker explores sleeping at once.
const LOOKS: u32 = if cfg!(any(latchwork_loom, latchwork_shuttle)) { 0 } else { 100 };

/// Then, how often a thread offers the processor to others before it goes to sleep: with more threads
/// than processors the holder may only need to run.
const YIELDS: u32 = if cfg!(any(latchwork_loom, latchwork_shuttle)) { 0 } else { 8 };

impl Want {
    pub(super) fn class(self) -> Class {
        match self {
            Self::Write => WRITERS,
            Self::Upgrade => UPGRADER,
        }
    }
}

/// The earlier of two deadlines, none being never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl<P: Policy> Core<P> {
    /// The event count, to be read before the state that a sleep depends on.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn events(&self) -> u32 {
        // Acquire: pairs with the bump in `wake`. Who sees the bump sees the state before it.
        self.events.load(Ordering::Acquire)
    }

    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn state(&self, order: Ordering) -> State {
        State(self.state.load(order))
    }

    /// Sleeps until a wake of the class that comes after `events` was read, or the deadline.
    pub(super) fn sleep(&self, events: u32, class: Class, deadline: Option<Instant>) {
        wait(&self.events, events, class, deadline);
    }

    /// Looks again and again for a moment while `hopeful`.
    #[allow(clippy::reversed_empty_ranges, reason = "a checker has no moments")]
    pub(super) fn spin_while(&self, hopeful: impl Fn(State) -> bool) {
        for _ in 0..LOOKS {
            // Relaxed: whatever is decided is decided by a step.
            if !hopeful(self.state(Ordering::Relaxed)) {
                return;
            }
            spin_loop();
        }
    }

    /// Lets others run for a moment while `hopeful`.
    #[allow(clippy::reversed_empty_ranges, reason = "a checker has no moments")]
    pub(super) fn yield_while(&self, hopeful: impl Fn(State) -> bool) {
        for _ in 0..YIELDS {
            yield_now();
            // Relaxed: whatever is decided is decided by a step.
            if !hopeful(self.state(Ordering::Relaxed)) {
                return;
            }
        }
    }

    /// Makes one step from `from`, if the word still holds that, and wakes whom it lets go on.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn commit(&self, from: State, step: Step, order: Ordering) -> bool {
        // Relaxed: after a failure the caller looks again.
        let result = self.state.compare_exchange(from.0, step.next.0, order, Ordering::Relaxed);
        if result.is_ok() {
            self.wake(step.wake);
        }
        result.is_ok()
    }

    /// As `commit`, and tells who looks on if that shut or opened the gate.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn commit_gate<W: Watch>(
        &self,
        from: State,
        step: Step,
        order: Ordering,
        watch: &mut W,
    ) -> bool {
        let done = self.commit(from, step, order);
        if W::ON && done && from.has(GATE) != step.next.has(GATE) {
            watch.gate(step.next.has(GATE));
        }
        done
    }

    /// Repeats a step until it is made or there is none to make; whether it was made.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn step(&self, order: Ordering, step: impl Fn(State) -> Option<Step>) -> bool {
        loop {
            // Relaxed: a stale value fails the exchange, or shows a moment at which the answer no
            // was right.
            let seen = self.state(Ordering::Relaxed);
            match step(seen) {
                None => return false,
                Some(step) if self.commit(seen, step, order) => return true,
                Some(_) => spin_loop(),
            }
        }
    }

    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn wake(&self, who: Wake) {
        if who != Wake::default() {
            self.wake_slow(who);
        }
    }

    #[cold]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn wake_slow(&self, who: Wake) {
        // Release: pairs with the look in `events`. Wraps harmlessly: a sleeper would have to be
        // between its look and its sleep for 2^32 wakes.
        self.events.fetch_add(1, Ordering::Release);
        let address = Address::of(&self.events);
        if who.readers {
            wake(address, u32::MAX, READERS);
        }
        if let Some(want) = who.writer {
            wake(address, 1, want.class());
        }
        if who.turn {
            wake(address, u32::MAX, TURN);
        }
    }

    /// A writer has left a state in which someone waited.
    #[cold]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn after_write(&self) {
        // Relaxed: the release has been made, and these steps continue its release sequence.
        while self.step(Ordering::Relaxed, State::after_write) {}
    }

    /// A reader has left a state in which someone waited.
    #[cold]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(super) fn after_read(&self) {
        // Relaxed: as after a write.
        self.step(Ordering::Relaxed, State::after_read);
    }
}
