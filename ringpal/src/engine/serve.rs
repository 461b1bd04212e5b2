//! The two drivers, a submitter and the ring's thread, and how the role moves between them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::wait::{Class, wait};

use super::batch::{Batch, Failure, Loan, Work};
use super::driver::Driver;
use super::flaws::{Flaws, Sound};
use super::inbox::{Found, Inbox};
use crate::backend::{Backend, Wake};
use crate::metrics::Counts;

/// Who may drive a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Drive {
    /// An idle ring is driven by the submitter itself, a busy one by the ring's thread: no
    /// context switch for a lone submitter. Batches that wait for a device, those of direct
    /// files, are driven by the thread in any case: a submitter that sleeps in the ring is woken
    /// later than one that the thread wakes.
    #[default]
    Submitter,
    /// The ring's thread alone: one hand-over a batch, and the kernel's cheapest mode for a ring
    /// with one issuer.
    Thread,
}

/// The ring takes no batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was closed.
    Closed,
    /// Its backend failed with this code.
    Failed(i32),
}

/// What submitters and the ring's thread share.
pub struct Core<F: Flaws = Sound> {
    inbox: Inbox<F>,
    /// Whoever drives has it (I6).
    driver: UnsafeCell<Driver>,
    /// Gives the role to the ring's thread.
    role: Event,
    waker: Arc<dyn Wake>,
    counts: Arc<Counts>,
    drive: Drive,
    /// Whether to note how long batches take.
    timed: bool,
    /// The code of a dead backend, or 0.
    failure: AtomicU32,
}

// SAFETY: the driver's state is reached by one thread at a time (I6).
unsafe impl<F: Flaws> Sync for Core<F> {}
// SAFETY: all parts are Send.
unsafe impl<F: Flaws> Send for Core<F> {}

/// Ends the process where unwinding would leave operations in flight on memory that goes away.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

impl<F: Flaws> Core<F> {
    /// A core whose role is held by the thread that will call [`Self::serve`].
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub fn new(backend: Box<dyn Backend>, drive: Drive) -> Self {
        Self::with(backend, drive, false)
    }

    /// The same, noting how long batches take where that is wanted.
    pub(crate) fn with(backend: Box<dyn Backend>, drive: Drive, timed: bool) -> Self {
        let waker = backend.waker();
        let counts = Arc::new(Counts::new(timed));
        Self {
            inbox: Inbox::new(),
            driver: UnsafeCell::new(Driver::new(backend, Arc::clone(&counts))),
            role: Event::new(),
            waker,
            counts,
            drive,
            timed,
            failure: AtomicU32::new(0),
        }
    }

