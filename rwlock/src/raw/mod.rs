//! The lock without data and without guards.
//!
//! # Algorithm
//!
//! One 64-bit word counts the readers that hold the lock, the readers that are blocked, and the
//! writers that wait; flags say who holds and who is being woken. Readers add themselves blindly,
//! writers exchange the idle word, which is always 0, so that neither reads the word first.
//! Whatever changes who waits and who must be woken is one step of this word.
//!
//! A waiting writer shuts the *gate*; a reader that finds it shut counts itself blocked. Blocked
//! readers are let in together by a *grant*, which counts them active in the same step that
//! changes the *tag*: a blocked reader that finds its tag changed holds the lock, whatever else
//! has happened. Grants are made by a writer that gives up, by a reader whose patience is over,
//! and at the end of a write section that overdue readers wait for; otherwise a writer that leaves
//! opens the way and lets everyone run for it.
//!
//! Sleepers sleep on a second word, an event count that every wake bumps.
//!
//! # Invariants
//!
//! - I1: `WRITER` is set only by a step from a state in which nobody is active (but the one that
//!   upgrades) and no writer holds. While it is set, a reader that adds itself finds it set.
//! - I2: each unit of `active`, `blocked` and `waiting`, and each of `WRITER`, `UPGRADABLE` and
//!   `UPGRADING`, belongs to one thread or guard, which alone takes it back; only a grant makes
//!   other threads' blocked units active.
//! - I3: a blocked reader finds the tag that it remembers if and only if it has not been granted.
//!   Within a half of the tags grants count up and stop at the end; the other half is entered only
//!   after a write section, when every granted reader has woken and left.
//! - I4: `GATE` is set only while writers wait. The last one to go opens it.
//! - I5: a thread sleeps only after a look at the state that followed its look at the event count;
//!   every step that lets others go on is followed by a bump and a wake, unless one is marked as
//!   under way, and that mark is cleared only by a thread of the class that it is for.
//! - I6: while writers wait, the gate is open and nobody writes, one of the waiting is awake, being
//!   woken, or asleep with a timer.
//!
//! # Orderings
//!
//! Every change of the state word is a read-modify-write, so each continues the release sequences
//! before it: an acquiring step sees what every earlier releasing step released.
//!
//! Source: the counting of Courtois, Heymans and Parnas; the blind addition of Mellor-Crummey and
//! Scott's fair lock; event counts of Reed and Kanodia.

mod exclusive;
mod patient;
mod shared;
mod sleep;
mod state;
mod upgradable;
mod watch;

use latchwork_sync::atomic::{AtomicU32, AtomicU64, Ordering};
use latchwork_sync::const_fn;
use latchwork_sync::time::Instant;

use crate::policy::{Bounded, Fault, Policy};
pub use patient::{GaveUp, Patient};
use state::{
    ACTIVE, BARS_READERS, ONE_ACTIVE, READ_RELEASE_CONCERNS, State, UPGRADABLE,
    WRITE_RELEASE_CONCERNS, WRITER,
};
pub(crate) use watch::Unwatched;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use watch::Watch;

/// A reader/writer lock without data and without guards, for those who build their own.
///
/// A deadline of `None` is for ever; one that has passed still tries. Whoever acquires must
/// release, by the function that names what is held; what is never released is held for ever.
///
/// Memory ordering: what a thread did before a release is visible after every acquisition that
/// follows it. Progress: blocking; releases are wait-free up to a wake's system call and the loop
/// of its bookkeeping. Cost, uncontended: a read or a write is one locked instruction in and one
/// out.
///
/// Limits: 2¹⁹ readers can hold it (beyond, reads panic, and those that needn't wait fail). Of those
/// that wait 65,535 readers and 4,095 writers are counted; more keep trying to be, giving up the
/// processor between, until their deadlines.
pub struct Core<P = Bounded> {
    state: AtomicU64,
    /// When the gate may be shut again, in nanoseconds of the process's clock; 0 for at once.
    cool: AtomicU64,
    /// The event count that every sleeper sleeps on.
    events: AtomicU32,
    policy: P,
}

