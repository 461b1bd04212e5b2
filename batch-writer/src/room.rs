//! Backpressure: how much may be queued.
//!
//! ```text
//!  63        40 39                    1    0
//! +------------+-----------------------+---------+
//! | operations | bytes                 | WAITING |
//! +------------+-----------------------+---------+
//! ```
//!
//! - R1: who wants room and finds none sets `WAITING` by the exchange that saw none; who gives
//!   room back sees the bit in its own exchange, clears it, moves `turn` and wakes.
//! - R2: a waiter reads `turn` before it looks for room, and sleeps only while `turn` is the same.
//!   So room given back after the look ends the sleep.
//!
//! Nothing here orders other memory; a waiter that was woken looks again.

use latchwork_sync::atomic::{AtomicU32, AtomicU64, Ordering};
use latchwork_sync::time::Instant;
use latchwork_sync::wait::{Address, Class, Waited, wait, wake_all};

use crate::twin::{Bug, has};

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
    turn: AtomicU32,
    operations: u64,
    bytes: u64,
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
pub(crate) struct NoRoom;

impl Room {
    pub(crate) fn new(operations: usize, bytes: usize) -> Self {
        Self {
            used: AtomicU64::new(0),
            turn: AtomicU32::new(0),
            operations: operations.clamp(1, MOST_OPERATIONS) as u64,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX).clamp(1, MOST_BYTES >> 1),
        }
    }

    fn admits(&self, used: u64, bytes: u64) -> bool {
        let operations = used / OPERATION;
        // An operation larger than the whole bound goes through alone.
        operations == 0
            || operations < self.operations && (used & BYTES) / BYTE + bytes <= self.bytes
    }

    /// Takes room for one operation.
    pub(crate) fn take(&self, bytes: usize, patience: Patience) -> Result<(), NoRoom> {
        let bytes = counted(bytes);
        loop {
            // Acquire: pairs with the bump in `give`: whoever reads the new turn also sees the bit
            // cleared, and sets it again rather than rely on it.
            let turn = self.turn.load(Ordering::Acquire);
            let mut used = self.used.load(Ordering::Relaxed);
            while self.admits(used, bytes) {
                let next = used + OPERATION + bytes * BYTE;
                match self.used.compare_exchange_weak(
                    used,
                    next,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Ok(()),
                    Err(now) => used = now,
                }
            }
            let deadline = match patience {
                Patience::None => return Err(NoRoom),
                Patience::Until(deadline) => Some(deadline),
                Patience::Unlimited => None,
            };
            // Release: gives our reading of `turn` to the giver whose exchange sees the bit, so
            // that its bump comes after it and the sleep sees it (R2).
            if used & WAITING == 0
                && self
                    .used
                    .compare_exchange(used, used | WAITING, Ordering::Release, Ordering::Relaxed)
                    .is_err()
            {
                continue;
            }
            if wait(&self.turn, turn, Class::ANY, deadline) == Waited::TimedOut {
                return Err(NoRoom);
            }
        }
    }

    /// Gives the room of one operation back.
    pub(crate) fn give_one(&self, bytes: usize) {
        let mut share = Share::default();
        share.add(bytes);
        self.give(share);
    }

    /// Gives room back.
    pub(crate) fn give(&self, share: Share) {
        if share.is_nothing() {
            return;
        }
        let less = share.operations * OPERATION + share.bytes * BYTE;
        // Acquire: pairs with the Release of the waiter that set the bit (R1).
        let mut used = self.used.fetch_sub(less, Ordering::Acquire) - less;
        if has(Bug::RoomForgotten) {
            return;
        }
        while used & WAITING != 0 {
            match self.used.compare_exchange_weak(
                used,
                used & !WAITING,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    // Release: pairs with the load in `take`.
                    self.turn.fetch_add(1, Ordering::Release);
                    wake_all(Address::of(&self.turn));
                    return;
                }
                Err(now) => used = now,
            }
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
