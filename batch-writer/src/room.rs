//! Backpressure: how much may be queued.
//!
//! ```text
//!  63        40 39                    1    0
//! +------------+-----------------------+---------+
//! | operations | bytes                 | WAITING |
//! +------------+-----------------------+---------+
//! ```
//!
//! - R1: `WAITING` is set and cleared under the lock of the list of waiters, and set exactly while
//!   that list holds somebody.
//! - R2: who finds no room sets `WAITING` by the exchange that saw none. So room given back later
//!   sees the bit in its own exchange, and then takes the lock, and finds the waiter.
//!
//! Relaxed throughout: the word orders no other memory, and the list has its lock. A giver that
//! reads the bit takes the lock after the waiter that set it: had it come first, its exchange,
//! which is before its lock, would have come before the waiter's too.

use core::panic::AssertUnwindSafe;
use core::task::{Context, Poll};
use std::panic::catch_unwind;
use std::sync::PoisonError;

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::{Arc, Mutex, MutexGuard};
use latchwork_sync::time::Instant;

use crate::flaws::Flaws;

/// Somebody waits for room.
const WAITING: u64 = 1;
const BYTE: u64 = 2;
const OPERATION: u64 = 1 << 40;
/// Bytes of one operation count up to here, so that the fields can't run over.
const MOST_BYTES: u64 = (1 << 39) - 1;
const BYTES: u64 = OPERATION - BYTE;

/// The most operations that a bound can name.
pub(crate) const MOST_OPERATIONS: usize = (1 << 23) - 1;

/// The room of a queue.
#[derive(Debug)]
pub(crate) struct Room {
    used: AtomicU64,
    operations: u64,
    bytes: u64,
    waiters: Mutex<Vec<Arc<Event>>>,
}

/// What one or more operations take up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    operations: u64,
    bytes: u64,
}

impl Share {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.operations += 1;
        self.bytes += counted(bytes);
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.operations == 0
    }
}

fn counted(bytes: usize) -> u64 {
    // An operation larger than the field can tell counts as the largest that it can, spread so
    // that all the operations of a full queue still fit.
    u64::try_from(bytes).unwrap_or(u64::MAX).min(MOST_BYTES >> 8)
}

/// How to wait for room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    None,
    Until(Instant),
    Unlimited,
}

/// There was no room in time.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// A place among those that wait for room. Left at its drop.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    room: &'a Room,
    event: Arc<Event>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.event.is_set() {
            let mut waiters = self.room.lock();
            waiters.retain(|other| !Arc::ptr_eq(other, &self.event));
            self.room.settle(&waiters);
        }
    }
}

impl Room {
    pub(crate) fn new(operations: usize, bytes: usize) -> Self {
        Self {
            used: AtomicU64::new(0),
            operations: operations.clamp(1, MOST_OPERATIONS) as u64,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX).clamp(1, MOST_BYTES >> 1),
            waiters: Mutex::new(Vec::new()),
        }
    }

    fn admits(&self, used: u64, bytes: u64) -> bool {
        let operations = used / OPERATION;
        // An operation larger than the whole bound goes through alone.
        operations == 0
            || operations < self.operations && (used & BYTES) / BYTE + bytes <= self.bytes
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Event>>> {
        // The list is whole between any two of its operations.
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room if there is some; else the word as it was seen.
    #[inline]
    fn try_take(&self, bytes: u64) -> Result<(), u64> {
        let mut used = self.used.load(Ordering::Relaxed);
        while self.admits(used, bytes) {
            let next = used + OPERATION + bytes * BYTE;
            match self.used.compare_exchange_weak(used, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(now) => used = now,
            }
        }
        Err(used)
    }

    /// Takes room for one operation.
    #[inline]
    pub(crate) fn take(&self, bytes: usize, patience: Patience) -> Result<(), NoRoom> {
        if self.try_take(counted(bytes)).is_ok() {
            return Ok(());
        }
        self.wait(bytes, patience)
    }

    #[cold]
    fn wait(&self, bytes: usize, patience: Patience) -> Result<(), NoRoom> {
        loop {
            let place = match patience {
                Patience::None => return Err(NoRoom),
                Patience::Until(_) | Patience::Unlimited => self.queue(bytes),
            };
            let Some(place) = place else { return Ok(()) };
            match patience {
                Patience::Until(deadline) if !place.event.wait_until(deadline) => {
                    return Err(NoRoom);
                }
                Patience::Until(_) | Patience::None => {}
                Patience::Unlimited => place.event.wait(),
            }
        }
    }

    /// Takes room for one operation, or has the task woken when there may be some. The place
    /// holds what it takes between polls.
    pub(crate) fn poll_take<'a>(
        &'a self,
        bytes: usize,
        place: &mut Option<Place<'a>>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            if place.is_none() {
                if self.try_take(counted(bytes)).is_ok() {
                    return Poll::Ready(());
                }
                *place = self.queue(bytes);
            }
            let Some(waiting) = place else { return Poll::Ready(()) };
            if waiting.event.poll_wait(context).is_pending() {
                return Poll::Pending;
            }
            *place = None;
        }
    }

    /// Takes room, or a place among the waiters.
    fn queue(&self, bytes: usize) -> Option<Place<'_>> {
        let mut waiters = self.lock();
        loop {
            let used = match self.try_take(counted(bytes)) {
                Ok(()) => return None,
                Err(used) => used,
            };
            let waiting = used | WAITING;
            // The exchange fails if room was given back since the look (R2).
            if self
                .used
                .compare_exchange(used, waiting, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                break;
            }
        }
        let event = Arc::new(Event::new());
        waiters.push(Arc::clone(&event));
        drop(waiters);
        Some(Place { room: self, event })
    }

    /// Clears the bit when nobody waits (R1). The caller has the lock.
    fn settle(&self, waiters: &[Arc<Event>]) {
        if waiters.is_empty() {
            self.used.fetch_and(!WAITING, Ordering::Relaxed);
        }
    }

    /// Gives the room of one operation back.
    pub(crate) fn give_one<F: Flaws>(&self, bytes: usize) {
        let mut share = Share::default();
        share.add(bytes);
        self.give::<F>(share);
    }

    /// Gives room back.
    #[inline]
    pub(crate) fn give<F: Flaws>(&self, share: Share) {
        if share.is_nothing() {
            return;
        }
        let less = share.operations * OPERATION + share.bytes * BYTE;
        let used = self.used.fetch_sub(less, Ordering::Relaxed);
        if used & WAITING != 0 && !F::ROOM_FORGOTTEN {
            self.wake();
        }
    }

    /// Wakes everybody who waits; who still finds no room queues again.
    #[cold]
    fn wake(&self) {
        let mut waiters = self.lock();
        let woken = core::mem::take(&mut *waiters);
        self.settle(&waiters);
        drop(waiters);
        for event in woken {
            // A waker's panic has been reported by the panic hook; it is nobody else's matter.
            let _ = catch_unwind(AssertUnwindSafe(move || event.set()));
        }
    }

    /// Operations queued now.
    pub(crate) fn operations(&self) -> u64 {
        self.used.load(Ordering::Relaxed) / OPERATION
    }

    /// Bytes queued now.
    pub(crate) fn bytes(&self) -> u64 {
        (self.used.load(Ordering::Relaxed) & BYTES) / BYTE
    }
}
