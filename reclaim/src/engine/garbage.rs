//! One thread's garbage, from the open bag to the free.
//!
//! ```text
//! retire -> open --full--> sealed (by number) --ripe--> ripe --> freeing -> gone, one a retire
//!             ^                                                     |
//!             +---------------------- spare <-- empty --------------+
//! ```

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use latchwork_sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Mode;
use super::bag::{Entry, Sealed};
use super::config::Limits;
use super::pins::Pins;

/// Emptied bags kept for reuse.
const SPARE_AT_MOST: usize = 4;

/// How much garbage there is, for anyone to read. Written by whoever has the garbage, Relaxed
/// throughout: statistics, except that the garbage itself counts by them.
#[derive(Default)]
pub(super) struct Counts {
    /// The open bag: objects and bytes.
    open: AtomicU64,
    /// Objects left in the bag that is being emptied.
    left: AtomicUsize,
    /// Objects and bytes in sealed and ripe bags.
    held: AtomicUsize,
    held_bytes: AtomicUsize,
    /// Objects in bags that have been, or are being, emptied.
    freed: AtomicU64,
}

/// How much garbage there is.
#[derive(Default)]
pub(super) struct Amount {
    pub(super) pending: usize,
    pub(super) bytes: usize,
    pub(super) freed: u64,
}

/// A sum that only one thread changes.
macro_rules! add {
    ($count:expr, $more:expr) => {{
        let count = &$count;
        count.store(count.load(Ordering::Relaxed).wrapping_add($more), Ordering::Relaxed);
    }};
}

impl Counts {
    pub(super) fn amount(&self) -> Amount {
        let open = Fill(self.open.load(Ordering::Relaxed));
        let left = self.left.load(Ordering::Relaxed);
        let held = self.held.load(Ordering::Relaxed);
        Amount {
            pending: open.objects().wrapping_add(held).wrapping_add(left),
            bytes: open.bytes().wrapping_add(self.held_bytes.load(Ordering::Relaxed)),
            freed: self.freed.load(Ordering::Relaxed).wrapping_sub(left as u64),
        }
    }

    #[inline(always)]
    fn open(&self) -> Fill {
        Fill(self.open.load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn set_open(&self, fill: Fill) {
        self.open.store(fill.0, Ordering::Relaxed);
    }

    fn hold(&self, bag: &Sealed) {
        add!(self.held, bag.entries.len());
        add!(self.held_bytes, bag.bytes);
    }

    fn release(&self, bag: &Sealed) {
        add!(self.held, bag.entries.len().wrapping_neg());
        add!(self.held_bytes, bag.bytes.wrapping_neg());
    }
}

/// What is in the open bag: objects above [`Fill::BYTES`], bytes below.
#[derive(Clone, Copy)]
struct Fill(u64);

impl Fill {
    const EMPTY: Self = Self(0);
    const SHIFT: u32 = 44;
    const BYTES: u64 = (1 << Self::SHIFT) - 1;

    #[inline(always)]
    fn objects(self) -> usize {
        (self.0 >> Self::SHIFT) as usize
    }

    #[inline(always)]
    fn bytes(self) -> usize {
        (self.0 & Self::BYTES) as usize
    }

    /// One object more.
    #[inline(always)]
    fn with(self, bytes: usize) -> Self {
        // Half of what there is room for, at most, for one object and for what is there already.
        let bytes = (bytes as u64).min(Self::BYTES / 2);
        Self((self.0 & !(Self::BYTES / 2 + 1)) + (1 << Self::SHIFT) + bytes)
    }
}

/// The garbage of the thread that owns a record (I5).
pub(super) struct Garbage {
    /// Room for a bag. How many entries are in it is said by [`Counts`]; the vector's own length
    /// stays zero.
    open: Vec<Entry>,
    /// At so many objects there is something to do; zero where there is no room for a bag.
    trigger: usize,
    limits: Limits,
    /// The number of the heavy that the newest sealed bag waits for; 0 if there is none.
    newest: u64,
    /// In the order of their numbers.
    sealed: VecDeque<Sealed>,
    ripe: Vec<Sealed>,
    /// The ripe bag that is being emptied, from its end; its length stays zero too.
    freeing: Vec<Entry>,
    spare: Vec<Vec<Entry>>,
    /// Objects to free with each retire: more when much is ripe.
    pace: u32,
    pub(super) pins: Pins,
    /// The number that a bag gets under the fault that takes it too early.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(super) early: u64,
}

/// What is to be done after an object was put into the open bag.
pub(super) enum Due {
    Nothing,
    /// A heavy may have ended meanwhile: look for what is ripe.
    Look,
    /// The bag is full.
    Seal,
}

impl Garbage {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            open: Vec::new(),
            trigger: 0,
            limits,
            newest: 0,
            sealed: VecDeque::new(),
            ripe: Vec::new(),
            freeing: Vec::new(),
            spare: Vec::new(),
            pace: 1,
            pins: Pins::default(),
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            early: 0,
        }
    }

