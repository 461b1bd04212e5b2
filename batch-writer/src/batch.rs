//! A batch, as the sink sees it.

use core::fmt;

use crate::sink::{Sink, WriteFailure};

/// One operation of a batch, and whose it is.
pub(crate) struct Entry<O, T, E> {
    op: O,
    answer: Option<Result<T, E>>,
    /// The submitter's node, or null for the leader's own operation.
    node: *mut (),
}

impl<O, T, E> Entry<O, T, E> {
    #[inline]
    pub(crate) fn new(op: O, node: *mut ()) -> Self {
        Self { op, answer: None, node }
    }

    pub(crate) fn answer(&self) -> Option<&Result<T, E>> {
        self.answer.as_ref()
    }

    pub(crate) fn set_answer(&mut self, answer: Option<Result<T, E>>) {
        self.answer = answer;
    }

    /// The answer, and the node that waits for it unless the operation is the leader's own. Both
    /// can be taken once.
    #[inline]
    pub(crate) fn take(&mut self) -> (Option<Result<T, E>>, *mut ()) {
        (self.answer.take(), core::mem::replace(&mut self.node, core::ptr::null_mut()))
    }
}

/// The operations of one batch, with their outputs and errors to be, in the order in which they
/// were submitted.
///
/// Operations are known by their index. A sink may write them in any order; each answer goes to
/// its own submitter.
pub struct Batch<'a, O, T, E> {
    entries: &'a mut [Entry<O, T, E>],
}

impl<'a, O, T, E> Batch<'a, O, T, E> {
    #[inline]
    pub(crate) fn new(entries: &'a mut [Entry<O, T, E>]) -> Self {
        Self { entries }
    }

    /// How many operations; never 0.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// An operation.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    #[inline]
    pub fn op(&self, index: usize) -> &O {
        &self.entries[index].op
    }

    /// An operation, to be changed or emptied in place.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    #[inline]
    pub fn op_mut(&mut self, index: usize) -> &mut O {
        &mut self.entries[index].op
    }

    /// All operations.
    #[inline]
    pub fn ops(&self) -> impl ExactSizeIterator<Item = &O> {
        self.entries.iter().map(|entry| &entry.op)
    }

    /// Answers an operation with its output, to be told when the sync has succeeded.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    #[inline]
    pub fn accept(&mut self, index: usize, output: T) {
        self.entries[index].answer = Some(Ok(output));
    }

    /// Answers an operation with an error: nothing of it was written.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    pub fn reject(&mut self, index: usize, error: E) {
        self.entries[index].answer = Some(Err(error));
    }
}

impl<O, T, E> fmt::Debug for Batch<'_, O, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// What [`commit`] returns for one operation.
type Answer<S> = Result<<S as Sink>::Output, <S as Sink>::Error>;

/// Commits one batch to a sink that the caller has for itself: for testing sinks, and for those
/// who have their own way of taking turns. Returns each operation's answer.
///
/// # Errors
///
/// When the batch failed as a whole; a failed sync is [`WriteFailure::Torn`], and the sink must
/// not be used again then.
pub fn commit<S: Sink>(
    sink: &mut S,
    ops: impl IntoIterator<Item = S::Op>,
) -> Result<Vec<Answer<S>>, WriteFailure<S::Error>> {
    let answers = write(sink, ops)?;
    if !answers.is_empty() {
        sink.sync().map_err(WriteFailure::Torn)?;
    }
    Ok(answers)
}

/// As [`commit`], without the sync: nothing is durable before that.
///
/// # Errors
///
/// When the batch failed as a whole.
pub fn write<S: Sink>(
    sink: &mut S,
    ops: impl IntoIterator<Item = S::Op>,
) -> Result<Vec<Answer<S>>, WriteFailure<S::Error>> {
    let entry = |op| Entry::new(op, core::ptr::null_mut());
    let mut entries: Vec<_> = ops.into_iter().map(entry).collect();
    if !entries.is_empty() {
        sink.write(&mut Batch::new(&mut entries))?;
    }
    Ok(entries.into_iter().filter_map(|entry| entry.answer).collect())
}
