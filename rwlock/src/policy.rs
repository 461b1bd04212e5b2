//! Who goes first: the lock's policy, as a type.
//!
//! | policy | a reader waits at most | a writer waits at most |
//! | --- | --- | --- |
//! | [`Bounded`] | patience + rest of the current write section, unless a writer has waited too long | longest wait + patience + drain, then for writers that overtake it |
//! | [`WriterPriority`] | no bound under a stream of writers | drain + the writers that overtake it |
//! | [`PhaseFair`] | drain + one write section | one batch of readers a write section |
//! | [`ReaderPriority`] | one write section | no bound under a stream of readers |
//!
//! *Drain* is the time until the readers that hold the lock have left. To each bound comes the
//! time until the system runs a woken thread.
//!
//! # The promise
//!
//! Under [`Bounded`], while no writer has waited for longer than *M*, and whatever number of
//! writers there are, with or without timeouts, retrying at once or not:
//!
//! > reader's pause ≤ min(*d*, *P* + *H*) + *L*
//!
//! - *d*: the reader's own deadline, if it has one;
//! - *P*: the patience, from when the reader blocked;
//! - *H*: the rest of the critical section of the writer that holds the lock when *P* is over; 0
//!   if none does. So it is 0 where readers hold the lock, which is where other locks make a reader
//!   wait for all of another reader's critical section;
//! - *L*: a timer's slack, a wake, and the time until the system runs the thread.
//!
//! Why: a reader that blocks keeps its own time. When *P* is over and no writer holds the lock, its
//! own step opens the gate and makes it a holder, together with every other blocked reader. If a
//! writer holds the lock, its step marks the readers overdue, and from then on no writer takes the
//! lock before they have been let in: whoever finds the lock free first, the writer that leaves or
//! one that comes, makes that step for them. A grant can't be lost to a retrying writer, since
//! granted readers count as holders. Other readers' critical sections stand nowhere in the sum.
//!
//! And for writers, with *C* the cool-down and *D* the drain of the readers that hold the lock when
//! the gate shuts for good:
//!
//! > gate held shut after *M* + *P* + *L* at the latest; then *D*, and the writers that were quicker
//!
//! No lock keeps both bounds against readers that overlap and hold for longer than *P*: until *M*
//! the readers' is kept, after it the writers'. Without an *M* the readers' always is.
//!
//! The models `patience_opens_gate`, `overdue_reader_and_two_writers`, `urgent_writer_goes_first`
//! and `opened_by_a_reader` check the steps of this argument, and the row `pause_3w` of `cargo
//! versus` measures the sum.

use latchwork_sync::time::Duration;

/// Who goes first when readers and writers meet.
///
/// Those of this crate are [`Bounded`], [`WriterPriority`], [`PhaseFair`] and [`ReaderPriority`]; a
/// program may bring its own. The answers are constants of a lock: give the same ones at every call.
/// No answer endangers exclusion; what a wrong one costs is time.
///
/// ```
/// use std::time::Duration;
/// use latchwork_rwlock::{Policy, RwLock};
///
/// /// Phase-fair, and no reader waits for longer than 2 ms for readers that hold on.
/// struct FairAndBounded;
///
/// impl Policy for FairAndBounded {
///     const DEFAULT: Self = Self;
///     const GATES: bool = true;
///     const PHASES: bool = true;
///
///     fn patience(&self) -> Option<Duration> {
///         Some(Duration::from_millis(2))
///     }
///
///     fn cool_down(&self) -> Duration {
///         Duration::from_millis(20)
///     }
///
///     fn longest_writer_wait(&self) -> Option<Duration> {
///         None
///     }
/// }
///
/// static TABLE: RwLock<u32, FairAndBounded> = RwLock::new(1);
/// assert_eq!(*TABLE.read(), 1);
/// ```
pub trait Policy: Send + Sync + 'static {
    /// The policy of a lock that was made without naming one.
    const DEFAULT: Self;

    /// Whether a waiting writer shuts the gate to new readers. If not, it waits for a moment in
    /// which nobody reads.
    const GATES: bool;

    /// Whether the readers that a writer held back all go before the next writer.
    const PHASES: bool;

    /// How long a shut gate may hold a reader back before it opens the gate itself. None: however
    /// long.
    fn patience(&self) -> Option<Duration>;

    /// How long the gate stays open after a reader had to open it, or after a writer gave up that
    /// had held readers back. Zero: until the next writer looks.
    fn cool_down(&self) -> Duration;

    /// How long a writer lets readers open the gate before it holds it shut. None: for ever.
    fn longest_writer_wait(&self) -> Option<Duration>;

    #[doc(hidden)]
    const FAULT: Option<Fault> = None;

    /// How many readers can wait; a model lets it be few.
    #[doc(hidden)]
    const MOST_BLOCKED: u64 = 0xffff;

    /// How many writers can wait; a model lets it be few.
    #[doc(hidden)]
    const MOST_WAITING: u64 = 0xfff;

    /// How many grants there can be without a write section, if the tags allow so many; a model
    /// lets it be none.
    #[doc(hidden)]
    const MOST_GRANTS: u64 = u64::MAX;
}

