//! The writer: what submitters call.

use core::fmt;

use latchwork_sync::CachePadded;
use latchwork_sync::atomic::{Ordering, fence};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::time::Instant;

use crate::error::{Poison, SubmitError, TurnError};
use crate::head::{AtomicHead, Head};
use crate::histogram::Count;
use crate::holder::Holder;
use crate::metrics::{Meter, Metrics};
use crate::node::{self, Answer, Kind, Node, Turned};
use crate::options::Options;
use crate::room::{NoRoom, Patience, Room};
use crate::siblings::Siblings;
use crate::sink::Sink;
use crate::tenure::{Came, Role, Tenure};
use crate::twin::{Bug, has};

/// What a submission returns.
pub(crate) type Submitted<S> =
    Result<<S as Sink>::Output, SubmitError<<S as Sink>::Op, <S as Sink>::Error>>;

/// Group commit over a sink: submitters on many threads, one of them at a time is the writer.
///
/// Share it by reference or in an `Arc`. Dropping it closes the sink.
///
/// Memory ordering: what a thread did before it submitted is visible to the sink; what the sink
/// did for a batch is visible to each of its submitters when its submission returns. Operations
/// are committed in the order in which they were queued, and a batch is durable before the next
/// one is written.
///
/// Progress: blocking. A leader commits one batch, which its own operation begins, then passes
/// the role on; a submitter is woken once, by its answer or by the role.
///
/// Cost: alone, two atomic exchanges besides the sink's own. Queued, up to four by the
/// submitter, one exchange and at most one wake by the leader.
pub struct BatchWriter<S: Sink> {
    pub(crate) head: CachePadded<AtomicHead<S>>,
    pub(crate) role: CachePadded<UnsafeCell<Role<S>>>,
    pub(crate) room: CachePadded<Room>,
    pub(crate) meter: Meter,
    pub(crate) durable: Count,
    pub(crate) holder: Holder,
    pub(crate) limits: Options,
    /// Written once, before the gate says so; read by whoever sees the gate say so.
    pub(crate) reason: UnsafeCell<Option<Poison<S::Error>>>,
}

// SAFETY: sink, operations, outputs and errors move between threads with the role and the nodes,
// one owner at a time (T1, N1); nothing else in here is bound to a thread.
unsafe impl<S> Send for BatchWriter<S>
where
    S: Sink + Send,
    S::Op: Send,
    S::Output: Send,
    S::Error: Send,
{
}

// SAFETY: the role's fields are its holder's alone (T1), a queued node's its owner's or the
// holder's (N1). The reason is read by many at once after it was written for good, so errors are
// also shared.
unsafe impl<S> Sync for BatchWriter<S>
where
    S: Sink + Send,
    S::Op: Send,
    S::Output: Send,
    S::Error: Send + Sync,
{
}

/// What became of a push.
enum Pushed<S: Sink> {
    /// The node is in the queue.
    Queued,
    /// The role was free and is now the caller's; the node is still its own.
    Leads,
    /// Refused, by a writer in this state.
    Shut(Head<S>),
}

impl<S: Sink> BatchWriter<S> {
    /// A writer with the default [`Options`].
    pub fn new(sink: S) -> Self {
        Options::new().build(sink)
    }

    pub(crate) fn with_options(sink: S, limits: Options) -> Self {
        let durable = Count::default();
        durable.raise_to(sink.position());
        let siblings = Siblings::new(limits.sibling_wait);
        Self {
            head: CachePadded::new(AtomicHead::new()),
            role: CachePadded::new(UnsafeCell::new(Role::new(sink, siblings))),
            room: CachePadded::new(Room::new(limits.queue_operations, limits.queue_bytes)),
            meter: Meter::new(),
            durable,
            holder: Holder::new(),
            limits,
            reason: UnsafeCell::new(None),
        }
    }