    /// Puts an object into the open bag.
    #[inline(always)]
    pub(super) fn push(&mut self, entry: Entry, bytes: usize, counts: &Counts) -> Due {
        let fill = counts.open();
        let at = fill.objects();
        if at + 1 >= self.trigger {
            return self.push_slow(entry, bytes, counts);
        }
        // SAFETY: there is room for a whole bag, since the trigger is not zero.
        let place = unsafe { self.open.as_mut_ptr().add(at) };
        // SAFETY: as above; what lies there is not in use.
        unsafe { place.write(entry) };
        let fill = fill.with(bytes);
        counts.set_open(fill);
        if fill.bytes() < self.limits.bytes { Due::Nothing } else { Due::Seal }
    }

    /// The first object of a bag without room, the last one of a bag, and that at which to look.
    #[cold]
    #[inline(never)]
    fn push_slow(&mut self, entry: Entry, bytes: usize, counts: &Counts) -> Due {
        let fill = counts.open();
        let at = fill.objects();
        if at >= self.open.capacity() {
            self.make_room(at);
        }
        // SAFETY: there is room for more than `at` entries.
        let place = unsafe { self.open.as_mut_ptr().add(at) };
        // SAFETY: as above; what lies there is not in use.
        unsafe { place.write(entry) };
        let fill = fill.with(bytes);
        counts.set_open(fill);
        let had_no_room = self.trigger == 0;
        let was_look = at + 1 == self.limits.look && self.trigger == self.limits.look;
        let waits = had_no_room && at + 1 < self.limits.look && !self.sealed.is_empty();
        self.trigger = if waits { self.limits.look } else { self.limits.batch };
        if fill.objects() >= self.limits.batch || fill.bytes() >= self.limits.bytes {
            Due::Seal
        } else if was_look {
            Due::Look
        } else {
            Due::Nothing
        }
    }

    /// Makes room for a bag, or for more where a panic has come before the seal.
    #[cold]
    fn make_room(&mut self, filled: usize) {
        // SAFETY: `push` has written so many.
        unsafe { self.open.set_len(filled) };
        self.open.reserve_exact(self.limits.batch);
        self.open.clear();
    }

    /// Whether nothing is in the open bag.
    pub(super) fn is_open_empty(counts: &Counts) -> bool {
        counts.open().objects() == 0
    }

    /// Closes the open bag with a number. Gives the number of the bag sealed before.
    pub(super) fn seal(&mut self, number: u64, counts: &Counts) -> u64 {
        let bag = self.close(number, counts);
        counts.hold(&bag);
        self.insert(bag);
        if self.trigger > 0 {
            self.trigger = self.limits.look;
        }
        core::mem::replace(&mut self.newest, number)
    }

    fn close(&mut self, number: u64, counts: &Counts) -> Sealed {
        let fill = counts.open();
        counts.set_open(Fill::EMPTY);
        let next = self.spare.pop().unwrap_or_default();
        self.trigger = if next.capacity() < self.limits.batch { 0 } else { self.limits.batch };
        let mut entries = core::mem::replace(&mut self.open, next);
        // SAFETY: `push` has written so many.
        unsafe { entries.set_len(fill.objects()) };
        Sealed { number, entries, bytes: fill.bytes(), held: 0 }
    }

