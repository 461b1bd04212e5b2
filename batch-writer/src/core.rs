//! The writer's inside: the word, the role, and the ways in.
#![cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "public for the models alone")
)]

use core::fmt;

use latchwork_sync::CachePadded;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::atomic::AtomicBool;
use latchwork_sync::atomic::{Ordering, fence};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::metrics::Count;
use latchwork_sync::time::Instant;

use crate::error::{Poison, SubmitError, TurnError};
use crate::flaws::{Flaws, Sound};
use crate::flights::Flights;
use crate::head::{AtomicHead, Head};
use crate::holder::Holder;
use crate::metrics::{Meter, Metrics};
use crate::muster::Muster;
use crate::node::{self, Answer, Kind, Node, Turned};
use crate::options::Options;
use crate::room::{NoRoom, Patience, Room};
use crate::siblings::Siblings;
use crate::sink::Sink;
use crate::store::Store;
use crate::submission::Submitting;
use crate::tenure::{Came, Role, Tenure};

/// How often a submitter looks whether the role has become free, where tenures are short.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
const QUICK_TRIES: u32 = 64;

/// What a submission returns.
pub(crate) type Submitted<S> =
    Result<<S as Sink>::Output, SubmitError<<S as Sink>::Op, <S as Sink>::Error>>;

/// A writer, with or without a dedicated thread.
pub struct Core<S: Sink, F: Flaws = Sound> {
    pub(crate) head: CachePadded<AtomicHead<S>>,
    role: CachePadded<UnsafeCell<Role<S>>>,
    pub(crate) room: CachePadded<Room>,
    pub(crate) muster: Muster,
    /// Whether syncs are quick: a hint that the role's holder gives.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    quick: AtomicBool,
    pub(crate) meter: Meter,
    pub(crate) durable: Count,
    pub(crate) holder: Holder,
    pub(crate) flights: Flights,
    pub(crate) limits: Options,
    /// Where the dedicated thread waits for the role, if there is one.
    dedicated: Option<CachePadded<Node<S>>>,
    /// Written once, before the gate says so; read by whoever sees the gate say so.
    pub(crate) reason: UnsafeCell<Option<Poison<S::Error>>>,
    flaws: core::marker::PhantomData<fn(F)>,
}

// SAFETY: sink, operations, outputs and errors move between threads with the role and the nodes,
// one owner at a time (T1, N1); nothing else in here is bound to a thread.
unsafe impl<S, F: Flaws> Send for Core<S, F>
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
unsafe impl<S, F: Flaws> Sync for Core<S, F>
where
    S: Sink + Send,
    S::Op: Send,
    S::Output: Send,
    S::Error: Send + Sync,
{
}

// A panic in the middle of anything poisons: nothing half done is seen after it.
impl<S: Sink, F: Flaws> core::panic::UnwindSafe for Core<S, F> {}
impl<S: Sink, F: Flaws> core::panic::RefUnwindSafe for Core<S, F> {}

/// What became of a push.
pub(crate) enum Pushed<S: Sink> {
    /// The node is in the queue.
    Queued,
    /// The role was free and is now the caller's; the node is still its own.
    Leads,
    /// Refused, by a writer in this state.
    Shut(Head<S>),
}

/// What a push may do besides queueing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Push {
    /// Take the free role.
    OrLead,
    /// The same, and shut the gate in the same step, so that the node is the last.
    OrLeadAndClose,
    /// Nothing: the free role goes to the dedicated thread.
    Only,
}

#[allow(clippy::missing_errors_doc, reason = "`BatchWriter` tells")]
impl<S: Sink, F: Flaws> Core<S, F> {
    /// A writer over a sink; with `dedicated`, some thread must call [`serve`](Self::serve).
    pub fn new(sink: S, mut limits: Options, dedicated: bool) -> Self {
        if dedicated {
            limits.syncs_in_flight = 0;
        }
        let durable = Count::default();
        durable.raise_to(sink.position());
        let siblings = Siblings::new(limits.sibling_wait);
        Self {
            head: CachePadded::new(AtomicHead::new()),
            role: CachePadded::new(UnsafeCell::new(Role::new(sink, siblings))),
            room: CachePadded::new(Room::new(limits.queue_operations, limits.queue_bytes)),
            muster: Muster::default(),
            #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
            quick: AtomicBool::new(false),
            meter: Meter::new(),
            durable,
            holder: Holder::new(),
            flights: Flights::new(),
            limits,
            dedicated: dedicated.then(|| CachePadded::new(Node::new(Kind::Dedicated, None, 0))),
            reason: UnsafeCell::new(None),
            flaws: core::marker::PhantomData,
        }
    }

