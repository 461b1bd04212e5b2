//! The future of an operation.
#![cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "public for the models alone")
)]

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use crate::core::{Core, Pushed};
use crate::error::SubmitError;
use crate::flaws::{Flaws, Sound};
use crate::node::{Kind, Node, forget};
use crate::room::Place;
use crate::sink::Sink;

/// The node of a queued operation, or why there is none.
type Queued<S> = Result<*mut Node<S>, SubmitError<<S as Sink>::Op, <S as Sink>::Error>>;

enum Stage<'a, S: Sink> {
    /// Not in the queue; perhaps waiting for room in it.
    New(S::Op, Option<Place<'a>>),
    /// In the queue or in a batch; the node is shared with both.
    Queued(*mut Node<S>),
    Ended,
}

/// An operation submitted by a task; see
/// [`DedicatedWriter::submit_async`](crate::DedicatedWriter::submit_async).
#[must_use = "a future does nothing unless it is polled"]
pub struct Submission<'a, S: Sink>(pub(crate) Submitting<'a, S, Sound>);

impl<S: Sink> Submission<'_, S> {
    /// Takes the operation back if no batch has taken it: then it is never executed, and the
    /// future must not be polled again. `None` when a batch has it, or it has been answered: its
    /// outcome comes from polling on.
    pub fn withdraw(&mut self) -> Option<S::Op> {
        self.0.withdraw()
    }
}

impl<S: Sink> Future for Submission<'_, S> {
    type Output = Result<S::Output, SubmitError<S::Op, S::Error>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<S: Sink> fmt::Debug for Submission<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").field("stage", &self.0.stage()).finish_non_exhaustive()
    }
}

/// The same, with bugs put back.
#[must_use = "a future does nothing unless it is polled"]
pub struct Submitting<'a, S: Sink, F: Flaws> {
    core: &'a Core<S, F>,
    stage: Stage<'a, S>,
}

// SAFETY: operation and answer move with it; the node is shared by the rules of `node.rs`, which
// don't care from which thread its owner comes.
unsafe impl<S, F: Flaws> Send for Submitting<'_, S, F>
where
    S: Sink + Send,
    S::Op: Send,
    S::Output: Send,
    S::Error: Send + Sync,
{
}

// SAFETY: a shared reference gives access to nothing but its debug output, which reads neither
// operation nor node.
unsafe impl<S: Sink, F: Flaws> Sync for Submitting<'_, S, F> {}

// Nothing is pinned: the node lies on the heap.
impl<S: Sink, F: Flaws> Unpin for Submitting<'_, S, F> {}

impl<'a, S: Sink, F: Flaws> Submitting<'a, S, F> {
    /// For a writer with a dedicated thread.
    pub(crate) fn new(core: &'a Core<S, F>, op: S::Op) -> Self {
        Self { core, stage: Stage::New(op, None) }
    }

    fn stage(&self) -> &'static str {
        match self.stage {
            Stage::New(..) => "new",
            Stage::Queued(_) => "queued",
            Stage::Ended => "ended",
        }
    }

    /// See `Submission`.
    pub fn withdraw(&mut self) -> Option<S::Op> {
        match mem::replace(&mut self.stage, Stage::Ended) {
            Stage::New(op, _) => Some(op),
            Stage::Queued(node) => {
                // SAFETY: the node lives until its owner lets go of it (N4).
                if unsafe { &*node }.withdraw::<F>() {
                    // SAFETY: withdrawn a moment ago, and not used again.
                    Some(unsafe { Core::<S, F>::take_back(node) })
                } else {
                    self.stage = Stage::Queued(node);
                    None
                }
            }
            Stage::Ended => None,
        }
    }

    /// Queues the operation once there is room.
    fn poll_queued(&mut self, context: &mut Context<'_>) -> Poll<Queued<S>> {
        let (op, place) = match &mut self.stage {
            Stage::Queued(node) => return Poll::Ready(Ok(*node)),
            Stage::New(op, place) => (op, place),
            Stage::Ended => panic!("polled after it had ended"),
        };
        let bytes = S::bytes(op);
        ready!(self.core.room.poll_take(bytes, place, context));
        let Stage::New(op, _) = mem::replace(&mut self.stage, Stage::Ended) else {
            unreachable!("it was new a moment ago")
        };
        let node = Box::into_raw(Box::new(Node::new(Kind::Task, Some(op), bytes)));
        match self.core.enqueue(node) {
            Pushed::Queued => {
                self.stage = Stage::Queued(node);
                Poll::Ready(Ok(node))
            }
            Pushed::Leads => unreachable!("a task never leads"),
            Pushed::Shut(head) => {
                self.core.room.give_one::<F>(bytes);
                // SAFETY: never queued: it is ours alone.
                let node = unsafe { Box::from_raw(node) };
                // SAFETY: as above.
                let op = crate::core::its_own(unsafe { node.take_op() });
                Poll::Ready(Err(self.core.refusal(head, op)))
            }
        }
    }
}

impl<S: Sink, F: Flaws> Future for Submitting<'_, S, F> {
    type Output = Result<S::Output, SubmitError<S::Op, S::Error>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let node = ready!(self.poll_queued(context))?;
        // SAFETY: the node lives until its owner lets go of it (N4).
        ready!(unsafe { &*node }.poll_answer::<F>(context));
        self.stage = Stage::Ended;
        // SAFETY: answered: it is ours alone.
        let node = unsafe { Box::from_raw(node) };
        // SAFETY: as above.
        let answer = unsafe { node.take_answer() };
        // SAFETY: as above.
        Poll::Ready(Core::<S, F>::answered(answer, || unsafe { node.take_op() }))
    }
}

impl<S: Sink, F: Flaws> Drop for Submitting<'_, S, F> {
    fn drop(&mut self) {
        drop(self.withdraw());
        if let Stage::Queued(node) = mem::replace(&mut self.stage, Stage::Ended) {
            // SAFETY: it was queued, and is not used again.
            unsafe { forget::<S, F>(node) };
        }
    }
}

impl<S: Sink, F: Flaws> fmt::Debug for Submitting<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitting").field("stage", &self.stage()).finish_non_exhaustive()
    }
}