impl<P: Policy> Core<P> {
    const_fn! {
        /// A free lock.
        #[inline]
        pub fn new(policy: P) -> Self {
            Self {
                state: AtomicU64::new(0),
                cool: AtomicU64::new(0),
                events: AtomicU32::new(0),
                policy,
            }
        }
    }

    /// The lock's policy.
    #[inline]
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// Takes a share; false if the deadline passed first.
    ///
    /// # Panics
    ///
    /// When 2¹⁹ readers hold the lock.
    #[inline]
    #[must_use]
    pub fn lock_shared(&self, deadline: Option<Instant>) -> bool {
        self.enter_shared() || self.lock_shared_slow(deadline, &mut Unwatched)
    }

    /// Counts the caller among the readers; whether it holds a share. If not, it must go on with
    /// `lock_shared_slow`, or take the count back as a share.
    #[inline]
    pub(crate) fn enter_shared(&self) -> bool {
        // Acquire: pairs with the release of every writer before.
        let before = State(self.state.fetch_add(ONE_ACTIVE, Ordering::Acquire));
        !before.has(BARS_READERS)
    }

    /// Takes a share if that needs no waiting.
    #[inline]
    #[must_use]
    pub fn try_lock_shared(&self) -> bool {
        // Acquire: pairs with the release of every writer before.
        self.step(Ordering::Acquire, State::try_read)
    }

    /// Gives a share back.
    ///
    /// # Safety
    ///
    /// The caller owns a share, which this uses up.
    #[inline]
    pub unsafe fn unlock_shared(&self) {
        // SAFETY: passed on to the caller.
        let before = unsafe { self.release_shared() };
        self.settle_shared(before);
    }

    /// The first half of `unlock_shared`: gives the share back.
    ///
    /// # Safety
    ///
    /// As for `unlock_shared`. `settle_shared` must follow.
    #[inline]
    pub(crate) unsafe fn release_shared(&self) -> State {
        // Release: pairs with the acquiring step of the next writer.
        State(self.state.fetch_sub(ONE_ACTIVE, Ordering::Release))
    }

    /// The other half: tells whoever waited for it.
    #[inline]
    pub(crate) fn settle_shared(&self, before: State) {
        if before.has(READ_RELEASE_CONCERNS) && P::FAULT != Some(Fault::LastReaderIsSilent) {
            self.after_read();
        }
    }

    /// Takes the lock for writing; false if the deadline passed first.
    ///
    /// A writer without a deadline that finds the lock held looks again a few times, offering the
    /// processor to other threads between, before it waits in its class and shuts the gate.
    #[inline]
    #[must_use]
    pub fn lock_exclusive(&self, deadline: Option<Instant>) -> bool {
        self.lock_idle() || self.lock_exclusive_slow(deadline, &mut Unwatched)
    }

    /// Takes the lock for writing if that needs no waiting: also where others wait for it, unless
    /// they are readers whose turn it is.
    #[inline]
    #[must_use]
    pub fn try_lock_exclusive(&self) -> bool {
        self.lock_idle() || self.try_lock_exclusive_slow()
    }