    /// The role's fields.
    ///
    /// # Safety
    ///
    /// The caller holds the role, and uses the result in its tenure only (T1).
    #[allow(clippy::mut_from_ref, reason = "the role's holder is the only one")]
    #[inline]
    pub(crate) unsafe fn role(&self) -> &mut Role<S> {
        // SAFETY: the role's fields are its holder's (T1).
        self.role.with_mut(|role| unsafe { &mut *role })
    }

    pub(crate) fn dedicated(&self) -> Option<&Node<S>> {
        self.dedicated.as_deref()
    }

    /// See `BatchWriter`.
    #[inline]
    pub fn submit(&self, op: S::Op) -> Submitted<S> {
        let bytes = S::bytes(&op);
        match self.take_idle().or_else(|| self.take_soon()) {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_queued(op, bytes, Patience::Unlimited),
        }
    }

    /// See `BatchWriter`.
    #[inline]
    pub fn try_submit(&self, op: S::Op) -> Submitted<S> {
        let bytes = S::bytes(&op);
        match self.take_idle() {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_queued(op, bytes, Patience::None),
        }
    }

    /// See `BatchWriter`.
    #[inline]
    pub fn submit_until(&self, op: S::Op, deadline: Instant) -> Submitted<S> {
        let bytes = S::bytes(&op);
        match self.take_idle() {
            Some(tenure) => tenure.commit_own(op, bytes, Came::Inline),
            None => self.submit_timed(op, bytes, deadline),
        }
    }

    /// See `BatchWriter`.
    pub fn flush(&self) -> Result<(), TurnError<S::Error>> {
        self.turn(Push::OrLead, |_| ())
    }

    /// See `BatchWriter`.
    pub fn with_sink<R>(&self, act: impl FnOnce(&mut S) -> R) -> Result<R, TurnError<S::Error>> {
        self.turn(Push::OrLead, |store| act(&mut store.sink))
    }

    /// See `BatchWriter`.
    pub fn close(&self) -> Result<(), TurnError<S::Error>> {
        self.turn(Push::OrLeadAndClose, Store::close)?.map_err(SubmitError::Failed)
    }

    /// Refuses further submissions from within a tenure on this thread; the sink is closed by the
    /// drop.
    pub(crate) fn close_from_within(&self) {
        // Relaxed: the bit hands nothing over.
        let mut head = self.head.load(Ordering::Relaxed);
        while let Err(now) = self.head.exchange(head, head.closed(), Ordering::Relaxed) {
            head = now;
        }
    }

    /// See `BatchWriter`.
    pub fn durable_upto(&self) -> u64 {
        self.durable.get()
    }

    /// See `BatchWriter`.
    pub fn poison(&self) -> Option<Poison<S::Error>> {
        // Relaxed: `reason` fences.
        let head = self.head.load(Ordering::Relaxed);
        head.is_poisoned().then(|| self.reason())
    }

    /// See `BatchWriter`.
    pub fn metrics(&self) -> Metrics {
        // Relaxed: a report.
        let poisoned = self.head.load(Ordering::Relaxed).is_poisoned();
        self.meter.snapshot(self.room.operations(), self.room.bytes(), poisoned)
    }

