//! The inbox: one word that is the list of new batches and the driver's state.
//!
//! ```text
//!  EMPTY   a driver is at work, nothing queued
//!  SLEEP   the driver goes to sleep, or sleeps, nothing queued: who replaces it wakes
//!  CLOSED  no driver any more
//!  IDLE    nobody drives: who replaces it takes the role, or gives it to the thread
//!  else    the newest batch; `next` leads to the older ones
//! ```
//!
//! A word of its own instead of `latchwork_treiber::Mailbox`, since the marks must share the word
//! with the list's head: with the sleep mark in a second word, both sides would need a
//! sequentially consistent fence between their store and their look at the other word.

use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::atomic::{AtomicPtr, Ordering, fence};

use super::batch::Batch;
use super::flaws::Flaws;

const EMPTY: *mut Batch = ptr::null_mut();
const SLEEP: *mut Batch = ptr::without_provenance_mut(1);
const CLOSED: *mut Batch = ptr::without_provenance_mut(2);
const IDLE: *mut Batch = ptr::without_provenance_mut(3);

fn is_batch(word: *mut Batch) -> bool {
    word.addr() > IDLE.addr()
}

/// What a submission found, and so what its submitter has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A driver that will look: nothing.
    Awake,
    /// A driver asleep: wake it.
    Asleep,
    /// Nobody. The batch was pushed: give the role to the thread.
    NobodyPushed,
    /// Nobody. The batch was not pushed: the submitter has the role now.
    NobodyClaimed,
    /// Closed. The batch was not pushed.
    Closed,
}

pub(super) struct Inbox<F> {
    word: AtomicPtr<Batch>,
    flaws: PhantomData<F>,
}

impl<F: Flaws> Inbox<F> {
    /// An inbox whose driver is at work.
    pub(super) fn new() -> Self {
        Self { word: AtomicPtr::new(EMPTY), flaws: PhantomData }
    }

    /// Publishes the batch; or, with `lead` and nobody driving, takes the role.
    ///
    /// # Safety
    ///
    /// The batch is not in an inbox, and stays where it is until its `done` is set, unless the
    /// answer says that it was not pushed.
    #[inline]
    pub(super) unsafe fn submit(&self, batch: *mut Batch, lead: bool) -> Found {
        // Relaxed: the exchanges below order what matters.
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            if seen == IDLE {
                match self.submit_idle(batch, lead) {
                    Ok(found) => return found,
                    Err(now) => seen = now,
                }
                continue;
            }
            if seen == CLOSED {
                // Pairs with the exchange in `close`: the reason is readable.
                fence(Ordering::Acquire);
                return Found::Closed;
            }
            // SAFETY: the caller's: the batch is still the submitter's.
            unsafe { link(batch, if is_batch(seen) { seen } else { EMPTY }) };
            let expected =
                if F::HEAD_READ_TWICE { self.word.load(Ordering::Relaxed) } else { seen };
            // Release: pairs with the driver's Acquire in `take` and `close`: the batch's fields.
            // A failed exchange gives the value for the next round: the head is never read apart.
            match self.word.compare_exchange_weak(
                expected,
                batch,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(SLEEP) if !F::NEVER_WAKE => return Found::Asleep,
                Ok(_) => return Found::Awake,
                Err(now) => seen = now,
            }
        }
    }

    /// One attempt on a word that was `IDLE`.
    #[inline]
    fn submit_idle(&self, batch: *mut Batch, lead: bool) -> Result<Found, *mut Batch> {
        if lead {
            // Acquire: pairs with the Release in `leave`: the last driver's state is ours.
            self.word
                .compare_exchange(IDLE, EMPTY, Ordering::Acquire, Ordering::Relaxed)
                .map(|_| Found::NobodyClaimed)
        } else {
            // SAFETY: the batch is still the submitter's.
            unsafe { link(batch, EMPTY) };
            // Release: the batch's fields, as in `submit`. Acquire: pairs with `leave`; what the last
            // driver did goes on to the thread with the role's event.
            self.word
                .compare_exchange(IDLE, batch, Ordering::AcqRel, Ordering::Relaxed)
                .map(|_| Found::NobodyPushed)
        }
    }

    /// Driver: everything queued, newest first, or null. Clears the sleep mark.
    #[inline]
    pub(super) fn take(&self) -> *mut Batch {
        // Acquire: pairs with the Release of every push.
        let taken = self.word.swap(EMPTY, Ordering::Acquire);
        if is_batch(taken) { taken } else { ptr::null_mut() }
    }

    /// Driver, awake: announces its sleep, unless something is queued (I1).
    #[inline]
    pub(super) fn arm(&self) -> bool {
        if F::ARM_BY_STORE {
            self.word.store(SLEEP, Ordering::Relaxed);
            return true;
        }
        // Relaxed: publishes nothing, and what was pushed is read by the next `take`.
        self.word.compare_exchange(EMPTY, SLEEP, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Driver with nothing in flight or owed: gives the role up, unless something is queued (I7).
    /// `armed` says whether its sleep mark still stands where nothing was pushed.
    #[inline]
    pub(super) fn leave(&self, armed: bool) -> bool {
        if F::IDLE_BY_STORE {
            self.word.store(IDLE, Ordering::Release);
            return true;
        }
        let mark = if armed { SLEEP } else { EMPTY };
        // Release: pairs with the Acquire in `submit_idle`: the driver's state.
        self.word.compare_exchange(mark, IDLE, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Driver: ends all pushing; the batches that came before, newest first, or null (I4).
    pub(super) fn close(&self) -> *mut Batch {
        // Acquire: the batches' fields. Release: pairs with the fence of those that find `CLOSED`.
        let taken = self.word.swap(CLOSED, Ordering::AcqRel);
        if is_batch(taken) && !F::DROP_AT_CLOSE { taken } else { ptr::null_mut() }
    }

    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: an answer that may be old by the time it is used.
        self.word.load(Ordering::Relaxed) == CLOSED
    }
}

/// Links the batch before `next`.
///
/// # Safety
///
/// The batch is the caller's.
#[inline]
unsafe fn link(batch: *mut Batch, next: *mut Batch) {
    // SAFETY: the caller's.
    let batch = unsafe { &*batch };
    // SAFETY: the caller's: nobody else reads or writes the link.
    batch.next.with_mut(|link| unsafe { *link = next });
}
