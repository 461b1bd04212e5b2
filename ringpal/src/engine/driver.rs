//! The driver's state: what is owed, what is in flight, and one turn of moving it on.
//!
//! A turn takes what is new, fills the kernel's queue up to the capacity, submits, waits for one
//! completion where there is nothing better to do, and reaps all that are there.
//!
//! - D1: `flights[key]` is in use exactly while `key` is in the kernel or in `again`.
//! - D2: a batch is in the backlog until its last operation is begun; it is taken out before that
//!   operation can end.
//! - D3: while something is owed beyond the capacity there is no need for a sleep mark: a
//!   completion is certain, and it is the only useful event.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;

use latchwork_sync::thread::yield_now;

use super::batch::{Batch, Failure, Progress, Work};
use super::flaws::Flaws;
use super::inbox::Inbox;
use crate::backend::{Backend, Completion};
use crate::error::Cause;
use crate::transfer::{Transfer, Verdict};

/// One operation in the kernel, or on its way back to it.
struct Flight {
    batch: *mut Batch,
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
    /// First and last batch with operations not begun.
    backlog: (*mut Batch, *mut Batch),
    completions: Vec<Completion>,
    /// The batch of a leader, which gets no event.
    own: *mut Batch,
    armed: bool,
    closing: bool,
    closed: bool,
    dead: Option<i32>,
}

// SAFETY: the pointers are to batches whose owners wait; the state moves with the role (I6).
unsafe impl Send for Driver {}

impl Driver {
    pub(super) fn new(backend: Box<dyn Backend>) -> Self {
        let capacity = backend.capacity();
        Self {
            backend,
            flights: (0..capacity).map(|_| None).collect(),
            free: (0..capacity).rev().collect(),
            in_flight: 0,
            again: Vec::with_capacity(capacity as usize),
            backlog: (ptr::null_mut(), ptr::null_mut()),
            completions: Vec::with_capacity(capacity as usize),
            own: ptr::null_mut(),
            armed: false,
            closing: false,
            closed: false,
            dead: None,
        }
    }

    /// Prepares the backend, on the ring's own thread.
    pub(super) fn start(&mut self) -> Result<(), i32> {
        self.backend.start()
    }

    /// Whether nothing is in flight or owed.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.again.is_empty() && self.backlog.0.is_null()
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
    ///
    /// # Safety
    ///
    /// The batch stays until [`Self::own_is_done`].
    pub(super) unsafe fn adopt<F: Flaws>(&mut self, batch: *mut Batch) {
        self.own = batch;
        self.armed = false;
        if !F::LEADER_KEEPS_LINK {
            // A push that lost its exchange has linked it to a batch that is long gone.
            swap_link(batch, ptr::null_mut());
        }
        self.append(batch);
    }

    /// Whether the adopted batch has ended.
    pub(super) fn own_is_done(&self) -> bool {
        self.own.is_null()
    }

