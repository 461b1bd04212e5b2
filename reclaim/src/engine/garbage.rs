//! One thread's garbage, from the open bag to the free.
//!
//! ```text
//! retire -> open --full--> sealed (by number) --ripe--> ripe --> freeing -> gone, one a retire
//!             ^                                                     |
//!             +---------------------- spare <-- empty --------------+
//! ```

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::bag::{Entry, Sealed};
use super::grace::Pins;
use super::{Config, Mode};

/// Emptied bags kept for reuse.
const SPARE_AT_MOST: usize = 4;

/// The garbage of the thread that owns a record (I5).
#[derive(Default)]
pub(super) struct Garbage {
    open: Vec<Entry>,
    limit: usize,
    /// The number of the heavy that the newest sealed bag waits for; 0 if there is none.
    newest: u64,
    /// In the order of their numbers.
    sealed: VecDeque<Sealed>,
    ripe: Vec<Sealed>,
    /// The ripe bag that is being emptied.
    freeing: Vec<Entry>,
    spare: Vec<Vec<Entry>>,
    /// Objects to free with each retire: more when much is ripe.
    pace: u32,
    /// Whether a destructor runs: then retires don't free, or a chain would recurse.
    running: bool,
    /// The number that a bag gets under the fault that takes it too early.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(super) early: u64,
}

impl Garbage {
    /// Puts an object into the open bag; whether the bag is now full.
    #[inline(always)]
    pub(super) fn push(&mut self, entry: Entry, config: &Config) -> bool {
        if self.open.len() == self.limit {
            self.open_bag(config);
        }
        self.open.push(entry);
        self.open.len() == self.limit
    }

    /// Gives the open bag room for a whole batch.
    #[cold]
    fn open_bag(&mut self, config: &Config) {
        self.limit = config.batch as usize;
        let room = self.limit - self.open.len();
        self.open.reserve_exact(room);
    }

    /// Whether nothing is in the open bag.
    pub(super) fn is_open_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Closes the open bag with a number. Gives the number of the bag sealed before.
    pub(super) fn seal(&mut self, number: u64, bytes: usize) -> u64 {
        let next = self.spare.pop().unwrap_or_default();
        // Room for a whole bag, or none: then the next push makes it.
        self.limit = if next.capacity() >= self.limit { self.limit } else { 0 };
        let entries = core::mem::replace(&mut self.open, next);
        self.insert(Sealed { number, entries, bytes });
        core::mem::replace(&mut self.newest, number)
    }

    /// Takes a bag in, of this thread or of one that is gone.
    pub(super) fn insert(&mut self, bag: Sealed) {
        let at = self.sealed.partition_point(|sealed| sealed.number <= bag.number);
        self.sealed.insert(at, bag);
    }

    /// The oldest number that a bag waits for.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.sealed.front().map(|bag| bag.number)
    }

    /// Moves what is ripe below `horizon` to where it is freed.
    pub(super) fn ripen(&mut self, horizon: u64) {
        let ripe = self.sealed.partition_point(|bag| bag.number < horizon);
        self.ripe.extend(self.sealed.drain(..ripe));
        self.set_pace();
    }

    /// Moves the objects that no pin may hold to where they are freed.
    pub(super) fn ripen_by_birth<M: Mode>(&mut self, pins: &Pins) {
        for bag in core::mem::take(&mut self.sealed) {
            let held =
                if bag.number < pins.era { pins.youngest_held(bag.number) } else { u64::MAX };
            // SAFETY: what is in a bag is of this domain, and not yet freed.
            let free = |entry: &Entry| unsafe { entry.birth::<M>() } > held;
            if held == u64::MAX {
                self.sealed.push_back(bag);
            } else if held == 0 {
                self.ripe.push(bag);
            } else {
                let (ripe, stuck): (Vec<_>, Vec<_>) = bag.entries.into_iter().partition(free);
                // The bytes stay with what is still held, if anything is.
                let (bytes, left) = if stuck.is_empty() { (bag.bytes, 0) } else { (0, bag.bytes) };
                if !ripe.is_empty() {
                    self.ripe.push(Sealed { number: 0, entries: ripe, bytes });
                }
                if !stuck.is_empty() {
                    self.sealed.push_back(Sealed {
                        number: bag.number,
                        entries: stuck,
                        bytes: left,
                    });
                }
            }
        }
        self.set_pace();
    }

    fn set_pace(&mut self) {
        self.pace = match self.ripe.len() {
            0..=2 => 1,
            3..=8 => 2,
            9..=32 => 4,
            _ => 8,
        };
    }

    /// How many objects to free with this retire.
    #[inline(always)]
    pub(super) fn pace(&self) -> u32 {
        self.pace
    }

    /// An object to free, unless a destructor is running. After the free, `ran` must be called.
    #[inline(always)]
    pub(super) fn begin_free(&mut self) -> Option<Freeing> {
        if self.running {
            return None;
        }
        if let Some(entry) = self.freeing.pop() {
            self.running = true;
            return Some(Freeing { entry, bytes: 0 });
        }
        if self.ripe.is_empty() { None } else { self.begin_bag() }
    }

    /// Goes on to the next ripe bag.
    #[cold]
    fn begin_bag(&mut self) -> Option<Freeing> {
        let bag = self.ripe.pop()?;
        let empty = core::mem::replace(&mut self.freeing, bag.entries);
        if self.spare.len() < SPARE_AT_MOST && empty.capacity() > 0 {
            self.spare.push(empty);
        }
        self.set_pace();
        let entry = self.freeing.pop()?;
        self.running = true;
        Some(Freeing { entry, bytes: bag.bytes })
    }

    /// Whether a destructor is running.
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// Notes that the destructor has ended.
    #[inline(always)]
    pub(super) fn ran(&mut self) {
        self.running = false;
    }

    /// The newest number that a bag waits for.
    pub(super) fn newest(&self) -> Option<u64> {
        self.sealed.back().map(|bag| bag.number)
    }

    /// Takes every bag out; none is open.
    pub(super) fn take(&mut self) -> VecDeque<Sealed> {
        let mut bags = core::mem::take(&mut self.sealed);
        let rest = Sealed { number: 0, entries: core::mem::take(&mut self.freeing), bytes: 0 };
        // Number 0 is below every horizon: these are ripe for whoever takes them.
        let ripe = self.ripe.drain(..).map(|bag| Sealed { number: 0, ..bag });
        for bag in ripe.chain([rest]) {
            if !bag.entries.is_empty() {
                bags.push_front(bag);
            }
        }
        bags
    }

    /// Takes every bag out, the open one as well.
    pub(super) fn into_bags(mut self) -> VecDeque<Sealed> {
        let mut bags = self.take();
        bags.push_back(Sealed { number: 0, entries: core::mem::take(&mut self.open), bytes: 0 });
        bags
    }
}

/// An object on its way out.
#[derive(Clone, Copy)]
pub(super) struct Freeing {
    pub(super) entry: Entry,
    /// The bytes of its bag, with the first of them; zero with the others.
    pub(super) bytes: usize,
}
