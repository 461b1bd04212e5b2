//! A batch that was committed, and whose submitters are being told.

use crate::batch::Entry;
use crate::core::Core;
use crate::flaws::Flaws;
use crate::node::{self, Answer};
use crate::sink::Sink;

type Batch<S> = Vec<Entry<<S as Sink>::Op, <S as Sink>::Output, <S as Sink>::Error>>;

/// Dropped, by a panic of something of the user's that was dropped on the way, it tells the rest.
pub(crate) struct Answers<'a, S: Sink, F: Flaws> {
    writer: &'a Core<S, F>,
    batch: Batch<S>,
    next: usize,
    own: Option<Result<S::Output, S::Error>>,
}

impl<'a, S: Sink, F: Flaws> Answers<'a, S, F> {
    /// Every operation of the batch has its answer, and is durable if that is an output.
    pub(crate) fn new(writer: &'a Core<S, F>, batch: Batch<S>) -> Self {
        Self { writer, batch, next: 0, own: None }
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
            let answer = match answer {
                Some(Ok(output)) => Answer::Output(output),
                Some(Err(error)) => Answer::Failed(error),
                None => unreachable!("every operation of a batch is answered"),
            };
            // SAFETY: the node was claimed into this batch and is left alone from here on.
            wakes += u64::from(unsafe { node::answer::<S, F>(node.cast(), answer) });
        }
        if wakes > 0 {
            self.writer.meter.wakes.add_shared(wakes);
        }
    }

    /// The leader's own answer.
    pub(crate) fn own(mut self) -> Option<Result<S::Output, S::Error>> {
        self.own.take()
    }
}

impl<S: Sink, F: Flaws> Drop for Answers<'_, S, F> {
    fn drop(&mut self) {
        self.publish();
    }
}
