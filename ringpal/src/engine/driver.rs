//! The driver's state: what is owed, what is in flight, and one turn of moving it on.
//!
//! A turn takes what is new, fills the kernel's queue up to the capacity, submits, waits for one
//! completion where there is nothing better to do, and reaps all that are there.
//!
//! - D1: `flights[key]` is in use exactly while `key` is in the kernel or in `again`.
//! - D2: a batch is `current` or in the backlog until its last operation is begun; it is taken out
//!   before that operation can end.
//! - D3: the driver sleeps under the sleep mark even where something is owed beyond the capacity: a
//!   completion is certain then, but not soon, and a request to cancel must not wait for it.
//! - D4: what is cancelled or timed out is a batch of one operation, since only those have handles.
//!   The notes of such a batch are the driver's exactly while its event is not set.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::NonNull;

use latchwork_sync::thread::yield_now;
use latchwork_sync::time::{Instant, from_nanos, to_nanos};
use latchwork_treiber::intrusive::Chain;

use super::batch::{Batch, Failure, Loan, Progress, Target, Work};
use super::flaws::Flaws;
use super::inbox::Inbox;
use crate::backend::{Backend, Completion, RawOp, Wait};
use crate::error::Cause;
use crate::metrics::Counts;
use crate::transfer::{Transfer, Verdict};

/// One operation in the kernel, or on its way back to it.
struct Flight {
    batch: NonNull<Batch>,
    index: usize,
    transfer: Transfer,
}

pub(super) struct Driver {
    backend: Box<dyn Backend>,
    flights: Vec<Option<Flight>>,
    free: Vec<u32>,
    in_flight: u32,
    /// Flights to submit once more.
    again: Vec<u32>,
    /// The batch whose operations are being begun.
    current: Option<Loan>,
    /// Those after it, oldest first.
    backlog: Chain<Loan>,
    /// Batches with a deadline that have not ended, by it and their address.
    timed: BTreeMap<(u64, usize), NonNull<Batch>>,
    completions: Vec<Completion>,
    /// The batch of a leader, which gets no event.
    own: Option<NonNull<Batch>>,
    armed: bool,
    closing: bool,
    closed: bool,
    dead: Option<i32>,
    counts: Arc<Counts>,
}

// SAFETY: the pointers are to batches whose owners wait; the state moves with the role (I6).
unsafe impl Send for Driver {}

impl Driver {
    pub(super) fn new(backend: Box<dyn Backend>, counts: Arc<Counts>) -> Self {
        let capacity = backend.capacity();
        Self {
            backend,
            flights: (0..capacity).map(|_| None).collect(),
            free: (0..capacity).rev().collect(),
            in_flight: 0,
            again: Vec::with_capacity(capacity as usize),
            current: None,
            backlog: Chain::new(),
            timed: BTreeMap::new(),
            completions: Vec::with_capacity(capacity as usize),
            own: None,
            armed: false,
            closing: false,
            closed: false,
            dead: None,
            counts,
        }
    }

    /// Prepares the backend, on the ring's own thread.
    pub(super) fn start(&mut self) -> Result<(), i32> {
        self.backend.start()
    }

