//! What the holder of the role does with it.
//!
//! - T1: there is at most one [`Tenure`] of a writer. It begins with the exchange that takes the
//!   idle role, or with the `LEAD` that the last holder stored; it ends with the exchange that
//!   stores `IDLE` or `LEAD`. The role's fields pass along that chain.
//! - T2: a submitter's tenure commits one batch at most, then passes the role on; the dedicated
//!   thread's goes on while operations are queued.
//! - T3: nobody is answered with success before the sync that covers it has succeeded.
//! - T5: a submitter that leads answers its batch after it has passed the role on: the nodes that
//!   it claimed are its own until then. So whoever of them is back first finds a free role, or
//!   one that was given to somebody who was queued before; nobody is woken to lead who would
//!   have come by itself.
//! - T4: a tenure that fails or unwinds poisons: reason, then gate, then answers. The role is
//!   never handed over in that state; the poisoner refuses everybody queued and releases it.

use core::mem;
use core::ptr;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::time::Instant;

use latchwork_sync::atomic::Ordering;

use crate::answers::Answers;
use crate::batch::Entry;
use crate::core::Core;
use crate::error::{Cause, Poison, SubmitError};
use crate::fifo::Fifo;
use crate::flaws::Flaws;
use crate::flight::Flight;
use crate::flights::{Failed, Number};
use crate::head::Head;
use crate::node::{self, Answer, Kind, Node};
use crate::room::Share;
use crate::siblings::Siblings;
use crate::sink::Sink;
use crate::store::Store;

/// What only the holder of the role may touch.
pub(crate) struct Role<S: Sink> {
    pub(crate) store: Store<S>,
    waiting: Fifo<S>,
    /// The number of the next flight.
    next: Number,
    /// How many operations the last one had.
    flying: usize,
    batch: Vec<Entry<S::Op, S::Output, S::Error>>,
}

impl<S: Sink> Role<S> {
    pub(crate) fn new(sink: S, siblings: Siblings) -> Self {
        Self {
            store: Store::new(sink, siblings),
            waiting: Fifo::new(),
            next: Number::default(),
            flying: 0,
            batch: Vec::new(),
        }
    }
}

/// The most batches that a leader commits for others where syncs are quick.
const QUICK_BATCHES: u32 = 16;

/// How a leader came to the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Inline,
    Handed,
    Dedicated,
    /// A leader that goes on after its own batch.
    Onward,
}

/// A batch after its write.
enum Launched<'a, S: Sink, F: Flaws> {
    Flight(Flight<'a, S, F>),
    /// Durable already, or with nothing in it to be made durable.
    Synced(Answers<'a, S, F>),
}

/// The role, held. Dropped before its end, by a panic, it poisons the writer.
pub(crate) struct Tenure<'a, S: Sink, F: Flaws> {
    writer: &'a Core<S, F>,
    role: &'a mut Role<S>,
}

impl<S: Sink, F: Flaws> Drop for Tenure<'_, S, F> {
    fn drop(&mut self) {
        if F::NO_GUARD {
            return;
        }
        self.poison(&Cause::Panic);
    }
}

impl<'a, S: Sink, F: Flaws> Tenure<'a, S, F> {
    /// # Safety
    ///
    /// The caller has just taken the role, or been given it (T1).
    #[inline]
    pub(crate) unsafe fn begin(writer: &'a Core<S, F>) -> Self {
        // SAFETY: the caller holds the role, and has it in the tenure.
        let role = unsafe { writer.role() };
        writer.holder.enter();
        Self { writer, role }
    }