    /// See `DedicatedWriter`.
    #[inline]
    pub fn submit_async(&self, op: S::Op) -> Submitting<'_, S, F> {
        Submitting::new(self, op)
    }

    /// The dedicated thread's work, until the writer is closed or poisoned.
    ///
    /// # Panics
    ///
    /// When the sink panics, and when the writer was made without a dedicated thread.
    pub fn serve(&self) {
        let node = self.dedicated().expect("made for a dedicated thread");
        while node.wait_turn::<F>(None) == Turned::Lead {
            // Before the tenure, at whose end somebody else may give the role again (D1).
            if !F::LATE_RESET {
                node.make_ready();
            }
            // SAFETY: the node came with the role.
            unsafe { Tenure::begin(self) }.serve();
            if F::LATE_RESET {
                node.make_ready();
            }
        }
    }

    /// Takes the role of an open writer if it is free.
    #[inline]
    fn take_idle(&self) -> Option<Tenure<'_, S, F>> {
        // Relaxed: a hint, which spares a contended exchange.
        if !self.head.load(Ordering::Relaxed).is_open_and_idle() || self.limits.never_inline {
            return None;
        }
        // Acquire: takes over the role's fields; pairs with the Release in `Tenure::release`.
        self.head.exchange(Head::idle(), Head::held(), Ordering::Acquire).ok()?;
        // SAFETY: the exchange took the free role.
        Some(unsafe { Tenure::begin(self) })
    }

    /// As [`take_idle`](Self::take_idle), trying for about a microsecond where tenures are that
    /// short: sleeping would take longer.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    #[cold]
    #[inline(never)]
    fn take_soon(&self) -> Option<Tenure<'_, S, F>> {
        // Relaxed: a hint.
        if !self.quick.load(Ordering::Relaxed) || self.limits.never_inline {
            return None;
        }
        for _ in 0..QUICK_TRIES {
            latchwork_sync::hint::spin_loop();
            // Relaxed: a hint. Somebody who sleeps there is served before us, by the holder.
            let head = self.head.load(Ordering::Relaxed);
            if head.is_shut() {
                return None;
            }
            if head.is_idle()
                && let Some(tenure) = self.take_idle()
            {
                return Some(tenure);
            }
        }
        None
    }

    /// Under a checker every sync is slow.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    #[allow(clippy::unused_self, reason = "the same interface as the real one")]
    fn take_soon(&self) -> Option<Tenure<'_, S, F>> {
        None
    }

    /// Says whether syncs are quick. For the holder of the role.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    pub(crate) fn set_quick(&self, quick: bool) {
        // Relaxed: a hint.
        self.quick.store(quick, Ordering::Relaxed);
    }

    /// Waits for room, then queues.
    fn take_room(
        &self,
        op: S::Op,
        bytes: usize,
        patience: Patience,
    ) -> Result<S::Op, SubmitError<S::Op, S::Error>> {
        if self.is_within() {
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
        let pushed = self.push((&raw const node).cast_mut(), self.push_of_submitters());
        if matches!(pushed, Pushed::Queued) && self.wait_turn(&node, None) == Turned::Done {
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
        let pushed = self.push(node, self.push_of_submitters());
        let turned = if matches!(pushed, Pushed::Queued) {
            // SAFETY: a node that may be withdrawn lives until its owner lets go of it (N4).
            let node = unsafe { &*node };
            self.wait_turn(node, Some(deadline))
        } else {
            Turned::Lead
        };
        if turned == Turned::Withdrawn {
            // SAFETY: withdrawn a moment ago, and not used again.
            return Err(SubmitError::TimedOut(unsafe { Self::take_back(node) }));
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

    /// Waits at a queued operation.
    fn wait_turn(&self, node: &Node<S>, deadline: Option<Instant>) -> Turned {
        self.muster.came(&self.room);
        node.wait_turn::<F>(deadline)
    }

    /// Takes the operation out of a withdrawn node, and lets go of the node.
    ///
    /// # Safety
    ///
    /// The caller has withdrawn the node, and doesn't use it again.
    pub(crate) unsafe fn take_back(node: *mut Node<S>) -> S::Op {
        // SAFETY: a withdrawn node lives until its owner lets go of it (N4).
        let withdrawn = unsafe { &*node };
        // SAFETY: a withdrawn node's operation is its owner's (N4).
        let op = unsafe { withdrawn.take_op() };
        // SAFETY: withdrawn, and not used again.
        unsafe { node::forget::<S, F>(node) };
        its_own(op)
    }

    pub(crate) fn answered(
        answer: Option<Answer<S>>,
        op: impl FnOnce() -> Option<S::Op>,
    ) -> Submitted<S> {
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
                self.room.give_one::<F>(bytes);
                Came::Inline
            }
            &Pushed::Shut(head) => {
                self.room.give_one::<F>(bytes);
                return Err(self.refusal(head, op));
            }
        };
        // SAFETY: the push took the free role, or the node came back with it.
        unsafe { Tenure::begin(self) }.commit_own(op, bytes, came)
    }

    fn turn<R>(
        &self,
        push: Push,
        act: impl FnOnce(&mut Store<S>) -> R,
    ) -> Result<R, TurnError<S::Error>> {
        if self.is_within() {
            return Err(SubmitError::Reentered(()));
        }
        let node = Node::new(Kind::Turn, None, 0);
        match self.push((&raw const node).cast_mut(), push) {
            Pushed::Shut(head) => return Err(self.refusal(head, ())),
            Pushed::Queued if node.wait_turn::<F>(None) == Turned::Done => {
                // SAFETY: the node is ours again, with its answer.
                return match unsafe { node.take_answer() } {
                    Some(Answer::Refused(poison)) => Err(SubmitError::Poisoned((), poison)),
                    _ => unreachable!("a turn without the role is refused"),
                };
            }
            Pushed::Queued | Pushed::Leads => {}
        }
        // SAFETY: the push took the free role, or the node came back with it.
        let turned = unsafe { Tenure::begin(self) }.turn(act);
        turned.map_err(|poison| SubmitError::Poisoned((), poison))
    }

    /// Whether this thread is in the middle of a tenure or a flight, and would wait for itself.
    pub(crate) fn is_within(&self) -> bool {
        self.holder.is_me() || self.flights.am_pilot()
    }

    /// Refuses everything from here on, for this reason.
    ///
    /// # Safety
    ///
    /// The caller is the only one who may poison: the role's holder while nothing is in flight, or
    /// the flight in front (L3).
    #[cold]
    pub(crate) unsafe fn shut(&self, poison: &Poison<S::Error>) {
        // Relaxed: only this thread sets the bit.
        let mut head = self.head.load(Ordering::Relaxed);
        if head.is_poisoned() {
            // A value of the user's panicked while we were poisoning.
            return;
        }
        let reason = poison.clone();
        // SAFETY: written by the only poisoner, before the bit that lets others read it.
        self.reason.with_mut(|place| unsafe { *place = Some(reason) });
        // Release: gives the reason to whoever sees the bit.
        while let Err(now) = self.head.exchange(head, head.poisoned(), Ordering::Release) {
            head = now;
        }
    }

    fn push_of_submitters(&self) -> Push {
        if self.limits.never_inline { Push::Only } else { Push::OrLead }
    }

    /// Queues a task's node; the writer has a dedicated thread.
    pub(crate) fn enqueue(&self, node: *mut Node<S>) -> Pushed<S> {
        let pushed = self.push(node, Push::Only);
        self.muster.came(&self.room);
        pushed
    }

    /// Queues the node, or takes the free role in its stead.
    fn push(&self, node: *mut Node<S>, push: Push) -> Pushed<S> {
        // Relaxed: the exchanges below order what they must.
        let mut head = self.head.load(Ordering::Relaxed);
        let closing = push == Push::OrLeadAndClose;
        let gate = |head: Head<S>| {
            if closing && !F::CLOSE_IN_TWO_STEPS { head.closed() } else { head }
        };
        let mut first = true;
        let pushed = loop {
            if head.is_shut() && (first || !F::POISON_FLAG) {
                return Pushed::Shut(head);
            }
            first = false;
            let exchanged = if head.is_idle() && push != Push::Only {
                // Acquire: takes over the role's fields; pairs with `Tenure::release`.
                let taken = gate(head.emptied());
                self.head.exchange(head, taken, Ordering::Acquire).map(|()| Pushed::Leads)
            } else {
                // SAFETY: the node is still the caller's.
                let next = unsafe { &(*node).next };
                // SAFETY: as above.
                next.with_mut(|next| unsafe { *next = head.newest() });
                let queued = gate(head.with_newest(node));
                if head.is_idle() {
                    // Acquire: as above. The node goes to the dedicated thread with the role.
                    let taken = self.head.exchange(head, queued, Ordering::Acquire);
                    taken.map(|()| {
                        self.give_to_dedicated();
                        Pushed::Queued
                    })
                } else {
                    // Release: gives the node to whoever takes the inbox.
                    self.head.exchange(head, queued, Ordering::Release).map(|()| Pushed::Queued)
                }
            };
            match exchanged {
                Ok(pushed) => break pushed,
                Err(now) => head = now,
            }
        };
        if closing && F::CLOSE_IN_TWO_STEPS {
            self.close_from_within();
        }
        pushed
    }

    /// Passes on the role that the caller has just taken, and not used.
    fn give_to_dedicated(&self) {
        if F::ENQUEUE_ONLY {
            return;
        }
        let node = self.dedicated();
        let node = node.unwrap_or_else(|| unreachable!("only then is the free role not led"));
        self.meter.wakes.add_shared(1);
        // SAFETY: the caller has the role, so the dedicated thread doesn't.
        unsafe { node::give_lead::<S, F>(node) };
    }

    /// The error for a writer whose gate is shut.
    #[cold]
    pub(crate) fn refusal<O>(&self, head: Head<S>, op: O) -> SubmitError<O, S::Error> {
        if head.is_poisoned() {
            SubmitError::Poisoned(op, self.reason())
        } else {
            SubmitError::Closed(op)
        }
    }

    /// The reason of the poison, for a caller that has read the bit, or `FAILED`.
    pub(crate) fn reason(&self) -> Poison<S::Error> {
        if !F::NO_REASON_FENCE {
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
pub(crate) fn its_own<O>(op: Option<O>) -> O {
    op.unwrap_or_else(|| unreachable!("an operation that was not executed is still in its node"))
}

impl<S: Sink, F: Flaws> Drop for Core<S, F> {
    fn drop(&mut self) {
        // Relaxed: nobody else is left.
        let poisoned = self.head.load(Ordering::Relaxed).is_poisoned();
        let store = &mut self.role.get_mut().store;
        if !store.ended && !poisoned {
            // Nobody is left to tell an error: who wants to know it calls `close`.
            let _ = store.close();
        }
    }
}

impl<S: Sink, F: Flaws> fmt::Debug for Core<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("options", &self.limits)
            .field("durable_upto", &self.durable_upto())
            .finish_non_exhaustive()
    }
}