    /// Whether nothing is in flight or owed.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.again.is_empty() && !self.owes()
    }

    /// Whether there are operations that were not begun.
    fn owes(&self) -> bool {
        self.current.is_some() || !self.backlog.is_empty()
    }

    /// Whether the role may be left to nobody.
    pub(super) fn may_leave(&self) -> bool {
        self.is_idle() && !self.closing && !self.closed
    }

    /// Whether the sleep mark stands, unless a push replaced it.
    pub(super) fn armed(&self) -> bool {
        self.armed
    }

    /// Whether there is nothing to do any more, for ever.
    pub(super) fn is_finished(&self) -> bool {
        self.closed && self.is_idle()
    }

    /// Takes a leader's own batch, which was not pushed.
    pub(super) fn adopt(&mut self, own: Loan) {
        debug_assert!(self.is_idle(), "I7");
        self.armed = false;
        self.own = Some(own.pointer());
        self.current = Some(own);
    }

    /// Whether the adopted batch has ended.
    pub(super) fn own_is_done(&self) -> bool {
        self.own.is_none()
    }

    /// One turn. `patient`: with nothing in flight, wait for a wake. `failed` is told the code of
    /// a dead backend before the inbox is closed for it.
    pub(super) fn turn<F: Flaws>(&mut self, inbox: &Inbox<F>, patient: bool, failed: &dyn Fn(i32)) {
        self.look(inbox, failed);
        if !self.timed.is_empty() {
            self.expire::<F>();
        }
        self.fill::<F>();
        if self.dead.is_some() {
            self.pause();
        } else {
            let wait = self.decide_to_wait(inbox, patient);
            self.counts.turns.add(1);
            self.counts.waits.add(u64::from(wait != Wait::No));
            self.counts.in_flight.set(u64::from(self.in_flight));
            if let Err(code) = self.backend.submit(wait) {
                self.dead = Some(code);
                self.backend.abandon(&mut self.completions);
            }
        }
        self.backend.reap(&mut self.completions);
        self.settle::<F>();
    }

    /// Takes what is new; closes the inbox when it is time.
    fn look<F: Flaws>(&mut self, inbox: &Inbox<F>, failed: &dyn Fn(i32)) {
        if self.closed {
            return;
        }
        self.armed = false;
        self.accept::<F>(inbox.take());
        if self.closing || self.dead.is_some() {
            if let Some(code) = self.dead {
                failed(code);
            }
            self.closed = true;
            self.accept::<F>(inbox.close());
        }
    }

    /// Appends a chain, newest first, to the backlog, oldest first.
    fn accept<F: Flaws>(&mut self, newest_first: Chain<Loan>) {
        for loan in newest_first.reversed() {
            let batch = loan.pointer();
            match with_progress(batch, |progress| (progress.work, progress.deadline)) {
                (Work::Close, _) => {
                    self.closing = true;
                    self.announce::<F>(batch);
                }
                (Work::Cancel(Target(target)), _) => {
                    self.stop::<F>(target, Cause::Cancelled);
                    self.announce::<F>(batch);
                }
                (_, deadline) => {
                    if let Some(deadline) = deadline {
                        self.timed.insert(timed_key(deadline, batch), batch);
                    }
                    self.backlog.push_back(loan);
                }
            }
        }
    }

    /// Ends a batch early, if it has not ended: at once where the kernel doesn't have it.
    #[cold]
    fn stop<F: Flaws>(&mut self, batch: NonNull<Batch>, cause: Cause) {
        // SAFETY: who asks keeps it in place: a request to cancel by its share (O3), a deadline
        // since it was not released (D4).
        if !F::STOP_BLINDLY && unsafe { batch.as_ref() }.done.is_set() {
            return;
        }
        let begun = with_progress(batch, |progress| {
            progress.stopped.get_or_insert(cause);
            progress.begun > 0
        });
        if !begun {
            for loan in core::mem::take(&mut self.backlog) {
                if loan.pointer() != batch {
                    self.backlog.push_back(loan);
                }
            }
            with_progress(batch, |progress| progress.begun = 1);
            self.end_operation::<F>(batch, Some(Failure { index: 0, done: 0, cause }));
            return;
        }
        let is_its = |flight: &Option<Flight>| flight.as_ref().is_some_and(|f| f.batch == batch);
        let key = self.flights.iter().position(is_its).expect("D1, D4") as u32;
        // What comes back to be submitted again ends there.
        if !self.again.contains(&key) {
            self.backend.cancel(key);
        }
    }

    /// Ends what is out of time.
    #[cold]
    fn expire<F: Flaws>(&mut self) {
        let now = to_nanos(Instant::now());
        while let Some(first) = self.timed.first_entry()
            && first.key().0 <= now
        {
            let batch = first.remove();
            self.stop::<F>(batch, Cause::TimedOut);
        }
    }

    /// When the next deadline is.
    fn next_deadline(&self) -> Option<Instant> {
        self.timed.first_key_value().and_then(|((nanos, _), _)| from_nanos(*nanos))
    }

    /// Why an operation that the kernel gave back shall not go there again.
    fn stopped(&self, key: u32) -> Option<Cause> {
        let flight = self.flights[key as usize].as_ref().expect("D1");
        with_progress(flight.batch, |progress| progress.stopped)
    }

    /// Gives the kernel as much as it may have (I5).
    fn fill<F: Flaws>(&mut self) {
        while let Some(key) = self.again.pop() {
            match self.stopped(key) {
                None => self.launch::<F>(key),
                cause => self.end::<F>(key, cause),
            }
        }
        while let Some(&key) = self.free.last()
            && let Some((batch, index, op)) = self.begin_one::<F>()
        {
            self.free.pop();
            // SAFETY: the vectors are the operation's, which is the driver's (I2).
            let transfer = unsafe { Transfer::new(op) };
            self.flights[key as usize] = Some(Flight { batch, index, transfer });
            self.launch::<F>(key);
        }
    }

    /// The next operation that was not begun.
    fn begin_one<F: Flaws>(&mut self) -> Option<(NonNull<Batch>, usize, RawOp)> {
        let loan = self.current.take().or_else(|| self.backlog.pop_front())?;
        let batch = loan.pointer();
        let (index, op, last) = with_progress(batch, |progress| {
            let index = progress.begun;
            progress.begun += 1;
            // SAFETY: the index was below the count, or the batch were not here (D2); it is the
            // driver's (I2).
            let op = unsafe { progress.work.operation(index) };
            (index, op, progress.begun == progress.work.count())
        });
        if index == 0 {
            let (count, since) =
                with_progress(batch, |progress| (progress.work.count(), progress.submitted));
            self.counts.batch(count);
            if let (Some(since), Some(times)) = (since, &self.counts.times) {
                times.begun(since);
            }
        }
        if !last && !F::LOSE_THE_REST {
            self.current = Some(loan);
        }
        Some((batch, index, op))
    }

    /// Gives the kernel what is left of a flight, or ends it.
    fn launch<F: Flaws>(&mut self, key: u32) {
        if let Some(code) = self.dead {
            return self.end::<F>(key, Some(Cause::RingFailed(code)));
        }
        let flight = self.flights[key as usize].as_ref().expect("D1");
        match flight.transfer.without_kernel() {
            Some(Verdict::Failed(cause)) => self.end::<F>(key, Some(cause)),
            Some(_) => self.end::<F>(key, None),
            None => {
                self.in_flight += 1;
                // SAFETY: the batch's owner waits until this operation has ended (I2), and so
                // keeps file and memory; `key` came from `free`, so fewer than `capacity` are in
                // flight.
                unsafe { self.backend.push(&flight.transfer.op, key) };
            }
        }
    }

    /// How long to sleep for a completion or a wake; sets the sleep mark where it needs to be.
    fn decide_to_wait<F: Flaws>(&mut self, inbox: &Inbox<F>, patient: bool) -> Wait {
        if self.in_flight == 0 && (self.closed || !patient) {
            return Wait::No;
        }
        if !self.closed {
            self.armed = inbox.arm();
            if !self.armed {
                return Wait::No;
            }
        }
        self.next_deadline().map_or(Wait::Forever, Wait::Until)
    }

    /// Waits a moment for operations that a dead backend still has.
    fn pause(&self) {
        if self.in_flight > 0 {
            super::serve::sleep_a_moment();
        }
    }

    /// Settles what was reaped.
    fn settle<F: Flaws>(&mut self) {
        let mut completions = core::mem::take(&mut self.completions);
        let mut refused = false;
        self.in_flight -= completions.len() as u32;
        // Before anybody is told of an end: they may look at the count.
        self.counts.in_flight.set(u64::from(self.in_flight));
        for Completion { key, outcome } in completions.drain(..) {
            let flight = self.flights[key as usize].as_mut().expect("D1");
            match flight.transfer.advance(outcome) {
                Verdict::Done => self.end::<F>(key, None),
                Verdict::Failed(cause) => self.end::<F>(key, Some(cause)),
                Verdict::Again => {
                    // One that was stopped ends on its way back to the kernel.
                    refused |= flight.transfer.tries > 1;
                    self.again.push(key);
                    self.counts.resubmitted.add(1);
                }
            }
        }
        self.completions = completions;
        if refused {
            yield_now();
        }
    }

    /// Ends one operation, and with the last its batch.
    fn end<F: Flaws>(&mut self, key: u32, failed: Option<Cause>) {
        let Flight { batch, index, transfer } = self.flights[key as usize].take().expect("D1");
        self.free.push(key);
        let done = transfer.done;
        self.end_operation::<F>(batch, failed.map(|cause| Failure { index, done, cause }));
    }

    fn end_operation<F: Flaws>(&mut self, batch: NonNull<Batch>, failure: Option<Failure>) {
        let left = with_progress(batch, |progress| {
            if let Some(failure) = failure {
                self.counts.failed.add(1);
                self.counts.stopped.add(u64::from(progress.stopped.is_some()));
                progress.failures.push(failure);
            }
            progress.left -= 1;
            if progress.left == 0 {
                if let Some(deadline) = progress.deadline {
                    self.timed.remove(&timed_key(deadline, batch));
                }
                if let (Some(since), Some(times)) = (progress.submitted, &self.counts.times) {
                    times.ended(since);
                }
            }
            progress.left
        });
        if left == 0 {
            self.announce::<F>(batch);
        }
    }

    /// Gives a batch back to its owner. The last touch (I2).
    fn announce<F: Flaws>(&mut self, batch: NonNull<Batch>) {
        if self.own == Some(batch) {
            self.own = None;
            return;
        }
        // SAFETY: the owner waits for this event, or the driver has a share, so the batch is there.
        let release = unsafe { batch.as_ref() }.release;
        if F::RELEASE_EARLY
            && let Some(release) = release
        {
            // SAFETY: none; that is the flaw.
            unsafe { release(batch) };
        }
        // SAFETY: as above; `set` doesn't touch it after the exchange that lets the owner go.
        unsafe { batch.as_ref() }.done.set();
        if let Some(release) = release {
            if !F::RELEASE_EARLY && !F::NEVER_RELEASE {
                // SAFETY: the driver's share, once, its last touch (O2).
                unsafe { release(batch) };
            }
            return;
        }
        if F::TOUCH_AFTER_DONE {
            with_progress(batch, |progress| progress.left);
        }
    }
}

/// By deadline, then by address, since deadlines may be equal.
fn timed_key(deadline: Instant, batch: NonNull<Batch>) -> (u64, usize) {
    (to_nanos(deadline), batch.as_ptr().addr())
}

/// Access to the notes on a batch that is the driver's.
fn with_progress<R>(batch: NonNull<Batch>, f: impl FnOnce(&mut Progress) -> R) -> R {
    // SAFETY: batches in the driver's hands stay until they are announced (I2).
    let batch = unsafe { batch.as_ref() };
    // SAFETY: between push and `done` the notes are the driver's (I2).
    batch.progress.with_mut(|progress| f(unsafe { &mut *progress }))
}