/// Defects that models put back to see themselves fail.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A writer that gives up leaves the gate and the readers behind it as they are.
    CancelForgetsReaders,
    /// A writer that gives up leaves a wake marked as under way that it has used up.
    CancelKeepsWake,
    /// A writer whose time is over fails without a look at whether the lock is free.
    DeadlineBeforeLock,
    /// A reader whose time is over fails without a look at whether it was granted the lock.
    DeadlineBeforeGrant,
    /// Readers are granted the lock and not told.
    GrantWithoutWake,
    /// The last reader leaves without a look at who waits.
    LastReaderIsSilent,
    /// A writer leaves without a look at who waits.
    WriterIsSilent,
    /// A reader that blocks as the last one a writer waited for doesn't tell it.
    BlockIsSilent,
    /// A reader's patience opens the gate also against a writer that has waited too long.
    UrgentGivesWay,
    /// An upgrade lets go of the share before it takes the write lock.
    UpgradeLetsGo,
    /// A downgrade lets go of the write lock before it takes the share.
    DowngradeLetsGo,
    /// The upgradable share is given back without a look at who waits for it.
    TurnIsSilent,
    /// A thread that was woken in vain goes to sleep again with the wake still marked as under way.
    SleeperKeepsWake,
    /// A reader that gives up stays counted.
    TimedReadStaysCounted,
    /// A writer that has waited too long doesn't make the readers that it held back overdue.
    UrgentForgetsReaders,
    /// The fair unlock is the plain one.
    FairUnlockIsPlain,
    /// A reader takes the end of its sleep for a grant.
    WakeIsTrusted,
    /// The tags of grants begin again when they are used up.
    TagsWrap,
    /// A writer looks only for other writers.
    WriterIgnoresReaders,
    /// Those that can't be counted among the waiting don't look at the clock.
    UncountedForgetDeadlines,
}

/// Writer priority with a bound on readers' pauses. The default.
///
/// A waiting writer shuts the gate to new readers, which otherwise would never let it in. A reader
/// that the gate has held back for the *patience* opens it, for itself and every other blocked
/// reader, and for the *cool-down* it stays open. A writer that waits meanwhile is woken by the
/// last reader to leave, as ever.
///
/// No lock can bound both sides when readers hold on longer than the patience and overlap. So a
/// writer that has waited for its *longest wait* holds the gate shut against the readers'
/// patience until it, or a writer that was quicker, has had the lock. Without a longest wait the
/// readers' bound always holds, and writers may wait for ever.
///
/// With *P* the patience, *H* the rest of the critical section of the writer that holds the lock
/// when *P* is over (0 if none does), *M* the longest wait and *D* the drain: a reader waits at
/// most *P + H* while no writer has waited longer than *M*; a writer finds the gate held shut
/// after *M + P* at the latest, and readers out of its way after *M + P + D*. The gate is shut for
/// at most *P / (P + C)* of the time under readers that never leave, *C* being the cool-down.
///
/// ```
/// use std::time::Duration;
/// use latchwork_rwlock::Bounded;
///
/// const READERS_FIRST: Bounded = Bounded::new()
///     .patience(Duration::from_micros(100))
///     .cool_down(Duration::from_millis(1))
///     .longest_writer_wait(None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// Microseconds, all three; `u32::MAX` stands for no longest wait.
    patience: u32,
    cool_down: u32,
    longest_wait: u32,
}