    /// One turn. `patient`: with nothing in flight, wait for a wake. `failed` is told the code of
    /// a dead backend before the inbox is closed for it.
    pub(super) fn turn<F: Flaws>(&mut self, inbox: &Inbox<F>, patient: bool, failed: &dyn Fn(i32)) {
        self.look(inbox, failed);
        self.fill::<F>();
        if self.dead.is_some() {
            self.pause();
        } else {
            let wait = self.decide_to_wait(inbox, patient);
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
        if self.backlog.0.is_null() {
            self.armed = false;
            self.accept::<F>(inbox.take());
        }
        if self.closing || self.dead.is_some() {
            if let Some(code) = self.dead {
                failed(code);
            }
            self.armed = false;
            self.closed = true;
            self.accept::<F>(inbox.close());
        }
    }

    /// Appends a chain, newest first, to the backlog, oldest first.
    fn accept<F: Flaws>(&mut self, mut newest: *mut Batch) {
        let mut oldest = ptr::null_mut();
        while !newest.is_null() {
            let next = swap_link(newest, oldest);
            oldest = newest;
            newest = next;
        }
        while !oldest.is_null() {
            let next = swap_link(oldest, ptr::null_mut());
            if with_progress(oldest, |progress| matches!(progress.work, Work::Close)) {
                self.closing = true;
                self.announce::<F>(oldest);
            } else {
                self.append(oldest);
            }
            oldest = next;
        }
    }

    fn append(&mut self, batch: *mut Batch) {
        if self.backlog.0.is_null() {
            self.backlog = (batch, batch);
        } else {
            swap_link(self.backlog.1, batch);
            self.backlog.1 = batch;
        }
    }

    /// Gives the kernel as much as it may have (I5).
    fn fill<F: Flaws>(&mut self) {
        while let Some(key) = self.again.pop() {
            self.launch::<F>(key);
        }
        while !self.backlog.0.is_null()
            && let Some(key) = self.free.pop()
        {
            let batch = self.backlog.0;
            let (index, op, last) = with_progress(batch, |progress| {
                let index = progress.begun;
                progress.begun += 1;
                // SAFETY: the index was below the count, or the batch were out of the backlog
                // (D2); it is the driver's (I2).
                let op = unsafe { progress.work.operation(index) };
                (index, op, progress.begun == progress.work.count())
            });
            if last {
                self.backlog.0 = swap_link(batch, ptr::null_mut());
            }
            self.flights[key as usize] = Some(Flight { batch, index, transfer: Transfer::new(op) });
            self.launch::<F>(key);
        }
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

    /// Whether to sleep for a completion or a wake; sets the sleep mark where it needs to be.
    fn decide_to_wait<F: Flaws>(&mut self, inbox: &Inbox<F>, patient: bool) -> bool {
        if self.closed || !self.backlog.0.is_null() {
            // D3, and nobody can push after CLOSED.
            return self.in_flight > 0;
        }
        if !(self.in_flight > 0 || patient) {
            return false;
        }
        self.armed = inbox.arm();
        self.armed
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
        for Completion { key, outcome } in completions.drain(..) {
            self.in_flight -= 1;
            let flight = self.flights[key as usize].as_mut().expect("D1");
            match flight.transfer.advance(outcome) {
                Verdict::Done => self.end::<F>(key, None),
                Verdict::Failed(cause) => self.end::<F>(key, Some(cause)),
                Verdict::Again => {
                    refused |= flight.transfer.tries > 1;
                    self.again.push(key);
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
        let done = transfer.done;
        self.free.push(key);
        let left = with_progress(batch, |progress| {
            if let Some(cause) = failed {
                progress.failures.push(Failure { index, done, cause });
            }
            progress.left -= 1;
            progress.left
        });
        if left == 0 {
            self.announce::<F>(batch);
        }
    }

    /// Gives a batch back to its owner. The last touch (I2).
    fn announce<F: Flaws>(&mut self, batch: *mut Batch) {
        if batch == self.own {
            self.own = ptr::null_mut();
            return;
        }
        // SAFETY: the owner waits for this event, so the batch is there; `set` doesn't touch it
        // after the exchange that lets the owner go.
        unsafe { &*batch }.done.set();
        if F::TOUCH_AFTER_DONE {
            with_progress(batch, |progress| progress.left);
        }
    }
}

/// Replaces the link of a batch that is the driver's.
fn swap_link(batch: *mut Batch, link: *mut Batch) -> *mut Batch {
    // SAFETY: batches in the driver's hands stay until they are announced (I2).
    let batch = unsafe { &*batch };
    // SAFETY: after the push the link is the driver's (I2).
    batch.next.with_mut(|next| unsafe { ptr::replace(next, link) })
}

/// Access to the notes on a batch that is the driver's.
fn with_progress<R>(batch: *mut Batch, f: impl FnOnce(&mut Progress) -> R) -> R {
    // SAFETY: batches in the driver's hands stay until they are announced (I2).
    let batch = unsafe { &*batch };
    // SAFETY: between push and `done` the notes are the driver's (I2).
    batch.progress.with_mut(|progress| f(unsafe { &mut *progress }))
}
