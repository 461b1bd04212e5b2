//! A kernel made of chances: it does the operations for real, but late, in any order, in pieces,
//! or not at all, as a seed decides.
//!
//! With one submitter a seed gives the same run each time.

use alloc::collections::VecDeque;
use alloc::sync::Arc as Shared;
use alloc::vec::Vec;
use core::fmt;

use latchwork_sync::lock::{Arc, Condvar, Mutex, MutexGuard};

use super::door::sleep;
use super::system::{codes, perform};
use super::{Backend, Completion, Outcome, RawOp, Wait, Wake};
use crate::error::Operation;

/// What a simulated kernel does wrong, each as chances in 1,000.
///
/// ```
/// use latchwork_ringpal::{BackendKind, Ring, Simulation};
///
/// let ring = Ring::builder().simulated(Simulation::of_everything(42)).build()?;
/// assert_eq!(ring.info().backend(), BackendKind::Simulated);
/// # Ok::<(), latchwork_ringpal::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Simulation {
    /// Decides everything.
    pub seed: u64,
    /// An operation completes in a later turn than it could.
    pub late: u16,
    /// A transfer moves fewer bytes than asked: to a sector's boundary, or off it.
    pub short: u16,
    /// An operation is interrupted (`EINTR`).
    pub interrupted: u16,
    /// An operation is refused for now (`EAGAIN`).
    pub again: u16,
    /// A submission is refused for now (`EBUSY`), or takes only some of what was queued.
    pub busy: u16,
    /// A wait ends for no reason.
    pub spurious: u16,
    /// A write finds no space (`ENOSPC`).
    pub no_space: u16,
    /// A submission finds the ring dead, for ever.
    pub death: u16,
}

impl Simulation {
    /// A kernel that only reorders.
    #[must_use]
    pub const fn reordering(seed: u64) -> Self {
        Self {
            seed,
            late: 300,
            short: 0,
            interrupted: 0,
            again: 0,
            busy: 0,
            spurious: 0,
            no_space: 0,
            death: 0,
        }
    }

    /// A kernel that does everything wrong that passes: no operation fails for it.
    #[must_use]
    pub const fn of_trouble(seed: u64) -> Self {
        Self {
            late: 300,
            short: 250,
            interrupted: 100,
            again: 100,
            busy: 100,
            spurious: 100,
            ..Self::reordering(seed)
        }
    }

    /// A kernel that does everything wrong.
    #[must_use]
    pub const fn of_everything(seed: u64) -> Self {
        Self { no_space: 20, death: 5, ..Self::of_trouble(seed) }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn chance(&mut self, in_a_thousand: u16) -> bool {
        self.below(1_000) < usize::from(in_a_thousand)
    }
}

#[derive(Default)]
struct Door {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Door {
    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Bell(Arc<Door>);

impl Wake for Bell {
    fn wake(&self) {
        *self.0.rung() = true;
        self.0.changed.notify_one();
    }
}

/// The kernel.
pub struct Simulated {
    faults: Simulation,
    dice: Dice,
    door: Arc<Door>,
    capacity: u32,
    queued: VecDeque<(RawOp, u32)>,
    taken: Vec<(RawOp, u32)>,
    done: Vec<Completion>,
    dead: bool,
}

// SAFETY: as for a pool's queues: `push`'s contract keeps what the operations point to.
unsafe impl Send for Simulated {}

impl Simulated {
    /// A kernel for so many operations in flight.
    pub fn new(faults: Simulation, depth: u32) -> Self {
        Self {
            faults,
            dice: Dice(faults.seed),
            door: Arc::new(Door::default()),
            capacity: depth,
            queued: VecDeque::new(),
            taken: Vec::new(),
            done: Vec::new(),
            dead: false,
        }
    }

    /// Ends one operation, any of those that were taken.
    fn end_one(&mut self) {
        let at = self.dice.below(self.taken.len());
        let (op, key) = self.taken.swap_remove(at);
        let outcome = self.outcome(&op);
        self.done.push(Completion { key, outcome });
    }

    fn outcome(&mut self, op: &RawOp) -> Outcome {
        let Simulation { interrupted, again, no_space, short, .. } = self.faults;
        if self.dice.chance(interrupted) {
            return Err(codes::INTERRUPTED);
        }
        if self.dice.chance(again) {
            return Err(codes::AGAIN);
        }
        if op.operation == Operation::Write && self.dice.chance(no_space) {
            return Err(codes::NO_SPACE);
        }
        let mut op = *op;
        if op.length > 1 && self.dice.chance(short) {
            let some = 1 + self.dice.below(op.length - 1);
            let sectors = some / 512 * 512;
            op.length = if sectors > 0 && self.dice.chance(500) { sectors } else { some };
        }
        // SAFETY: `push`'s contract: valid until the completion, which comes after this.
        unsafe { perform(&op) }
    }
}

// SAFETY: each operation goes from `queued` to `taken` to `done` and out, or from `queued` out by
// `abandon`; it is performed on its way to `done` alone.
unsafe impl Backend for Simulated {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        self.queued.push_back((*op, key));
    }

    fn cancel(&mut self, key: u32) {
        if let Some(at) = self.queued.iter().position(|(_, queued)| *queued == key) {
            self.queued.remove(at);
        } else if let Some(at) = self.taken.iter().position(|(_, taken)| *taken == key)
            && self.dice.chance(500)
        {
            self.taken.swap_remove(at);
        } else {
            // Already done, or too late to call back.
            return;
        }
        self.done.push(Completion { key, outcome: Err(codes::CANCELLED) });
    }

    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        let Simulation { late, busy, spurious, death, .. } = self.faults;
        if self.dead {
            return Err(codes::BROKEN);
        }
        let is_busy = self.dice.chance(busy);
        let takes =
            if is_busy { self.dice.below(self.queued.len() + 1) } else { self.queued.len() };
        self.taken.extend(self.queued.drain(..takes));
        if self.dice.chance(death) {
            self.dead = true;
            return Err(codes::BROKEN);
        }
        for _ in 0..self.taken.len() {
            if !self.dice.chance(late) {
                self.end_one();
            }
        }
        if wait == Wait::No || !self.done.is_empty() || self.dice.chance(spurious) {
            return Ok(());
        }
        if !self.taken.is_empty() {
            self.end_one();
        } else if self.queued.is_empty() {
            let mut rung = self.door.rung();
            while !core::mem::take(&mut *rung) {
                let Some(awake) = sleep(&self.door.changed, rung, wait) else { break };
                rung = awake;
            }
        }
        Ok(())
    }

    fn reap(&mut self, into: &mut Vec<Completion>) {
        // What a dead ring has taken ends in its own time.
        for _ in 0..if self.dead { self.taken.len() } else { 0 } {
            if self.dice.chance(700) {
                self.end_one();
            }
        }
        into.append(&mut self.done);
    }

    fn abandon(&mut self, into: &mut Vec<Completion>) {
        let cancelled = |(_, key)| Completion { key, outcome: Err(codes::CANCELLED) };
        into.extend(self.queued.drain(..).map(cancelled));
    }

    fn waker(&self) -> Shared<dyn Wake> {
        Shared::new(Bell(Arc::clone(&self.door)))
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("faults", &self.faults).finish_non_exhaustive()
    }
}
