//! A batch that was committed, and whose submitters are being told.

use crate::batch::Entry;
use crate::core::Core;
use crate::error::Cause;
use crate::flaws::Flaws;
use crate::node::{self, Answer};
use crate::sink::Sink;

/// The leader's own answer.
pub(crate) type Own<S> = Option<Result<<S as Sink>::Output, <S as Sink>::Error>>;

type Batch<S> = Vec<Entry<<S as Sink>::Op, <S as Sink>::Output, <S as Sink>::Error>>;

/// Dropped, by a panic of something of the user's that was dropped on the way, it tells the rest.
pub(crate) struct Answers<'a, S: Sink, F: Flaws> {
    writer: &'a Core<S, F>,
    batch: Batch<S>,
    next: usize,
    own: Own<S>,
    /// What everybody is told instead of the answers.
    void: Option<Cause<S::Error>>,
}

impl<'a, S: Sink, F: Flaws> Answers<'a, S, F> {
    /// Every operation of the batch has its answer, and is durable if that is an output.
    pub(crate) fn new(writer: &'a Core<S, F>, batch: Batch<S>) -> Self {
        Self { writer, batch, next: 0, own: None, void: None }
    }

    /// Whatever the answers are, the outcome is not known.
    pub(crate) fn void(&mut self, cause: &Cause<S::Error>) {
        self.void = Some(cause.clone());
    }

    /// Gives everybody in the batch its answer.
    #[inline]
    pub(crate) fn publish(&mut self) {
        let mut wakes = 0;
        while let Some(entry) = self.batch.get_mut(self.next) {
            self.next += 1;
            let (answer, node) = entry.take();
            if node.is_null() {
                self.own = answer;
                continue;
            }
            // Dropped after the node has its own: the drop may panic, as anything of the user's.
            let mut voided = None;
            let answer = match (&self.void, answer) {
                (None, Some(Ok(output))) => Answer::Output(output),
                (None, Some(Err(error))) => Answer::Failed(error),
                (Some(cause), answer) => {
                    voided = answer;
                    Answer::Unknown(cause.clone())
                }
                (None, None) => unreachable!("every operation of a batch is answered"),
            };
            // SAFETY: the node was claimed into this batch and is left alone from here on.
            wakes += u64::from(unsafe { node::answer::<S, F>(node.cast(), answer) });
            drop(voided);
        }
        if wakes > 0 {
            self.writer.meter.wakes.add_shared(wakes);
        }
    }

    /// The leader's own answer.
    pub(crate) fn own(&mut self) -> Own<S> {
        self.own.take()
    }
}

impl<S: Sink, F: Flaws> Drop for Answers<'_, S, F> {
    fn drop(&mut self) {
        self.publish();
    }
}