    /// Commits an operation: returns when it is durable, with the sink's output. Waits for room
    /// in the queue as long as it takes.
    ///
    /// # Errors
    ///
    /// See [`SubmitError`]; never `Full` or `TimedOut`.
    ///
    /// # Panics
    ///
    /// When the sink panics while this caller leads; the writer is then poisoned.
    #[inline]
    pub fn submit(&self, op: S::Op) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let bytes = S::bytes(&op);
        match self.take_idle() {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_queued(op, bytes, Patience::Unlimited),
        }
    }

    /// As [`submit`](Self::submit), but doesn't wait for room in the queue.
    ///
    /// # Errors
    ///
    /// `Full` when there is no room; otherwise as `submit`.
    ///
    /// # Panics
    ///
    /// As `submit`.
    pub fn try_submit(&self, op: S::Op) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let bytes = S::bytes(&op);
        match self.take_idle() {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_queued(op, bytes, Patience::None),
        }
    }

    /// As [`submit`](Self::submit), but takes the operation back if no batch has taken it by the
    /// deadline. Once a batch has it, its outcome is awaited: a sync can't be hurried, and an
    /// operation that is being written can't be called back.
    ///
    /// Cost: as `submit`; when queued, one allocation and one more exchange.
    ///
    /// # Errors
    ///
    /// `TimedOut` when the operation was taken back; otherwise as `submit`.
    ///
    /// # Panics
    ///
    /// As `submit`.
    pub fn submit_until(
        &self,
        op: S::Op,
        deadline: Instant,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let bytes = S::bytes(&op);
        match self.take_idle() {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_timed(op, bytes, deadline),
        }
    }

    /// Waits until everything submitted before, by any thread, has been answered.
    ///
    /// # Errors
    ///
    /// When the writer is closed, was poisoned, or the caller is the sink itself.
    pub fn flush(&self) -> Result<(), TurnError<S::Error>> {
        self.turn(false, |_| ())
    }

    /// Uses the sink between two batches, in turn with the submissions queued.
    ///
    /// # Errors
    ///
    /// When the writer is closed, was poisoned, or the caller is the sink itself.
    ///
    /// # Panics
    ///
    /// When `act` panics; the writer is then poisoned.
    pub fn with_sink<R>(&self, act: impl FnOnce(&mut S) -> R) -> Result<R, TurnError<S::Error>> {
        self.turn(false, act)
    }

    /// Refuses further submissions, waits until everything submitted before has been answered,
    /// and closes the sink.
    ///
    /// # Errors
    ///
    /// `Closed` when it is closed already, `Poisoned` when it was poisoned, `Failed` with the
    /// sink's own error.
    ///
    /// # Panics
    ///
    /// When the sink panics.
    pub fn close(&self) -> Result<(), TurnError<S::Error>> {
        self.turn(true, S::close)?.map_err(SubmitError::Failed)
    }

    /// How far everything is durable, in the sink's own measure.
    pub fn durable_upto(&self) -> u64 {
        self.durable.get()
    }

    /// What ended this writer's life, if something did.
    pub fn poison(&self) -> Option<Poison<S::Error>> {
        // Relaxed: `reason` fences.
        let head = self.head.load(Ordering::Relaxed);
        head.is_poisoned().then(|| self.reason())
    }

    /// Counts and histograms since the writer was made.
    pub fn metrics(&self) -> Metrics {
        // Relaxed: a report.
        let poisoned = self.head.load(Ordering::Relaxed).is_poisoned();
        self.meter.snapshot(self.room.operations(), self.room.bytes(), poisoned)
    }

    /// Takes the role of an open writer if it is free.
    #[inline]
    fn take_idle(&self) -> Option<Tenure<'_, S>> {
        // Relaxed: a hint, which spares a contended exchange.
        if !self.head.load(Ordering::Relaxed).is_open_and_idle() {
            return None;
        }
        // Acquire: takes over the role's fields; pairs with the Release in `Tenure::release`.
        self.head.exchange(Head::idle(), Head::held(), Ordering::Acquire).ok()?;
        // SAFETY: the exchange took the free role.
        Some(unsafe { Tenure::begin(self) })
    }

    /// Waits for room, then queues.
    fn take_room(
        &self,
        op: S::Op,
        bytes: usize,
        patience: Patience,
    ) -> Result<S::Op, SubmitError<S::Op, S::Error>> {
        if self.holder.is_me() {
            return Err(SubmitError::Reentered(op));
        }
        match (self.room.take(bytes, patience), patience) {
            (Ok(()), _) => Ok(op),
            (Err(NoRoom), Patience::None) => Err(SubmitError::Full(op)),
            (Err(NoRoom), _) => Err(SubmitError::TimedOut(op)),
        }
    }

    #[cold]
    #[inline(never)]
    fn submit_queued(&self, op: S::Op, bytes: usize, patience: Patience) -> Submitted<S> {
        let op = self.take_room(op, bytes, patience)?;
        let node = Node::new(Kind::Patient, Some(op), bytes);
        let pushed = self.push((&raw const node).cast_mut(), false);
        if matches!(pushed, Pushed::Queued) && node.wait_turn(None) == Turned::Done {
            // SAFETY: the node is ours again, with its answer.
            return Self::answered(unsafe { node.take_answer() }, || unsafe { node.take_op() });
        }
        // SAFETY: not queued, or given back with the role.
        let op = unsafe { node.take_op() };
        self.lead_or_refuse(&pushed, op, bytes)
    }

    #[cold]
    #[inline(never)]
    fn submit_timed(&self, op: S::Op, bytes: usize, deadline: Instant) -> Submitted<S> {
        let op = self.take_room(op, bytes, Patience::Until(deadline))?;
        let node = Box::into_raw(Box::new(Node::new(Kind::Timed, Some(op), bytes)));
        let pushed = self.push(node, false);
        let turned = if matches!(pushed, Pushed::Queued) {
            // SAFETY: a node that may be withdrawn lives until its owner lets go of it (N4).
            unsafe { &*node }.wait_turn(Some(deadline))
        } else {
            Turned::Lead
        };
        if turned == Turned::Withdrawn {
            // SAFETY: a withdrawn node's operation is its owner's (N4).
            let withdrawn = unsafe { &*node };
            // SAFETY: as above.
            let op = unsafe { withdrawn.take_op() };
            // SAFETY: withdrawn, and not used again.
            unsafe { node::forget(node) };
            return Err(SubmitError::TimedOut(its_own(op)));
        }
        // SAFETY: never queued, or given back by the queue: it is ours alone.
        let node = unsafe { Box::from_raw(node) };
        if turned == Turned::Done {
            // SAFETY: the node is ours again, with its answer.
            return Self::answered(unsafe { node.take_answer() }, || unsafe { node.take_op() });
        }
        // SAFETY: as above.
        let op = unsafe { node.take_op() };
        drop(node);
        self.lead_or_refuse(&pushed, op, bytes)
    }

    fn answered(answer: Option<Answer<S>>, op: impl FnOnce() -> Option<S::Op>) -> Submitted<S> {
        match answer {
            Some(Answer::Output(output)) => Ok(output),
            Some(Answer::Failed(error)) => Err(SubmitError::Failed(error)),
            Some(Answer::Unknown(cause)) => Err(SubmitError::Unknown(cause)),
            Some(Answer::Refused(poison)) => Err(SubmitError::Poisoned(its_own(op()), poison)),
            None => unreachable!("a node comes back as done with an answer"),
        }
    }

    /// Goes on after a push that made the caller the leader, now or by a hand-over, or refused it.
    fn lead_or_refuse(&self, pushed: &Pushed<S>, op: Option<S::Op>, bytes: usize) -> Submitted<S> {
        let op = its_own(op);
        let came = match pushed {
            Pushed::Queued => Came::Handed,
            Pushed::Leads => {
                self.room.give_one(bytes);
                Came::Inline
            }
            &Pushed::Shut(head) => {
                self.room.give_one(bytes);
                return Err(self.refusal(head, op));
            }
        };
        // SAFETY: the push took the free role, or the node came back with it.
        unsafe { Tenure::begin(self) }.commit_own(op, bytes, came)
    }

    fn turn<R>(
        &self,
        closing: bool,
        act: impl FnOnce(&mut S) -> R,
    ) -> Result<R, TurnError<S::Error>> {
        if self.holder.is_me() {
            return Err(SubmitError::Reentered(()));
        }
        let node = Node::new(Kind::Turn, None, 0);
        match self.push((&raw const node).cast_mut(), closing) {
            Pushed::Shut(head) => return Err(self.refusal(head, ())),
            Pushed::Queued if node.wait_turn(None) == Turned::Done => {
                // SAFETY: the node is ours again, with its answer.
                return match unsafe { node.take_answer() } {
                    Some(Answer::Refused(poison)) => Err(SubmitError::Poisoned((), poison)),
                    _ => unreachable!("a turn without the role is refused"),
                };
            }
            Pushed::Queued | Pushed::Leads => {}
        }
        // SAFETY: the push took the free role, or the node came back with it.
        Ok(unsafe { Tenure::begin(self) }.turn(act))
    }

    /// Queues the node, or takes the free role in its stead. `closing` shuts the gate in the same
    /// step, so that the node is the last.
    fn push(&self, node: *mut Node<S>, closing: bool) -> Pushed<S> {
        // Relaxed: the exchanges below order what they must.
        let mut head = self.head.load(Ordering::Relaxed);
        let gate = |head: Head<S>| {
            if closing && !has(Bug::CloseInTwoSteps) { head.closed() } else { head }
        };
        let mut first = true;
        let pushed = loop {
            if head.is_shut() && (first || !has(Bug::PoisonFlag)) {
                return Pushed::Shut(head);
            }
            first = false;
            let exchanged = if head.is_idle() {
                // Acquire: takes over the role's fields; pairs with `Tenure::release`.
                let taken = gate(head.emptied());
                self.head.exchange(head, taken, Ordering::Acquire).map(|()| Pushed::Leads)
            } else {
                // SAFETY: the node is still the caller's.
                let next = unsafe { &(*node).next };
                // SAFETY: as above.
                next.with_mut(|next| unsafe { *next = head.newest() });
                // Release: gives the node to whoever takes the inbox.
                let queued = gate(head.with_newest(node));
                self.head.exchange(head, queued, Ordering::Release).map(|()| Pushed::Queued)
            };
            match exchanged {
                Ok(pushed) => break pushed,
                Err(now) => head = now,
            }
        };
        if closing && has(Bug::CloseInTwoSteps) {
            let mut head = self.head.load(Ordering::Relaxed);
            while let Err(now) = self.head.exchange(head, head.closed(), Ordering::Relaxed) {
                head = now;
            }
        }
        pushed
    }

    /// The error for a writer whose gate is shut.
    #[cold]
    fn refusal<O>(&self, head: Head<S>, op: O) -> SubmitError<O, S::Error> {
        if head.is_poisoned() {
            SubmitError::Poisoned(op, self.reason())
        } else {
            SubmitError::Closed(op)
        }
    }

    /// The reason of the poison, for a caller that has read the bit.
    fn reason(&self) -> Poison<S::Error> {
        if !has(Bug::NoReasonFence) {
            // Pairs with the Release exchange in `Tenure::shut`, whose bit the caller has read
            // with a Relaxed load or a failed exchange.
            fence(Ordering::Acquire);
        }
        // SAFETY: written for good before the bit was set.
        let reason = self.reason.with(|reason| unsafe { (*reason).clone() });
        reason.unwrap_or_else(|| unreachable!("the reason is written before the bit"))
    }
}

/// What was in a node when it was made, and that nobody else takes.
fn its_own<O>(op: Option<O>) -> O {
    op.unwrap_or_else(|| unreachable!("an operation that was not executed is still in its node"))
}

impl<S: Sink> Drop for BatchWriter<S> {
    fn drop(&mut self) {
        // Relaxed: `&mut self` orders it all.
        if !self.head.load(Ordering::Relaxed).is_shut() {
            // Nobody is left to tell an error: who wants to know it calls `close`.
            let _ = self.role.get_mut().store.sink.close();
        }
    }
}

impl<S: Sink> fmt::Debug for BatchWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWriter")
            .field("options", &self.limits)
            .field("durable_upto", &self.durable_upto())
            .finish_non_exhaustive()
    }
}
