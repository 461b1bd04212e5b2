//! How a submission can end other than well.

use core::error::Error;
use core::fmt;

/// What ended a writer's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause<E> {
    /// A write failed and could not be taken back.
    Write(E),
    /// A sync failed.
    Sync(E),
    /// The sink, or a value that it was given, panicked.
    Panic,
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(error) => write!(f, "a write failed and could not be taken back: {error}"),
            Self::Sync(error) => write!(f, "a sync failed: {error}"),
            Self::Panic => f.write_str("the sink panicked"),
        }
    }
}

/// A poisoned writer's state. It never recovers: open the sink again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison<E> {
    /// What happened.
    pub cause: Cause<E>,
    /// Everything up to here is durable, in the sink's own measure.
    pub durable_upto: u64,
}

impl<E: fmt::Display> fmt::Display for Poison<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the writer is poisoned, durable up to {}: {}; open the sink again to recover",
            self.durable_upto, self.cause
        )
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Poison<E> {}

/// Why an operation was not committed. Operations that were certainly never executed come back.
#[derive(Clone)]
#[non_exhaustive]
pub enum SubmitError<O, E> {
    /// This operation, or its whole batch, failed and left nothing behind. The writer goes on.
    Failed(E),
    /// The queue is full. Never executed.
    Full(O),
    /// The deadline passed before a batch took the operation. Never executed.
    TimedOut(O),
    /// The writer is closed. Never executed.
    Closed(O),
    /// Submitted from within the sink, on the thread that holds the writer's role, where waiting
    /// would be for ever. Never executed.
    Reentered(O),
    /// The writer was poisoned before. Never executed.
    Poisoned(O, Poison<E>),
    /// The batch of this operation poisoned the writer: it may or may not be durable. Open the
    /// sink again to find out.
    Unknown(Cause<E>),
}

impl<O, E> SubmitError<O, E> {
    /// The operation, where it was certainly never executed.
    pub fn into_op(self) -> Option<O> {
        match self {
            Self::Full(op)
            | Self::TimedOut(op)
            | Self::Closed(op)
            | Self::Reentered(op)
            | Self::Poisoned(op, _) => Some(op),
            Self::Failed(_) | Self::Unknown(_) => None,
        }
    }
}

impl<O, E: fmt::Debug> fmt::Debug for SubmitError<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Full(_) => f.write_str("Full(..)"),
            Self::TimedOut(_) => f.write_str("TimedOut(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::Reentered(_) => f.write_str("Reentered(..)"),
            Self::Poisoned(_, poison) => f.debug_tuple("Poisoned").field(poison).finish(),
            Self::Unknown(cause) => f.debug_tuple("Unknown").field(cause).finish(),
        }
    }
}

impl<O, E: fmt::Display> fmt::Display for SubmitError<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "not committed: {error}"),
            Self::Full(_) => f.write_str("not committed: the queue is full; try again later"),
            Self::TimedOut(_) => {
                f.write_str("not committed: the deadline passed while it was queued")
            }
            Self::Closed(_) => f.write_str("not committed: the writer is closed"),
            Self::Reentered(_) => f.write_str(
                "not committed: submitted from within the sink, which would wait for itself",
            ),
            Self::Poisoned(_, poison) => write!(f, "not committed: {poison}"),
            Self::Unknown(cause) => {
                write!(f, "may or may not be durable: {cause}; open the sink again to find out")
            }
        }
    }
}

impl<O, E: fmt::Debug + fmt::Display> Error for SubmitError<O, E> {}

/// Why a flush, a close or a turn with the sink didn't happen.
pub type TurnError<E> = SubmitError<(), E>;