    /// Takes the lock for writing if nobody holds it or waits for it.
    #[inline]
    pub(crate) fn lock_idle(&self) -> bool {
        // Acquire: pairs with the release of every holder before. Relaxed: a failure means nothing.
        self.state.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Ends a write section.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, which this uses up.
    #[inline]
    pub unsafe fn unlock_exclusive(&self) {
        // SAFETY: passed on to the caller.
        let before = unsafe { self.release_exclusive() };
        self.settle_exclusive(before);
    }

    /// The first half of `unlock_exclusive`: gives the lock back.
    ///
    /// # Safety
    ///
    /// As for `unlock_exclusive`. `settle_exclusive` must follow.
    #[inline]
    pub(crate) unsafe fn release_exclusive(&self) -> State {
        // Release: pairs with the acquiring step of every later holder.
        State(self.state.fetch_sub(WRITER, Ordering::Release))
    }

    /// The other half: lets in or tells whoever waited for it.
    #[inline]
    pub(crate) fn settle_exclusive(&self, before: State) {
        if before.has(WRITE_RELEASE_CONCERNS) && P::FAULT != Some(Fault::WriterIsSilent) {
            self.after_write();
        }
    }

    /// Ends a write section and makes the readers that wait holders in the same step, before any
    /// other writer.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, which this uses up.
    pub unsafe fn unlock_exclusive_fair(&self) {
        if P::FAULT != Some(Fault::FairUnlockIsPlain) {
            self.call_readers_in();
        }
        // SAFETY: passed on to the caller. No writer takes the lock before overdue readers.
        unsafe { self.unlock_exclusive() }
    }

    /// Turns the write lock into a share, with no other writer between.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and then a share instead.
    #[inline]
    pub unsafe fn downgrade(&self) {
        if P::FAULT == Some(Fault::DowngradeLetsGo) {
            // SAFETY: the caller owns the write lock.
            unsafe { self.unlock_exclusive() };
            while !self.lock_shared(None) {}
            return;
        }
        // Release: pairs with the acquiring step of the readers that come now.
        let before = State(self.state.fetch_sub(WRITER - ONE_ACTIVE, Ordering::Release));
        if before.has(WRITE_RELEASE_CONCERNS) && P::FAULT != Some(Fault::WriterIsSilent) {
            self.after_write();
        }
    }

    /// Turns the write lock into the upgradable share, with no other writer between.
    ///
    /// # Safety
    ///
    /// The caller owns the write lock, and then the upgradable share instead.
    #[inline]
    pub unsafe fn downgrade_to_upgradable(&self) {
        const CHANGE: u64 = (ONE_ACTIVE + UPGRADABLE).wrapping_sub(WRITER);
        // Release: pairs with the acquiring step of the readers that come now.
        let before = State(self.state.fetch_add(CHANGE, Ordering::Release));
        if before.has(WRITE_RELEASE_CONCERNS) && P::FAULT != Some(Fault::WriterIsSilent) {
            self.after_write();
        }
    }

    /// Whether anybody holds the lock. It may have changed by the time the answer is there.
    pub fn is_locked(&self) -> bool {
        // Relaxed: an answer about the past that orders nothing.
        State(self.state.load(Ordering::Relaxed)).is_held()
    }

    /// Whether a writer holds the lock. It may have changed by the time the answer is there.
    pub fn is_locked_exclusive(&self) -> bool {
        // Relaxed: an answer about the past that orders nothing.
        State(self.state.load(Ordering::Relaxed)).has(WRITER)
    }

    /// Readers that hold the lock, or are just trying to. It may have changed by the time the
    /// answer is there.
    pub fn readers(&self) -> usize {
        // Relaxed: an answer about the past that orders nothing.
        (self.state.load(Ordering::Relaxed) & ACTIVE) as usize
    }

    /// Readers that wait. It may have changed by the time the answer is there.
    pub fn blocked_readers(&self) -> usize {
        // Relaxed: an answer about the past that orders nothing.
        State(self.state.load(Ordering::Relaxed)).blocked() as usize
    }

    /// Writers that wait, an upgrading one included. It may have changed by the time the answer
    /// is there.
    pub fn waiting_writers(&self) -> usize {
        // Relaxed: an answer about the past that orders nothing.
        State(self.state.load(Ordering::Relaxed)).waiting() as usize
    }
}

impl<P> core::fmt::Debug for Core<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed: a picture of the past that orders nothing.
        let state = State(self.state.load(Ordering::Relaxed));
        f.debug_struct("Core").field("state", &state).finish_non_exhaustive()
    }
}