const NEVER: u32 = u32::MAX;

/// Whole microseconds, rounded up, at most `u32::MAX - 1` (some 71 minutes).
const fn micros(duration: Duration) -> u32 {
    let micros = duration.as_nanos().div_ceil(1000);
    if micros >= NEVER as u128 { NEVER - 1 } else { micros as u32 }
}

impl Bounded {
    /// Patience 1 ms, cool-down 10 ms, longest writer wait 1 s.
    #[must_use]
    pub const fn new() -> Self {
        Self { patience: 1_000, cool_down: 10_000, longest_wait: 1_000_000 }
    }

    /// How long the gate may hold a reader back; in microseconds, rounded up, at most 71 minutes.
    #[must_use]
    pub const fn patience(self, patience: Duration) -> Self {
        Self { patience: micros(patience), ..self }
    }

    /// How long the gate then stays open; in microseconds, rounded up, at most 71 minutes.
    #[must_use]
    pub const fn cool_down(self, cool_down: Duration) -> Self {
        Self { cool_down: micros(cool_down), ..self }
    }

    /// How long a writer respects the readers' patience; in microseconds, rounded up, at most 71
    /// minutes. None: for ever.
    #[must_use]
    pub const fn longest_writer_wait(self, wait: Option<Duration>) -> Self {
        let longest_wait = match wait {
            Some(wait) => micros(wait),
            None => NEVER,
        };
        Self { longest_wait, ..self }
    }
}

impl Default for Bounded {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for Bounded {
    const DEFAULT: Self = Self::new();
    const GATES: bool = true;
    const PHASES: bool = false;

    #[inline]
    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.patience.into()))
    }

    #[inline]
    fn cool_down(&self) -> Duration {
        Duration::from_micros(self.cool_down.into())
    }

    #[inline]
    fn longest_writer_wait(&self) -> Option<Duration> {
        (self.longest_wait != NEVER).then(|| Duration::from_micros(self.longest_wait.into()))
    }
}

macro_rules! without_clocks {
    ($($(#[$meta:meta])* $name:ident: gates $gates:literal, phases $phases:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl Policy for $name {
            const DEFAULT: Self = Self;
            const GATES: bool = $gates;
            const PHASES: bool = $phases;

            #[inline]
            fn patience(&self) -> Option<Duration> {
                None
            }

            #[inline]
            fn cool_down(&self) -> Duration {
                Duration::ZERO
            }

            #[inline]
            fn longest_writer_wait(&self) -> Option<Duration> {
                None
            }
        }
    )*};
}

without_clocks! {
    /// Writers first: while one waits, new readers wait. A stream of writers keeps readers out for
    /// as long as it lasts.
    WriterPriority: gates true, phases false;

    /// Readers and writers take turns: a writer's end lets in every reader that it held back,
    /// before the next writer; a waiting writer keeps out the readers that come later.
    ///
    /// The bounds are the tightest for both sides, and each hand-over costs a wait for sleepers to
    /// wake: with more threads than processors it is slow.
    ///
    /// Source: Brandenburg and Anderson, *Spin-based reader-writer synchronization for
    /// multiprocessor real-time systems* (2010).
    PhaseFair: gates true, phases true;

    /// Readers first: a reader waits only while a writer holds the lock, so that a thread that
    /// reads may read again. Readers that overlap keep writers out for as long as they do.
    ReaderPriority: gates false, phases true;
}