    /// Ends the tenure without its drop: what follows must pass the role on.
    fn end(self) -> &'a Core<S, F> {
        let writer = self.writer;
        writer.holder.leave();
        mem::forget(self);
        writer
    }

    /// Commits a batch that begins with the leader's own operation, and passes the role on.
    #[inline]
    pub(crate) fn commit_own(
        self,
        op: S::Op,
        bytes: usize,
        came: Came,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        if self.writer.limits.syncs_in_flight > 0 {
            self.commit_ahead(op, bytes, came)
        } else if self.is_alone() {
            self.commit_alone(op, bytes, came)
        } else {
            self.commit_batch(op, bytes, came)
        }
    }

    /// Whether nobody is queued, and nobody worth waiting for is about.
    #[inline]
    fn is_alone(&self) -> bool {
        !self.role.store.siblings.are_about() && self.nobody_waits()
    }

    #[inline]
    fn nobody_waits(&self) -> bool {
        // Relaxed: who comes later is seen when the role is released.
        self.role.waiting.is_empty() && self.writer.head.load(Ordering::Relaxed).newest().is_null()
    }

    /// The lone submitter's way: the same steps, for one operation and without a list.
    #[inline]
    fn commit_alone(
        mut self,
        op: S::Op,
        bytes: usize,
        came: Came,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let mut own = [Entry::new(op, ptr::null_mut())];
        if let Err(cause) = self.role.store.write_and_sync(self.writer, &mut own) {
            return self.fail(cause);
        }
        self.count(1, bytes, came);
        // In its place: operations may be large.
        let (answer, _) = own[0].take();
        self.pass_on();
        told(answer)
    }

    #[inline(never)]
    fn commit_batch(
        mut self,
        op: S::Op,
        bytes: usize,
        came: Came,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.role.batch.push(Entry::new(op, ptr::null_mut()));
        if self.role.store.siblings.are_about() {
            self.wait_for_siblings();
        }
        let bytes = self.gather(bytes);
        let Role { store, batch, .. } = &mut *self.role;
        if let Err(cause) = store.write_and_sync(self.writer, batch) {
            return self.fail(cause);
        }
        self.count(self.role.batch.len(), bytes, came);
        let mut batch = self.take_batch();
        if self.role.store.siblings.are_quick() {
            batch.publish();
            self.pass_on();
        } else {
            // The siblings come back to a role that is free or on its way to one of them (T5).
            self.hand_on();
            batch.publish();
        }
        told(batch.own())
    }

    /// As [`commit_batch`](Self::commit_batch), with the sync taken off the sink and made without
    /// the role (`flights.rs`).
    #[inline(never)]
    fn commit_ahead(
        mut self,
        op: S::Op,
        bytes: usize,
        came: Came,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let writer = self.writer;
        if writer.flights.am_pilot() {
            self.hand_on();
            return Err(SubmitError::Reentered(op));
        }
        // Relaxed: a failure not yet seen here is seen by the wait for a lane, at the latest by
        // the flight itself (L1).
        if writer.head.load(Ordering::Relaxed).is_poisoned() {
            return Err(SubmitError::Poisoned(op, self.refuse()));
        }
        let took = writer.flights.took.get();
        if took > 0 {
            self.role.store.siblings.sync(took);
        }
        self.role.batch.push(Entry::new(op, ptr::null_mut()));
        let (bytes, accepted) = match self.write_ahead(bytes) {
            Ok(written) => written,
            Err(cause) => return self.fail(cause),
        };
        let flight = match self.launch(accepted) {
            Ok(flight) => flight,
            Err(cause) => return self.fail(cause),
        };
        self.count(self.role.flying, bytes, came);
        match flight {
            Launched::Flight(flight) => {
                self.hand_on();
                flight.fly().map_or_else(|cause| Err(SubmitError::Unknown(cause)), told)
            }
            Launched::Synced(mut batch) => {
                self.hand_on();
                batch.publish();
                told(batch.own())
            }
        }
    }

    /// Writes what is queued, and once there is a lane for its sync, what has come meanwhile.
    /// Returns the batch's bytes, and whether anything is to be synced.
    fn write_ahead(&mut self, bytes: usize) -> Result<(usize, bool), Cause<S::Error>> {
        let (writer, lanes) = (self.writer, self.writer.limits.syncs_in_flight);
        let (mut bytes, mut written, mut accepted) = (bytes, 0, false);
        let waits = !writer.flights.are_fewer(self.role.next, lanes);
        if waits {
            bytes = self.gather(bytes);
            accepted = self.write_rest(&mut written)?;
        }
        if writer.flights.await_lane::<F>(self.role.next, lanes) == Err(Failed) {
            return Err(writer.reason().cause);
        }
        if lanes == 1 {
            if waits {
                // Those of the flight that has just landed are on their way back.
                let there = self.role.batch.len() + self.role.waiting.len();
                self.role.store.siblings.batch(self.role.flying + there);
            }
            if self.role.store.siblings.are_about() {
                self.wait_for_siblings();
            }
        }
        bytes = self.gather(bytes);
        accepted |= self.write_rest(&mut written)?;
        Ok((bytes, accepted))
    }

    /// Writes the batch from there on; tells whether any of it was accepted.
    fn write_rest(&mut self, written: &mut usize) -> Result<bool, Cause<S::Error>> {
        let Role { store, batch, .. } = &mut *self.role;
        let rest = &mut batch[*written..];
        *written += rest.len();
        if rest.is_empty() { Ok(false) } else { store.write(self.writer, rest) }
    }

    /// Makes a flight of the batch, or syncs it here if the sink doesn't let go of its sync.
    fn launch(&mut self, accepted: bool) -> Result<Launched<'a, S, F>, Cause<S::Error>> {
        let (writer, number) = (self.writer, self.role.next);
        self.role.flying = self.role.batch.len();
        if !accepted {
            return Ok(Launched::Synced(self.take_batch()));
        }
        let store = &mut self.role.store;
        let lane = number.lane(writer.limits.syncs_in_flight);
        let Some(sync) = store.sink.detach_sync(lane) else {
            if writer.flights.await_all(number) == Err(Failed) {
                return Err(writer.reason().cause);
            }
            store.sync(writer)?;
            return Ok(Launched::Synced(self.take_batch()));
        };
        let position = store.sink.position();
        self.role.next = number.next();
        writer.meter.detached.add(1);
        let batch = self.take_batch();
        Ok(Launched::Flight(Flight::launch(writer, number, sync, position, batch)))
    }

    /// The batch as it stands, to be answered.
    fn take_batch(&mut self) -> Answers<'a, S, F> {
        let room = Vec::with_capacity(self.role.batch.len());
        Answers::new(self.writer, mem::replace(&mut self.role.batch, room))
    }

    /// Passes the role on. Where syncs are quick, others are served first for a while: it would
    /// take longer to wake one of them to lead.
    #[inline]
    fn pass_on(mut self) {
        if self.role.store.siblings.are_quick()
            && !self.nobody_waits()
            && let Err(cause) = self.serve_others()
        {
            self.poison(&cause);
            self.end();
            return;
        }
        self.hand_on();
    }

    #[cold]
    fn serve_others(&mut self) -> Result<(), Cause<S::Error>> {
        for _ in 0..QUICK_BATCHES {
            if !self.serve_once(Came::Onward)? {
                break;
            }
        }
        Ok(())
    }

    /// Commits and answers a batch of what is queued; tells whether there was one.
    fn serve_once(&mut self, came: Came) -> Result<bool, Cause<S::Error>> {
        let bytes = self.gather(0);
        if self.role.batch.is_empty() {
            return Ok(false);
        }
        let Role { store, batch, .. } = &mut *self.role;
        store.write_and_sync(self.writer, batch)?;
        self.count(self.role.batch.len(), bytes, came);
        self.take_batch().publish();
        Ok(true)
    }

    /// The dedicated thread's tenure: batch after batch, until nothing is queued or a turn is
    /// next.
    pub(crate) fn serve(mut self) {
        loop {
            if self.role.store.siblings.are_about() {
                self.wait_for_siblings();
            }
            match self.serve_once(Came::Dedicated) {
                Ok(true) => {}
                Ok(false) => {
                    // Whatever is in front is not for this thread.
                    self.hand_on();
                    return;
                }
                Err(cause) => {
                    self.poison(&cause);
                    self.end();
                    return;
                }
            }
        }
    }

    #[cold]
    fn fail(mut self, cause: Cause<S::Error>) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        self.poison(&cause);
        self.end();
        Err(SubmitError::Unknown(cause))
    }

    /// Uses the sink once, with nothing in flight, and passes the role on.
    pub(crate) fn turn<R>(
        self,
        act: impl FnOnce(&mut Store<S>) -> R,
    ) -> Result<R, Poison<S::Error>> {
        let next = self.role.next;
        if !F::TURN_IN_FLIGHT && self.writer.flights.await_all(next) == Err(Failed) {
            return Err(self.refuse());
        }
        let result = act(&mut self.role.store);
        self.writer.meter.turns.add(1);
        self.hand_on();
        Ok(result)
    }

    /// Refuses the queue of a writer that a flight has poisoned (L4); returns why.
    #[cold]
    fn refuse(mut self) -> Poison<S::Error> {
        let poison = self.writer.reason();
        if F::QUEUE_OF_NOBODY {
            let _ = self.release();
        } else {
            self.refuse_queued(&poison);
        }
        self.end();
        poison
    }

    /// Takes the inbox into the line; tells whether there was anything.
    #[inline]
    fn take_inbox(&mut self) -> bool {
        // Relaxed: a hint; what is taken is ordered by the exchange.
        let mut head = self.writer.head.load(Ordering::Relaxed);
        loop {
            if head.newest().is_null() {
                return false;
            }
            // Acquire: pairs with the Release of every push since the last look; each exchange
            // of the word continues the release sequences of those before.
            match self.writer.head.exchange(head, head.emptied(), Ordering::Acquire) {
                Ok(()) => break,
                Err(now) => head = now,
            }
        }
        // SAFETY: the exchange has unlinked the inbox: its nodes are the holder's.
        unsafe { self.role.waiting.append_reversed::<F>(head.newest()) };
        true
    }

    /// Fills the batch within its bounds, from the front of the line; returns its bytes.
    #[inline]
    fn gather(&mut self, own_bytes: usize) -> usize {
        self.take_inbox();
        if self.role.waiting.is_empty() { own_bytes } else { self.gather_waiting(own_bytes) }
    }

    fn gather_waiting(&mut self, mut bytes: usize) -> usize {
        let limits = &self.writer.limits;
        let mut freed = Share::default();
        while self.role.batch.len() < limits.batch_operations
            && let Some(next) = self.role.waiting.front()
        {
            let more = next.bytes;
            let fits = bytes.saturating_add(more) <= limits.batch_bytes;
            // The first of a batch may be as large as it likes.
            if next.kind() == Kind::Turn || !fits && !self.role.batch.is_empty() {
                break;
            }
            let Some(node) = self.role.waiting.pop() else { break };
            freed.add(more);
            // SAFETY: the node was just unlinked by the holder of the role.
            if !unsafe { node::claim::<S, F>(node) } {
                self.writer.meter.withdrawn.add(1);
                continue;
            }
            // SAFETY: a claimed node lives until it is answered (N1).
            let claimed = unsafe { &*node };
            // SAFETY: and it is the holder's (N1).
            if let Some(op) = unsafe { claimed.take_op() } {
                self.role.batch.push(Entry::new(op, node.cast()));
                bytes += more;
            }
        }
        self.writer.room.give::<F>(freed);
        bytes
    }

    #[inline]
    fn count(&mut self, operations: usize, bytes: usize, came: Came) {
        // Those queued now were not in the batch, and the batch's own submitters not yet answered.
        if !self.nobody_waits() {
            self.take_inbox();
        }
        self.role.store.siblings.batch(operations + self.role.waiting.len());
        let meter = &self.writer.meter;
        meter.bytes.add(bytes as u64);
        if operations == 1 {
            meter.alone.add(1);
        } else {
            meter.batch_operations.record(operations as u64);
        }
        match came {
            Came::Inline => {}
            Came::Handed => {
                meter.handed.add(1);
                meter.wakes.add_shared(1);
            }
            Came::Dedicated => meter.dedicated.add(1),
            Came::Onward => meter.onward.add(1),
        }
    }

    /// Gives the role to the next in line, or back.
    #[inline]
    pub(crate) fn hand_on(mut self) {
        loop {
            if !self.role.waiting.is_empty()
                && let Some(node) = self.successor()
            {
                self.end();
                // SAFETY: claimed by the holder, or the dedicated thread's, which has not got the
                // role; from the exchange in it on, neither the node nor the role is touched (T1).
                unsafe { node::give_lead::<S, F>(node) };
                return;
            }
            match self.release() {
                Ok(()) => {
                    mem::forget(self);
                    return;
                }
                Err(()) => self.take_inbox(),
            };
        }
    }

    /// Makes the role free if the inbox is empty.
    #[inline]
    fn release(&mut self) -> Result<(), ()> {
        self.writer.holder.leave();
        let mut from = Head::held();
        if F::GATEWAY {
            from = self.writer.head.load(Ordering::Relaxed);
            if !from.newest().is_null() {
                self.writer.holder.enter();
                return Err(());
            }
        }
        // Release: gives the role's fields to whoever takes it next.
        while let Err(now) = self.writer.head.exchange(from, from.released(), Ordering::Release) {
            // Shut and empty is released as such.
            if !now.newest().is_null() && !F::GATEWAY {
                self.writer.holder.enter();
                return Err(());
            }
            from = now;
        }
        if from.is_shut()
            && !F::NO_FAREWELL
            && let Some(dedicated) = self.writer.dedicated()
        {
            // SAFETY: this was the last tenure (I6, I7), and only this ends the thread.
            unsafe { node::send_home::<S, F>(dedicated) };
        }
        Ok(())
    }

    /// Who gets the role next: the dedicated thread if there is one, but for a turn.
    fn successor(&mut self) -> Option<*const Node<S>> {
        let front = self.role.waiting.front()?;
        match self.writer.dedicated() {
            Some(dedicated) if front.kind() != Kind::Turn => Some(dedicated),
            _ => self.next_in_line().map(<*mut Node<S>>::cast_const),
        }
    }

    /// Unlinks and claims the next node that still wants something.
    fn next_in_line(&mut self) -> Option<*mut Node<S>> {
        while let Some(node) = self.role.waiting.pop() {
            // SAFETY: unlinked, not yet claimed: it lives.
            let unlinked = unsafe { &*node };
            if unlinked.kind() != Kind::Turn {
                self.writer.room.give_one::<F>(unlinked.bytes);
            }
            // SAFETY: just unlinked by the holder of the role.
            if unsafe { node::claim::<S, F>(node) } {
                return Some(node);
            }
            self.writer.meter.withdrawn.add(1);
        }
        None
    }

    /// Refuses everything from here on (T4), and leaves the role free for nobody to take.
    #[cold]
    fn poison(&mut self, cause: &Cause<S::Error>) {
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

    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    #[cold]
    fn wait_for_siblings(&mut self) {
        use crate::siblings::Waited;

        self.take_inbox();
        let own = self.role.batch.len();
        let before = own + self.role.waiting.len();
        let most = self.writer.limits.batch_operations;
        let Some(window) = self.role.store.siblings.window(before, most) else { return };
        let start = Instant::now();
        let deadline = start + window.longest;
        let (mut after, mut now) = (before, start);
        while after < window.operations && now < deadline {
            self.writer.muster.wait(window.operations - own, &self.writer.room, deadline);
            now = Instant::now();
            self.take_inbox();
            after = own + self.role.waiting.len();
        }
        let nanoseconds = u64::try_from((now - start).as_nanos()).unwrap_or(u64::MAX);
        // As if they had come at an even pace.
        let cost = nanoseconds.saturating_mul((before + after) as u64) / 2;
        let expected = window.operations;
        let waited = Waited { expected, before, after, nanoseconds, cost };
        self.writer.meter.sibling_waits.add(1);
        if self.role.store.siblings.judge(waited) {
            self.writer.meter.sibling_waits_paid.add(1);
        }
    }

    /// Under a checker there is no wait: it only takes the inbox more often.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    fn wait_for_siblings(&mut self) {
        self.take_inbox();
    }
}

/// A leader's own answer, as it is told.
#[inline]
fn told<O, T, E>(answer: Option<Result<T, E>>) -> Result<T, SubmitError<O, E>> {
    match answer {
        Some(answer) => answer.map_err(SubmitError::Failed),
        None => unreachable!("every operation of a batch is answered, the leader's too"),
    }
}
