//! Writes that bound what readers wait for them, in one call.

use core::fmt;

use latchwork_sync::time::{Duration, Instant};

use super::Core;
use super::state::Want;
use super::watch::{Unwatched, Watch};
use crate::holder::Holder;
use crate::policy::Policy;

/// How a patient write waits.
///
/// For the *patience* it shuts the gate to new readers, as every writer. Then it opens the gate to
/// those that it held back, and for the *cool-down* it only waits: the last reader to leave wakes
/// it, so it never polls. Then it shuts the gate again, until its time is over.
///
/// No reader waits for longer than the patience for this writer, and for at most patience /
/// (patience + cool-down) of the time. With other writers about, their manners and the lock's
/// policy add to that.
///
/// ```
/// use std::time::Duration;
/// use latchwork_rwlock::{Patient, RwLock, WritePatiently};
///
/// let table = RwLock::<_>::new(1);
/// let plan = Patient::within(Duration::from_millis(20))
///     .patience(Duration::from_micros(500))
///     .cool_down(Duration::from_millis(5));
/// *table.write_patiently(plan)? = 2;
///
/// let reading = table.read();
/// let error = table.write_patiently(plan).unwrap_err();
/// assert!(error.attempts >= 1 && error.waited >= Duration::from_millis(20));
/// # Ok::<(), latchwork_rwlock::GaveUp>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patient {
    within: Duration,
    patience: Duration,
    cool_down: Duration,
}

impl Patient {
    /// A write that gives up after `timeout`, or never if the clock can't tell so late a moment;
    /// patience 1 ms, cool-down 10 ms.
    #[must_use]
    pub const fn within(timeout: Duration) -> Self {
        Self {
            within: timeout,
            patience: Duration::from_millis(1),
            cool_down: Duration::from_millis(10),
        }
    }

    /// How long it shuts the gate at a time. Zero: it opens it as soon as it looks again, so that
    /// it hardly gets in while readers overlap.
    #[must_use]
    pub const fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How long it leaves the gate open between. Zero: until it looks again.
    #[must_use]
    pub const fn cool_down(self, cool_down: Duration) -> Self {
        Self { cool_down, ..self }
    }
}

/// A patient write ran out of time: others held the lock all the while, one after the other or for
/// long.
///
/// The lock is as if it had never been asked for. Try again with more patience or more time, or
/// look for the reader that holds on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GaveUp {
    /// How often it found the gate shut to readers, by itself or another writer.
    pub attempts: u32,
    /// How long it waited in all: the time that it was given, and until the system ran it.
    pub waited: Duration,
    /// For how much of that the gate was shut.
    pub gate_shut: Duration,
    /// How many readers held the lock just after it gave up; 0 if a writer held it, or everybody
    /// had just left.
    pub readers: usize,
    /// Who had held the lock for longest then. None if the lock has no probe that can tell.
    pub holder: Option<Holder>,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, waited, gate_shut, readers, holder } = self;
        write!(
            f,
            "no write lock within {waited:?}: {attempts} attempts, with readers held back for \
             {gate_shut:?}; {readers} readers held it at the end"
        )?;
        match holder {
            Some(holder) => write!(f, "; longest: {holder}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for GaveUp {}

/// How a writer waits.
#[derive(Debug)]
pub(super) enum Manner {
    /// As the policy says.
    Plain,
    /// Opening the gate of its own will.
    Patient(Plan),
}

/// A patient write under way.
#[derive(Debug)]
pub(super) struct Plan {
    patience: Duration,
    pub(super) cool_down: Duration,
    /// Since when it has seen the gate shut.
    shut_since: Option<Instant>,
    /// When it opens the gate, if it is shut until then.
    opens_at: Option<Instant>,
    attempts: u32,
    gate_shut: Duration,
}

impl Plan {
    /// Takes note of the gate; whether it has been shut for long enough.
    pub(super) fn look(&mut self, shut: bool, now: Instant) -> bool {
        match (self.shut_since, shut) {
            (None, true) => {
                self.shut_since = Some(now);
                self.opens_at = now.checked_add(self.patience);
                self.attempts = self.attempts.saturating_add(1);
                false
            }
            (Some(_), true) => self.opens_at.is_some_and(|at| now >= at),
            (_, false) => {
                self.close(now);
                false
            }
        }
    }

    /// A writer that holds the lock, or has waited too long, keeps the gate shut: looks again
    /// after a while, unless it is woken before.
    pub(super) fn look_later(&mut self, now: Instant) {
        self.opens_at = now.checked_add(self.patience.max(Duration::from_millis(1)));
    }

    /// Ends the time for which the gate was seen shut.
    fn close(&mut self, now: Instant) {
        if let Some(since) = self.shut_since.take() {
            self.gate_shut += now.saturating_duration_since(since);
        }
    }
}

impl Manner {
    /// When the writer opens the gate again.
    pub(super) fn steps_back_at(&self) -> Option<Instant> {
        match self {
            Self::Plain => None,
            Self::Patient(plan) => plan.shut_since.and(plan.opens_at),
        }
    }

    /// How long the writer respects the readers' patience.
    pub(super) fn longest_wait(&self, policy: &impl Policy) -> Option<Duration> {
        match self {
            Self::Plain => policy.longest_writer_wait(),
            Self::Patient(_) => None,
        }
    }
}

impl<P: Policy> Core<P> {
    /// Takes the lock for writing within a time, holding readers back for no longer than the plan
    /// says.
    ///
    /// # Errors
    ///
    /// When the time is over: what was tried.
    pub fn lock_exclusive_patiently(&self, patient: Patient) -> Result<(), GaveUp> {
        if self.try_lock_exclusive() {
            return Ok(());
        }
        self.lock_exclusive_patiently_slow(patient, &mut Unwatched)
    }

    /// The rest of `lock_exclusive_patiently`, which can't have the lock at once.
    #[cold]
    pub(crate) fn lock_exclusive_patiently_slow<W: Watch>(
        &self,
        patient: Patient,
        watch: &mut W,
    ) -> Result<(), GaveUp> {
        let start = Instant::now();
        let mut manner = Manner::Patient(Plan {
            patience: patient.patience,
            cool_down: patient.cool_down,
            shut_since: None,
            opens_at: None,
            attempts: 0,
            gate_shut: Duration::ZERO,
        });
        let deadline = start.checked_add(patient.within);
        if self.wait_to_write(Want::Write, deadline, &mut manner, watch) {
            return Ok(());
        }
        let now = Instant::now();
        let (mut attempts, mut gate_shut) = (0, Duration::ZERO);
        if let Manner::Patient(mut plan) = manner {
            plan.close(now);
            (attempts, gate_shut) = (plan.attempts, plan.gate_shut);
        }
        let waited = now.saturating_duration_since(start);
        Err(GaveUp { attempts, waited, gate_shut, readers: self.readers(), holder: None })
    }
}
