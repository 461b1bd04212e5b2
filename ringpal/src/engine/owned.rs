//! Operations that outlive the call that began them: owned by a handle and the driver together.
//!
//! ```text
//!  handle ──Arc──▶ Op { batch, payload } ◀──Arc, as a loan── inbox, driver
//!                                        ◀──Arc── a request to cancel it
//! ```
//!
//! - O1: the payload, with the memory that the kernel works on, is in its final place before the
//!   batch is pushed, and nobody touches it before `done` but the kernel.
//! - O2: after `done` the payload and the notes are the handle's; the driver then only drops its
//!   share. So a handle may be dropped at any time: what it leaves is freed by the last share.
//! - O3: a request to cancel has a share of its target, so that the target is there when the
//!   driver looks; whether it has ended the driver knows from `done`, which it alone sets.

use core::ptr::NonNull;
use core::task::{Context, Poll};

use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::time::Instant;

use super::batch::{Batch, Failure, Loan, Target, Work};
use super::flaws::{Flaws, Sound};
use super::serve::{Core, Refused};
use crate::error::Cause;

/// The batch comes first, so that its address is the whole's.
#[repr(C)]
struct Op<P> {
    batch: Batch,
    payload: UnsafeCell<Option<P>>,
}

// SAFETY: the payload has one owner at a time (O1, O2), and goes from thread to thread.
unsafe impl<P: Send> Send for Op<P> {}
// SAFETY: as above.
unsafe impl<P: Send> Sync for Op<P> {}

/// Drops one share of the operation around this batch.
///
/// # Safety
///
/// The address came from `Arc::into_raw` of an `Arc<Op<P>>`, whose share is given up here.
unsafe fn release<P>(batch: NonNull<Batch>) {
    // SAFETY: by contract; the batch is at the beginning of its operation.
    drop(unsafe { Arc::from_raw(batch.as_ptr().cast_const().cast::<Op<P>>()) });
}

/// The result of an operation that has ended.
pub type Ended<P> = (Result<(), Failure>, P);

/// The handle of an operation that was begun. Dropped early, it leaves the operation alone.
#[must_use]
pub struct Started<P: Send + 'static, F: Flaws = Sound> {
    op: Arc<Op<P>>,
    core: Arc<Core<F>>,
}

impl<P: Send + 'static, F: Flaws> Started<P, F> {
    fn new(core: &Arc<Core<F>>, payload: P) -> Self {
        // SAFETY: no memory yet, `begin` says what it is.
        let mut batch = unsafe { Batch::new(Work::Close) };
        batch.release = Some(release::<P>);
        let op = Op { batch, payload: UnsafeCell::new(Some(payload)) };
        Self { op: Arc::new(op), core: Arc::clone(core) }
    }

    /// An operation that has ended already.
    pub fn ended(core: &Arc<Core<F>>, payload: P, failure: Option<Failure>) -> Self {
        let started = Self::new(core, payload);
        started.end(failure);
        started
    }

    /// Begins what `work` makes of the payload, which is in its final place then.
    ///
    /// A ring that takes nothing any more ends the operation at once, with the reason.
    ///
    /// # Panics
    ///
    /// When `work` does; nothing was begun then.
    ///
    /// # Safety
    ///
    /// The memory and the file of the work belong to the payload, or outlive it; it is one
    /// operation, the end of the ring, or a request to cancel what the payload keeps in place.
    pub unsafe fn begin(
        core: &Arc<Core<F>>,
        payload: P,
        deadline: Option<Instant>,
        work: impl FnOnce(&mut P) -> Work,
    ) -> Self {
        let started = Self::new(core, payload);
        let work = started.op.payload.with_mut(|payload| {
            // SAFETY: not published yet.
            let payload = unsafe { &mut *payload };
            work(payload.as_mut().expect("put there by `new`"))
        });
        started.op.batch.progress.with_mut(|progress| {
            // SAFETY: not published yet.
            let progress = unsafe { &mut *progress };
            progress.left = work.count();
            progress.work = work;
            progress.deadline = deadline;
            progress.submitted = core.clock();
        });
        let share = Arc::into_raw(Arc::clone(&started.op));
        // SAFETY: an address of something.
        let batch = unsafe { NonNull::new_unchecked(share.cast_mut().cast::<Batch>()) };
        // SAFETY: once; the share keeps the batch in place, and the handle stays away from it
        // until `done` (O2).
        let loan = unsafe { Loan::at(batch) };
        if let Err(refused) = core.push(loan) {
            let cause = match refused {
                Refused::Closed => Cause::Closed,
                Refused::Failed(reason) => Cause::RingFailed(reason),
            };
            started.end(Some(Failure { index: 0, done: 0, cause }));
            // SAFETY: the share from above, which nobody took.
            unsafe { release::<P>(batch) };
        }
        started
    }

    /// Ends an operation that was not pushed.
    fn end(&self, failure: Option<Failure>) {
        // SAFETY: not published.
        self.op.batch.progress.with_mut(|progress| unsafe { (*progress).failures.extend(failure) });
        self.op.batch.done.set();
    }

    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.op.batch.done.is_set()
    }

    /// The result, once it is there; until then the task is woken when it is.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended<P>> {
        if !F::TAKE_BLINDLY && self.op.batch.done.poll_wait(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.take())
    }

    /// Sleeps until the result is there.
    ///
    /// # Panics
    ///
    /// As [`Self::poll`].
    pub fn wait(mut self) -> Ended<P> {
        self.op.batch.done.wait();
        self.take()
    }

    /// Sleeps until it has ended or the time is up; tells whether it has ended.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        self.op.batch.done.wait_until(deadline)
    }

    fn take(&mut self) -> Ended<P> {
        let failure = self.op.batch.progress.with_mut(|progress| {
            // SAFETY: the operation has ended, so the notes are the handle's (O2).
            unsafe { (*progress).failures.pop() }
        });
        let payload = self.op.payload.with_mut(|payload| {
            // SAFETY: as above.
            unsafe { (*payload).take() }
        });
        (failure.map_or(Ok(()), Err), payload.expect("a result is taken once"))
    }

    /// Asks the driver to end it early. It ends all the same: cancelled, or as if nobody had asked.
    pub fn cancel(&self) {
        if self.is_done() {
            return;
        }
        let target = Target(NonNull::from(&self.op.batch));
        let share = (!F::CANCEL_KEEPS_NOTHING).then(|| Arc::clone(&self.op));
        // SAFETY: no memory; the payload keeps the target in place (O3).
        drop(unsafe { Started::begin(&self.core, share, None, |_| Work::Cancel(target)) });
    }
}

impl<P: Send + 'static, F: Flaws> core::fmt::Debug for Started<P, F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}
