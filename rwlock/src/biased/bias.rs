//! The bias: whether readers may hold the lock by a slot of their own.
//!
//! # Algorithm
//!
//! While the bias is on, a reader holds the lock by writing its name into a slot that its thread
//! owns, and looking at the bias again. A writer that holds the lock below turns the bias off and
//! waits until no slot has the lock's name. Between the reader's two steps stands the light fence,
//! between the writer's the heavy one: so either the writer sees the slot, or the reader sees that
//! the bias is off, and takes its name out.
//!
//! A writer that has given way to the readers for a while *watches* the slot that was in its way,
//! with the bias on: the reader that leaves it tells, and no other. Nobody counts the readers in
//! slots, so the writer then looks for the next, until it finds none.
//!
//! # Invariants
//!
//! - B1: the bias is turned on only by the holder of a share of the lock below, or by the writer
//!   that turned it off and gives up. So nobody turns it on under a writer that has turned it off.
//! - B2: a slot has the name of a lock only between an `enter` and its `leave`, or where the guard was
//!   forgotten the drop of the lock; only the slot's owner writes a name into it, and only while it
//!   is free.
//! - B3: while the bias is off and nobody revokes it, no slot holds the lock.
//!
//! Source: Dice and Kogan, *BRAVO: Biased Locking for Reader-Writer Locks* (2019); slots owned by
//! threads and asymmetric fences in place of its table and its exchange.

use latchwork_sync::asym::{heavy, light};
use latchwork_sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use latchwork_sync::const_fn;
use latchwork_sync::time::Instant;
use latchwork_sync::wait::{Address, Class, wait, wake};

/// Readers may enter by a slot.
const ON: u32 = 1;
/// A writer may be asleep until a slot is free: any, or while the bias is on the one that is
/// watched.
const WATCHED: u32 = 2;

/// A place for one reader's name.
#[derive(Debug)]
pub struct Slot(AtomicUsize);

impl Slot {
    const_fn! {
        /// A free slot.
        pub fn new() -> Self {
            Self(AtomicUsize::new(0))
        }
    }

    /// Whether a reader of this name is in it. It may have left by the time the answer is there.
    pub fn has(&self, name: usize) -> bool {
        // Relaxed: an answer about the past that orders nothing.
        self.0.load(Ordering::Relaxed) == name
    }