    /// Takes a bag in that another thread has left.
    pub(super) fn adopt(&mut self, bag: Sealed, counts: &Counts) {
        counts.hold(&bag);
        self.insert(bag);
    }

    fn insert(&mut self, bag: Sealed) {
        let at = self.sealed.partition_point(|sealed| sealed.number <= bag.number);
        self.sealed.insert(at, bag);
    }

    /// The oldest number that a bag waits for.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.sealed.front().map(|bag| bag.number)
    }

    /// The newest number that a bag waits for.
    pub(super) fn newest(&self) -> Option<u64> {
        self.sealed.back().map(|bag| bag.number)
    }

    /// Moves what is ripe below `horizon` to where it is freed.
    pub(super) fn ripen(&mut self, horizon: u64) {
        let ripe = self.sealed.partition_point(|bag| bag.number < horizon);
        self.ripe.extend(self.sealed.drain(..ripe));
        self.set_pace();
    }

    /// Moves the objects that none of `self.pins` may hold to where they are freed.
    pub(super) fn ripen_by_birth<M: Mode>(&mut self) {
        let ended = self.sealed.partition_point(|bag| bag.number < self.pins.era);
        let mut kept = 0;
        for _ in 0..ended {
            let Some(mut bag) = self.sealed.remove(kept) else { break };
            let held = self.pins.youngest_held(bag.number);
            if held == 0 {
                self.ripe.push(bag);
                continue;
            }
            // A bag of which only what is held was left before has nothing to give.
            if held < bag.held || bag.held == 0 {
                let spare = self.spare.pop().unwrap_or_default();
                if let Some(ripe) = bag.split_by_birth::<M>(held, spare) {
                    self.ripe.push(ripe);
                }
            }
            if !bag.entries.is_empty() {
                self.sealed.insert(kept, bag);
                kept += 1;
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

    /// An object to free.
    #[inline(always)]
    pub(super) fn next(&mut self, counts: &Counts) -> Option<Entry> {
        let left = counts.left.load(Ordering::Relaxed);
        if left == 0 {
            return if self.ripe.is_empty() { None } else { self.next_bag(counts) };
        }
        counts.left.store(left - 1, Ordering::Relaxed);
        // SAFETY: the bag being emptied holds `left` entries.
        let entry = unsafe { self.freeing.as_ptr().add(left - 1) };
        // SAFETY: as above.
        Some(unsafe { entry.read() })
    }

    /// Goes on to the next ripe bag.
    #[cold]
    fn next_bag(&mut self, counts: &Counts) -> Option<Entry> {
        let mut bag = self.ripe.pop()?;
        counts.release(&bag);
        add!(counts.freed, bag.entries.len() as u64);
        let last = bag.entries.pop();
        counts.left.store(bag.entries.len(), Ordering::Relaxed);
        bag.entries.clear();
        let empty = core::mem::replace(&mut self.freeing, bag.entries);
        if self.spare.len() < SPARE_AT_MOST && empty.capacity() >= self.limits.batch {
            self.spare.push(empty);
        }
        self.set_pace();
        last
    }

    /// Takes every bag out.
    pub(super) fn take(&mut self, counts: &Counts, mut keep: impl FnMut(Sealed)) {
        if !Self::is_open_empty(counts) {
            // A heavy that begins later is as good as a ticket for the barrier that asks.
            let bag = self.close(0, counts);
            keep(bag);
        }
        for bag in self.sealed.drain(..).chain(self.ripe.drain(..)) {
            counts.release(&bag);
            keep(bag);
        }
        let left = counts.left.load(Ordering::Relaxed);
        if left > 0 {
            counts.left.store(0, Ordering::Relaxed);
            add!(counts.freed, (left as u64).wrapping_neg());
            let mut entries = core::mem::take(&mut self.freeing);
            // SAFETY: the bag being emptied holds `left` entries.
            unsafe { entries.set_len(left) };
            keep(Sealed { number: 0, entries, bytes: 0, held: 0 });
        }
        self.newest = 0;
    }

    /// Marks all ripe bags as such, for whoever takes them.
    pub(super) fn mark_ripe(&mut self) {
        for bag in &mut self.ripe {
            bag.number = 0;
        }
    }
}
