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
///
/// ```
/// use latchwork_batch_writer::{Batch, BatchWriter, Sink, WriteFailure};
/// use std::fs::File;
/// use std::io::{self, Write};
///
/// /// Appends lines to a file, each batch by one call of the system; tells each line's number.
/// struct Lines {
///     file: File,
///     lines: u64,
/// }
///
/// impl Sink for Lines {
///     type Op = String;
///     type Output = u64;
///     // `io::Error` can't be cloned; to tell more than its kind, wrap it in an `Arc`.
///     type Error = io::ErrorKind;
///
///     fn bytes(line: &String) -> usize {
///         line.len() + 1
///     }
///
///     fn write(
///         &mut self,
///         batch: &mut Batch<'_, String, u64, io::ErrorKind>,
///     ) -> Result<(), WriteFailure<io::ErrorKind>> {
///         let mut text = String::new();
///         for index in 0..batch.len() {
///             if batch.op(index).contains('\n') {
///                 batch.reject(index, io::ErrorKind::InvalidInput);
///                 continue;
///             }
///             text += batch.op(index);
///             text.push('\n');
///             batch.accept(index, self.lines);
///             self.lines += 1;
///         }
///         // A part of it may be in the file.
///         self.file.write_all(text.as_bytes()).map_err(|error| WriteFailure::Torn(error.kind()))
///     }
///
///     fn sync(&mut self) -> Result<(), io::ErrorKind> {
///         self.file.sync_data().map_err(|error| error.kind())
///     }
///
///     fn position(&self) -> u64 {
///         self.lines
///     }
/// }
///
/// # let path = std::env::temp_dir().join(format!("batch-writer-lines-{}", std::process::id()));
/// let writer = BatchWriter::new(Lines { file: File::create(&path)?, lines: 0 });
/// assert_eq!(writer.submit("first".to_owned()).unwrap(), 0);
/// assert!(writer.submit("not\none".to_owned()).is_err());
/// assert_eq!(writer.submit("second".to_owned()).unwrap(), 1);
/// assert_eq!(std::fs::read_to_string(&path)?, "first\nsecond\n");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), io::Error>(())
/// ```
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
