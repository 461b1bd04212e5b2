//! What a writer writes to.

use core::fmt::{Debug, Display};

use crate::batch::Batch;

/// Where batches go.
///
/// A writer calls a sink from one thread at a time: from whichever submitter holds the role. It
/// calls [`write`](Self::write) with a batch and, if any operation was accepted, then
/// [`sync`](Self::sync); only after that are the submitters told. With
/// [`Options::syncs_in_flight`](crate::Options::syncs_in_flight) it may write a batch in two parts,
/// and takes the sync [off the sink](Self::detach_sync) where that lets it.
///
/// A panic in any method poisons the writer: the sink is not called again, the batch at hand is
/// [`Unknown`](crate::SubmitError::Unknown).
pub trait Sink {
    /// What submitters submit.
    type Op;
    /// What a submitter gets for an operation that is durable.
    type Output;
    /// Why an operation or a batch failed. Cloned for each of the batch's submitters.
    type Error: Clone + Debug + Display;

    /// How many bytes an operation counts against the bounds on batch and queue.
    ///
    /// Called by the submitter, before it queues, on any thread.
    fn bytes(op: &Self::Op) -> usize;

    /// Writes a batch, in any order, merged or not, and answers every operation in it by
    /// [`Batch::accept`] or [`Batch::reject`]. What is accepted need not be durable before
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    ///
    /// When the batch as a whole failed; how much of it may remain is told by the variant.
    /// Answers given before are void.
    ///
    /// # Panics
    ///
    /// The writer panics, and is poisoned, when an operation is left without an answer.
    fn write(
        &mut self,
        batch: &mut Batch<'_, Self::Op, Self::Output, Self::Error>,
    ) -> Result<(), WriteFailure<Self::Error>>;

    /// Makes everything accepted so far durable.
    ///
    /// # Errors
    ///
    /// When it isn't known to be durable. The writer is poisoned and never calls the sink again.
    fn sync(&mut self) -> Result<(), Self::Error>;

    /// The sync of everything accepted so far, apart from the sink: it is called on this thread
    /// without the role, while another thread writes the next batch. `None`, the default, where
    /// there is no such thing: the writer then calls [`sync`](Self::sync).
    ///
    /// Two syncs may overlap, but never two of the same `lane`, which is 0 or 1. **Each lane must
    /// learn of every error by itself.** On Linux one open file is told of a failed write-back once:
    /// of two `fdatasync` on it at the same time, one gets the error and the other, which may have
    /// been for the pages that were lost, succeeds. So each lane needs a file opened by itself, not
    /// a duplicate, before anything is written through any of them.
    fn detach_sync(&mut self, _lane: usize) -> Option<Box<dyn DetachedSync<Self::Error>>> {
        None
    }

    /// How far the sink has got, in its own measure, never falling: a count of operations, a
    /// sequence number, an offset. Asked after each sync, or before one that is detached, and once
    /// that has succeeded the
    /// [durable watermark](crate::BatchWriter::durable_upto).
    fn position(&self) -> u64;

    /// Ends the sink's work, after the last operation: called once, by close.
    ///
    /// # Errors
    ///
    /// When what it does on closing failed. Everything acknowledged before stays durable.
    fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A sync apart from its sink; see [`Sink::detach_sync`].
pub trait DetachedSync<E> {
    /// Makes durable what was accepted when it was detached.
    ///
    /// # Errors
    ///
    /// When that isn't known to be durable. The writer is poisoned; this batch and every later one
    /// are [`Unknown`](crate::SubmitError::Unknown).
    fn sync(&mut self) -> Result<(), E>;

    /// Called when this sync and all those before it have succeeded, before any submitter is told;
    /// in the order of the batches.
    fn landed(&mut self) {}
}

/// How a batch failed to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteFailure<E> {
    /// Nothing of the batch is in the sink, nor can it come back after a crash. Every operation
    /// fails with this error; the writer goes on.
    Undone(E),
    /// As `Undone`, and each operation may be written again as a batch of its own: the trouble
    /// may lie in one of them, or in their being merged.
    Separable(E),
    /// Something of the batch may be in the sink. The writer is poisoned.
    Torn(E),
}