    /// Takes out the name of a lock that is no more, whose reader has forgotten its guard.
    pub fn clear(&self, name: usize) {
        if self.has(name) {
            // Relaxed: nobody comes after that reader.
            self.0.store(0, Ordering::Relaxed);
        }
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

/// The bias of a lock.
#[derive(Debug)]
pub struct Bias {
    state: AtomicU32,
    /// Counts the readers that left while a writer watched.
    events: AtomicU32,
    /// The address of the slot that is watched while the bias is on.
    watched: AtomicUsize,
}

impl Bias {
    const_fn! {
        /// A bias that is off.
        #[inline]
        pub fn new() -> Self {
            Self {
                state: AtomicU32::new(0),
                events: AtomicU32::new(0),
                watched: AtomicUsize::new(0),
            }
        }
    }

    /// Whether readers may enter by a slot just now.
    #[inline]
    pub fn is_on(&self) -> bool {
        // Relaxed: `enter` looks again.
        self.state.load(Ordering::Relaxed) & ON != 0
    }

    /// Turns the bias on. By the holder of a share.
    pub fn turn_on(&self) {
        // Release: pairs with the last load in `enter`: whoever enters sees what this thread has
        // seen, the last write section with it.
        self.state.store(ON, Ordering::Release);
    }

    /// Enters by a slot, if that is free and the bias is on. By the slot's owner; whoever entered
    /// must leave by the same slot.
    #[inline]
    pub fn enter(&self, slot: &Slot, name: usize) -> bool {
        // Acquire: pairs with the store in `leave`, whose thread may be another: a writer that
        // finds the next name finds the reader before it gone.
        if slot.0.load(Ordering::Acquire) != 0 {
            return false;
        }
        // Release: pairs with the look in `revoke`, as said above.
        slot.0.store(name, Ordering::Release);
        light();
        // Acquire: pairs with the store in `turn_on`.
        if self.state.load(Ordering::Acquire) & ON != 0 {
            return true;
        }
        self.leave(slot);
        false
    }

    /// Leaves.
    #[inline]
    pub fn leave(&self, slot: &Slot) {
        // Release: pairs with the look in `revoke`: the writer comes after this reader.
        slot.0.store(0, Ordering::Release);
        light();
        // Relaxed: the fence orders it after the store.
        let state = self.state.load(Ordering::Relaxed);
        if state & WATCHED != 0 {
            self.left(slot, state);
        }
    }

    #[cold]
    fn left(&self, slot: &Slot, state: u32) {
        // Relaxed: the fence in `leave` orders it.
        if state & ON == 0 || self.watched.load(Ordering::Relaxed) == slot.address() {
            self.tell();
        }
    }

    fn tell(&self) {
        // Release: pairs with the load in `revoke`: who sees the event sees the slot free.
        self.events.fetch_add(1, Ordering::Release);
        wake(Address::of(&self.events), u32::MAX, Class::ANY);
    }

    /// Turns the bias off and waits until no slot holds the lock. By the holder of the write lock
    /// below, while the bias is on.
    ///
    /// # Errors
    ///
    /// The slot that wasn't free when the deadline passed, and then the bias is on.
    pub fn revoke<'a>(
        &self,
        name: usize,
        slots: impl Iterator<Item = &'a Slot>,
        deadline: Option<Instant>,
    ) -> Result<(), &'a Slot> {
        // Relaxed: the fence orders it before the looks.
        self.state.store(WATCHED, Ordering::Relaxed);
        heavy();
        for slot in slots {
            if !self.wait_until_free(slot, name, deadline) {
                // The readers in their slots have seen what was written before them, and so do
                // those that come. Release: as in `turn_on`.
                self.state.store(ON, Ordering::Release);
                return Err(slot);
            }
        }
        // Relaxed: the release of the lock publishes it, to those who could turn it on.
        self.state.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Waits, with the bias on, until a reader has left its slot: whether it has. If not, the
    /// moment has come, or another writer has taken the bias. By a writer that holds nothing.
    ///
    /// Of two writers that watch at a time one may sleep until its moment.
    pub fn watch(&self, slot: &Slot, name: usize, moment: Option<Instant>) -> bool {
        // Relaxed, both: the fence orders them before the look at the slot. An exchange, since
        // who enters by it must see the last write section still.
        self.watched.store(slot.address(), Ordering::Relaxed);
        let exchange =
            |from, to| self.state.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        if exchange(ON, ON | WATCHED).is_err_and(|now| now != ON | WATCHED) {
            return false;
        }
        heavy();
        let free = self.wait_until_free(slot, name, moment);
        // Nobody needs to be told any more. If it fails, a writer has taken the bias meanwhile.
        let _ = exchange(ON | WATCHED, ON);
        free
    }

    #[inline]
    fn wait_until_free(&self, slot: &Slot, name: usize, deadline: Option<Instant>) -> bool {
        loop {
            // Acquire: pairs with the addition in `tell`.
            let events = self.events.load(Ordering::Acquire);
            // Acquire: pairs with the stores of `leave` and `enter`.
            if slot.0.load(Ordering::Acquire) != name {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            wait(&self.events, events, Class::ANY, deadline);
        }
    }
    /// Sleeps until a moment, whoever leaves.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    pub(super) fn sleep_until(&self, moment: Instant) {
        while Instant::now() < moment {
            // Relaxed: nothing depends on it.
            let events = self.events.load(Ordering::Relaxed);
            wait(&self.events, events, Class::ANY, Some(moment));
        }
    }
}
