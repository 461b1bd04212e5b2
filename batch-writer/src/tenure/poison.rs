//! How a tenure ends that fails or unwinds (T4), and one that finds the writer poisoned (L4).

use core::mem;

use super::Tenure;
use crate::error::{Cause, Poison, SubmitError};
use crate::flaws::Flaws;
use crate::flights::Failed;
use crate::node::{self, Answer};
use crate::sink::Sink;

impl<S: Sink, F: Flaws> Drop for Tenure<'_, S, F> {
    fn drop(&mut self) {
        if F::NO_GUARD {
            return;
        }
        self.poison(&Cause::Panic);
    }
}

impl<S: Sink, F: Flaws> Tenure<'_, S, F> {
    #[cold]
    pub(super) fn fail(
        mut self,
        cause: Cause<S::Error>,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.poison(&cause);
        self.end();
        Err(SubmitError::Unknown(cause))
    }

    /// Refuses the queue of a writer that a flight has poisoned (L4); returns why.
    #[cold]
    pub(super) fn refuse(mut self) -> Poison<S::Error> {
        let poison = self.writer.reason();
        if F::QUEUE_OF_NOBODY {
            let _ = self.release();
        } else {
            self.refuse_queued(&poison);
        }
        self.end();
        poison
    }

    /// Refuses everything from here on (T4), and leaves the role free for nobody to take.
    #[cold]
    pub(super) fn poison(&mut self, cause: &Cause<S::Error>) {
        if F::WAKE_BEFORE_GATE {
            self.answer_unknown(cause);
        }
        let writer = self.writer;
        let poison = if writer.flights.await_all(self.role.next) == Err(Failed) {
            writer.reason()
        } else {
            let poison = Poison { cause: cause.clone(), durable_upto: writer.durable.get() };
            // SAFETY: the role's holder, and nothing is in flight.
            unsafe { writer.shut(&poison) };
            poison
        };
        self.answer_unknown(cause);
        // Dropped last: they may panic, as anything of the user's.
        let batch = mem::take(&mut self.role.batch);
        if !F::NO_DRAIN {
            self.refuse_queued(&poison);
        }
        self.writer.holder.leave();
        drop(batch);
    }

    fn answer_unknown(&mut self, cause: &Cause<S::Error>) {
        for entry in &mut self.role.batch {
            let (answer, node) = entry.take();
            if node.is_null() {
                continue;
            }
            let answer = match answer {
                Some(Ok(output)) if F::OK_ON_UNWIND => Answer::Output(output),
                _ => Answer::Unknown(cause.clone()),
            };
            // SAFETY: claimed into this batch, and left alone from here on.
            unsafe { node::answer::<S, F>(node.cast(), answer) };
        }
    }

    fn refuse_queued(&mut self, poison: &Poison<S::Error>) {
        loop {
            self.take_inbox();
            while let Some(node) = self.next_in_line() {
                // SAFETY: claimed by the holder, and left alone from here on.
                unsafe { node::answer::<S, F>(node, Answer::Refused(poison.clone())) };
            }
            if self.release().is_ok() {
                return;
            }
        }
    }
}