    /// Now, where somebody wants to know.
    #[inline]
    pub(crate) fn clock(&self) -> Option<Instant> {
        self.timed.then(Instant::now)
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether the ring takes no more batches; may be old news.
    pub fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Does the work and comes back when its last operation has ended, with what failed. With
    /// `lead` the caller may drive an idle ring itself, where the ring allows it.
    ///
    /// # Errors
    ///
    /// When nothing of it was begun, since the ring is closed.
    ///
    /// # Safety
    ///
    /// The pages behind `work` stay for the call, those of reads are exclusive; the file stays
    /// open.
    pub unsafe fn run(&self, work: Work, lead: bool) -> Result<Vec<Failure>, Refused> {
        if work.count() == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: the caller's promise; this call waits below.
        let mut batch = unsafe { Batch::new(work) };
        if self.timed {
            batch.progress.get_mut().submitted = self.clock();
        }
        self.submit(&batch, lead && self.drive == Drive::Submitter)?;
        // SAFETY: the batch is done, so its notes are the submitter's again (I2).
        let mut failures = batch
            .progress
            .with_mut(|progress| unsafe { core::mem::take(&mut (*progress).failures) });
        failures.sort_unstable_by_key(|failure| failure.index);
        Ok(failures)
    }

    /// Asks for the end, and comes back when it has begun; the thread's exit tells its completion.
    pub fn close(&self) {
        // SAFETY: no pages, and the call waits.
        let batch = unsafe { Batch::new(Work::Close) };
        // Refused: somebody else has closed it.
        let _ = self.submit(&batch, false);
    }

    #[inline]
    fn submit(&self, batch: &Batch, lead: bool) -> Result<(), Refused> {
        // SAFETY: once, and this call waits for the batch's event, or leads until it is done.
        let loan = unsafe { Loan::of(batch) };
        match self.inbox.submit(loan, lead) {
            Found::NobodyClaimed(loan) => {
                self.lead(loan);
                return Ok(());
            }
            Found::Closed => return Err(self.refusal()),
            found => self.tell(&found),
        }
        batch.done.wait();
        Ok(())
    }

    /// Publishes a batch that nobody waits for here.
    pub(super) fn push(&self, loan: Loan) -> Result<(), Refused> {
        match self.inbox.submit(loan, false) {
            Found::Closed => Err(self.refusal()),
            found => {
                self.tell(&found);
                Ok(())
            }
        }
    }

    /// Does what a push found to be its submitter's duty.
    #[inline]
    fn tell(&self, found: &Found) {
        match found {
            Found::Asleep => {
                self.counts.wakes.add_shared(1);
                self.waker.wake();
            }
            Found::NobodyPushed => self.hand_over(),
            Found::Awake | Found::NobodyClaimed(_) | Found::Closed => {}
        }
    }

    #[cold]
    fn refusal(&self) -> Refused {
        // Relaxed: stored before the exchange that this thread has seen the result of.
        match self.failure.load(Ordering::Relaxed) {
            0 => Refused::Closed,
            code => Refused::Failed(code.cast_signed()),
        }
    }

    fn note_failure(&self, code: i32) {
        // Relaxed: published by the exchange that closes the inbox.
        self.failure.store(code.cast_unsigned(), Ordering::Relaxed);
    }

    /// Drives until the own batch is done, then leaves the role or hands it over.
    fn lead(&self, own: Loan) {
        let abort = AbortOnUnwind;
        let (may_leave, armed) = self.driver.with_mut(|driver| {
            // SAFETY: the role is this thread's (I6).
            let driver = unsafe { &mut *driver };
            driver.adopt(own);
            self.counts.led.add(1);
            while !driver.own_is_done() {
                driver.turn(&self.inbox, false, &|code| self.note_failure(code));
            }
            (driver.may_leave(), driver.armed())
        });
        core::mem::forget(abort);
        let left = may_leave && self.inbox.leave(armed);
        if !left && !F::LEAVE_WITHOUT_HANDOVER {
            self.hand_over();
        }
    }

    /// Gives the role to the ring's thread.
    fn hand_over(&self) {
        self.counts.hand_overs.add_shared(1);
        // Pairs with the thread's wait in `serve`: the driver's state.
        self.role.set();
    }

    /// Prepares the backend; to be called by the ring's thread before [`Self::serve`].
    ///
    /// # Errors
    ///
    /// The system's code. The core is then of no use.
    ///
    /// # Safety
    ///
    /// Called once, by the thread that alone will call `serve`, before it does.
    pub unsafe fn start(&self) -> Result<(), i32> {
        // SAFETY: the role is the thread's from the beginning (I6).
        self.driver.with_mut(|driver| unsafe { (*driver).start() })
    }

    /// The ring's thread: drives whenever it has the role, until all is closed and done.
    ///
    /// # Safety
    ///
    /// Called once, by one thread.
    pub unsafe fn serve(&self) {
        let abort = AbortOnUnwind;
        let patient = self.drive == Drive::Thread;
        loop {
            let (finished, armed) = self.driver.with_mut(|driver| {
                // SAFETY: the role is this thread's: from the beginning, or by `role` (I6).
                let driver = unsafe { &mut *driver };
                loop {
                    driver.turn(&self.inbox, patient, &|code| self.note_failure(code));
                    if driver.is_finished() || (!patient && driver.may_leave()) {
                        break (driver.is_finished(), driver.armed());
                    }
                }
            });
            if finished {
                break;
            }
            if self.inbox.leave(armed) {
                self.role.wait();
                // Nobody sets it again before this thread has left the role once more.
                self.role.reset();
            }
        }
        core::mem::forget(abort);
    }
}

impl<F: Flaws> fmt::Debug for Core<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("drive", &self.drive).finish_non_exhaustive()
    }
}

/// Sleeps about a millisecond.
#[cold]
pub(super) fn sleep_a_moment() {
    let nothing = AtomicU32::new(0);
    let deadline = Instant::now() + Duration::from_millis(1);
    wait(&nothing, 0, Class::ANY, Some(deadline));
}
