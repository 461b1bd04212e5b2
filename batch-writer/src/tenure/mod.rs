//! What the holder of the role does with it: commits its own batch, or as the dedicated thread
//! batch after batch. Who is in line and who is next, `line.rs`; a sync that goes on without the
//! role, `in_flight.rs`; failure, `poison.rs`.
//!
//! - T1: there is at most one [`Tenure`] of a writer. It begins with the exchange that takes the
//!   idle role, or with the `LEAD` that the last holder stored; it ends with the exchange that
//!   stores `IDLE` or `LEAD`. The role's fields pass along that chain.
//! - T2: a submitter's tenure commits one batch at most, then passes the role on; the dedicated
//!   thread's goes on while operations are queued.
//! - T3: nobody is answered with success before the sync that covers it has succeeded.
//! - T4: a tenure that fails or unwinds poisons: reason, then gate, then answers. The role is
//!   never handed over in that state; the poisoner refuses everybody queued and releases it.
//! - T5: a submitter that leads answers its batch after it has passed the role on: the nodes that
//!   it claimed are its own until then. So whoever of them is back first finds a free role, or
//!   one that was given to somebody who was queued before; nobody is woken to lead who would
//!   have come by itself.

mod in_flight;
mod line;
mod poison;

use core::mem;
use core::ptr;

use latchwork_sync::atomic::Ordering;

use crate::answers::Answers;
use crate::batch::Entry;
use crate::core::Core;
use crate::error::{Cause, Poison, SubmitError};
use crate::fifo::Fifo;
use crate::flaws::Flaws;
use crate::flights::{Failed, Number};
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

/// The role, held. Dropped before its end, by a panic, it poisons the writer.
pub(crate) struct Tenure<'a, S: Sink, F: Flaws> {
    writer: &'a Core<S, F>,
    role: &'a mut Role<S>,
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
            self.commit_in_flight(op, bytes, came)
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
        // Who has come meanwhile is in the line, or makes the release fail.
        if self.role.waiting.is_empty() && self.release().is_ok() {
            mem::forget(self);
        } else {
            self.pass_on();
        }
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

    /// The batch as it stands, to be answered.
    fn take_batch(&mut self) -> Answers<'a, S, F> {
        let room = Vec::with_capacity(self.role.batch.len());
        Answers::new(self.writer, mem::replace(&mut self.role.batch, room))
    }

    /// Passes the role on. Where syncs are quick, others are served first for a while: it would
    /// take longer to wake one of them to lead.
    #[inline(never)]
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
}

/// A leader's own answer, as it is told.
#[inline]
fn told<O, T, E>(answer: Option<Result<T, E>>) -> Result<T, SubmitError<O, E>> {
    match answer {
        Some(answer) => answer.map_err(SubmitError::Failed),
        None => unreachable!("every operation of a batch is answered, the leader's too"),
    }
}
