//! A thread's record: its published word, and its garbage.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::take;
use core::ptr;

use latchwork_sync::asym;
use latchwork_sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use latchwork_sync::cell::UnsafeCell;

use super::bag::{Entry, Sealed};
use super::garbage::{Freeing, Garbage};
use super::grace::Engine;
use super::mode::{Mode, fault};
use super::word::{DEPTH, OFF, TRANSIENT, UNIT};
use crate::pointer::{Atomic, Shared, Tagged};
use crate::retired::Retired;

/// What a thread shows to the others, and what it keeps for itself.
///
/// Aligned so that two threads never write to one cache line, nor to a pair that is fetched
/// together.
#[repr(align(128))]
pub(crate) struct Record<M: Mode> {
    /// See `word`. Written by the owner alone, always with Release (I4).
    low: AtomicU64,
    /// By birth: the era of the pin's last load. Left alone by an unpin.
    high: AtomicU64,
    engine: *const Engine<M>,
    /// Set before the record is published.
    next: AtomicPtr<Record<M>>,
    owned: AtomicBool,
    counts: Counts,
    garbage: UnsafeCell<Garbage>,
}

/// Written by the owner with plain stores, read by anyone: statistics, Relaxed throughout.
#[derive(Default)]
struct Counts {
    /// Objects retired or adopted, less those handed over.
    taken: AtomicU64,
    freed: AtomicU64,
    open_bytes: AtomicUsize,
    held_bytes: AtomicUsize,
}

/// How much garbage there is. Sums wrap while bags are on their way from one record to another.
pub(super) struct Amount {
    pub(super) freed: u64,
    pub(super) pending: usize,
    pub(super) bytes: usize,
}

/// A sum that only its owner changes.
macro_rules! add {
    ($count:expr, $more:expr) => {{
        let count = &$count;
        count.store(count.load(Ordering::Relaxed).wrapping_add($more), Ordering::Relaxed);
    }};
}

impl<M: Mode> Record<M> {
    /// A record that its maker owns.
    pub(super) fn new(engine: *const Engine<M>) -> Self {
        Self {
            low: AtomicU64::new(OFF),
            high: AtomicU64::new(OFF),
            engine,
            next: AtomicPtr::new(ptr::null_mut()),
            owned: AtomicBool::new(true),
            counts: Counts::default(),
            garbage: UnsafeCell::new(Garbage::default()),
        }
    }

    /// The domain.
    #[inline(always)]
    pub(crate) fn engine(&self) -> &Engine<M> {
        // SAFETY: the engine frees its records when it is dropped (I6), and doesn't move while
        // there are any: it is a static, or behind an `Arc` that every handle shares.
        unsafe { &*self.engine }
    }

    /// Whether this record belongs to `engine`.
    #[inline(always)]
    pub(crate) fn is_of(&self, engine: &Engine<M>) -> bool {
        ptr::eq(self.engine, engine)
    }

    pub(super) fn next(&self) -> *mut Self {
        // Relaxed: set before the record was published, by the Release in `Engine::publish`.
        self.next.load(Ordering::Relaxed)
    }

    pub(super) fn set_next(&self, next: *mut Self) {
        self.next.store(next, Ordering::Relaxed);
    }

    /// Takes the record over, if it was given back.
    pub(super) fn try_acquire(&self) -> bool {
        // Acquire: pairs with the Release in `release`; the garbage is the caller's from here on.
        !self.owned.load(Ordering::Relaxed)
            && self
                .owned
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// The published word, if it says that the owner is pinned.
    pub(super) fn published(&self) -> Option<u64> {
        // Acquire: pairs with the Release of an unpin, or of a later pin (I4).
        let word = self.low.load(Ordering::Acquire);
        (word != OFF).then_some(word)
    }

    /// By birth, the youngest birth that the present pin may hold.
    pub(super) fn highest(&self) -> u64 {
        // Acquire is not needed for what it synchronises with; the value only grows (I8).
        self.high.load(Ordering::Relaxed)
    }

    // ---- Pinning. The owner alone calls what follows. ----

    /// Pins, where the caller holds the record exclusively and no guard of it is alive.
    #[inline(always)]
    pub(crate) fn enter(&self, era: &AtomicU64) {
        self.publish(era, 1);
    }

    /// Ends the pin of [`Record::enter`].
    #[inline(always)]
    pub(crate) fn leave(&self) {
        // Release: a scan that reads this, or what is stored later, comes after what was done
        // under the pin (I4).
        self.low.store(OFF, Ordering::Release);
    }

    #[inline(always)]
    fn publish(&self, era: &AtomicU64, depth: u64) {
        // Relaxed: an era that is out of date only blocks more (I1).
        let era = era.load(Ordering::Relaxed);
        if M::BY_BIRTH {
            // Relaxed: before the light, as `low`; an older value with a newer `low` would be seen
            // only by a scan that this pin need not be seen by (I8).
            self.high.store(era, Ordering::Relaxed);
        }
        // Release, for the pin before this one: its unpin may never be seen (I4).
        self.low.store(era | depth, Ordering::Release);
        if !fault!(M, NO_LIGHT) {
            // Pairs with the heavy in `Engine::advance` (I1).
            asym::light();
        }
    }

    /// Pins, once more if a guard of this record is alive already.
    ///
    /// # Panics
    ///
    /// When 2,047 guards are alive.
    #[inline(always)]
    pub(crate) fn enter_nested(&self, era: &AtomicU64) {
        // Relaxed: this thread's own word.
        let word = self.low.load(Ordering::Relaxed);
        if word == OFF {
            self.publish(era, 1);
        } else {
            self.nest(word);
        }
    }

    #[inline(never)]
    fn nest(&self, word: u64) {
        assert!(
            word & DEPTH < DEPTH,
            "{DEPTH} guards of one thread are alive: guards are leaked, or nested without end"
        );
        if fault!(M, NESTED_REPIN) {
            let era = self.engine().era.load(Ordering::Relaxed);
            self.low.store(era | (word + 1) & (UNIT - 1), Ordering::Release);
            return;
        }
        // Release, as in `publish`. The era stays that of the outermost pin, and no fence is
        // needed: that pin's comes before every load.
        self.low.store(word + 1, Ordering::Release);
    }

    /// Ends one pin of [`Record::enter_nested`]; any of them, in any order.
    #[inline(always)]
    pub(crate) fn leave_nested(&self) {
        let word = self.low.load(Ordering::Relaxed);
        if word & (TRANSIENT | DEPTH) == 1 || fault!(M, NO_DEPTH) {
            self.leave();
        } else {
            self.unnest(word);
        }
    }

    #[inline(never)]
    fn unnest(&self, word: u64) {
        if word & DEPTH > 1 {
            // Release, as in `nest`.
            self.low.store(word - 1, Ordering::Release);
        } else {
            self.leave();
            self.release();
        }
    }

    /// Loads a pointer whose object the present pin is to protect.
    #[inline(always)]
    pub(super) fn load<'g, T>(&self, source: &Atomic<T, M::Header>) -> Shared<'g, T, M::Header> {
        // Acquire: pairs with the Release that published the object.
        let mut tagged = source.peek(Ordering::Acquire);
        if M::BY_BIRTH {
            let era = &self.engine().era;
            loop {
                // Relaxed, after the Acquire load above: the object's birth was read from this
                // word before it was published, so this reads no older value (I8).
                let now = era.load(Ordering::Relaxed);
                if now == self.high.load(Ordering::Relaxed) || fault!(M, NO_HIGH) {
                    break;
                }
                tagged = self.raise(now, source);
            }
        }
        tagged.as_shared()
    }

    /// Publishes that objects born up to `era` may be held from here on, and loads again.
    #[cold]
    #[inline(never)]
    fn raise<T>(&self, era: u64, source: &Atomic<T, M::Header>) -> Tagged<T, M::Header> {
        // Relaxed: ordered by the light. A scan that still reads the lower value comes after a
        // heavy that came before that light, and then this reload sees the unlink (I8).
        self.high.store(era, Ordering::Relaxed);
        if !fault!(M, NO_HIGH_LIGHT) {
            // Pairs with the heavy in `Engine::advance`.
            asym::light();
        }
        source.peek(Ordering::Acquire)
    }

    /// Ends the pin and begins another, if one guard is alive.
    #[allow(dead_code, reason = "used by global domains, which not every build has")]
    #[inline]
    pub(crate) fn repin(&self, era: &AtomicU64) {
        if self.low.load(Ordering::Relaxed) & (TRANSIENT | DEPTH) == 1 {
            self.leave();
            self.publish(era, 1);
        }
    }

    /// Pins a record that is given back when its last guard ends.
    #[allow(dead_code, reason = "used by global domains, which not every build has")]
    pub(crate) fn enter_transient(&self, era: &AtomicU64) {
        self.publish(era, TRANSIENT | 1);
    }

    /// Gives the record back: now, or where guards are alive, when the last of them ends.
    #[allow(dead_code, reason = "used by global domains, which not every build has")]
    pub(crate) fn release_when_unpinned(&self) {
        let word = self.low.load(Ordering::Relaxed);
        if word == OFF {
            self.release();
        } else {
            self.low.store(word | TRANSIENT, Ordering::Release);
        }
    }

    /// How many guards are alive.
    pub(crate) fn depth(&self) -> u64 {
        self.low.load(Ordering::Relaxed) & DEPTH
    }

    /// Gives the record back, and its garbage to whoever comes first.
    pub(crate) fn release(&self) {
        self.hand_over();
        // Release: pairs with the Acquire in `try_acquire`.
        self.owned.store(false, Ordering::Release);
    }

    // ---- Garbage. The owner alone calls what follows (I5). ----

    /// Looks at the garbage.
    ///
    /// `f` runs no code of others: none that could come back here (I7).
    #[inline(always)]
    fn with_garbage<R>(&self, f: impl FnOnce(&mut Garbage) -> R) -> R {
        self.garbage.with_mut(|garbage| {
            // SAFETY: only the owner's thread gets here (I5), and not from within `f` (I7).
            f(unsafe { &mut *garbage })
        })
    }

    /// Takes an object in, and frees about one that is ripe.
    ///
    /// # Safety
    ///
    /// As [`Guard::retire`](crate::Guard::retire).
    #[inline]
    pub(crate) unsafe fn retire(&self, retired: &Retired) {
        let config = &self.engine().config;
        add!(self.counts.taken, 1);
        let bytes = self.counts.open_bytes.load(Ordering::Relaxed) + retired.bytes();
        self.counts.open_bytes.store(bytes, Ordering::Relaxed);
        let (full, ripe) = self.with_garbage(|garbage| {
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            if fault!(M, EARLY_TICKET) && garbage.is_open_empty() {
                garbage.early = self.engine().ticket();
            }
            let full = garbage.push(Entry::new(retired), config);
            (full, garbage.begin_free())
        });
        if full || bytes >= config.batch_bytes {
            self.seal_and_collect();
        }
        if let Some(ripe) = ripe {
            self.free_some(ripe);
        }
    }

    /// Frees what has begun, and as many more as the pace asks.
    #[inline(always)]
    fn free_some(&self, first: Freeing) {
        self.free_one(first);
        for _ in 1..self.with_garbage(|garbage| garbage.pace()) {
            let Some(next) = self.with_garbage(Garbage::begin_free) else { break };
            self.free_one(next);
        }
    }

    #[inline(always)]
    fn free_one(&self, freeing: Freeing) {
        struct Ran<'a, M: Mode>(&'a Record<M>);

        impl<M: Mode> Drop for Ran<'_, M> {
            #[inline(always)]
            fn drop(&mut self) {
                self.0.with_garbage(Garbage::ran);
            }
        }

        add!(self.counts.freed, 1);
        if freeing.bytes != 0 {
            add!(self.counts.held_bytes, freeing.bytes.wrapping_neg());
        }
        let _ran = Ran(self);
        // SAFETY: the object was in a ripe bag (I4), and is taken out once.
        unsafe { freeing.entry.free() };
    }

    /// Closes the open bag, sees to its heavy, and looks for what is ripe.
    #[cold]
    fn seal_and_collect(&self) {
        let before = self.seal();
        let engine = self.engine();
        // The bag before has waited for a whole bag's time: mostly another thread's heavy has
        // covered it by now.
        if before != 0 {
            if engine.has_ended(before) {
                engine.note_saved();
            } else {
                engine.advance();
            }
        }
        self.collect();
    }

    /// Closes the open bag; gives the number of the bag sealed before, 0 if there was none.
    fn seal(&self) -> u64 {
        let bytes = self.counts.open_bytes.load(Ordering::Relaxed);
        self.counts.open_bytes.store(0, Ordering::Relaxed);
        add!(self.counts.held_bytes, bytes);
        let number = self.engine().ticket();
        self.with_garbage(|garbage| {
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            let number = if fault!(M, EARLY_TICKET) { garbage.early } else { number };
            garbage.seal(number, bytes)
        })
    }

    /// Adopts what others left behind, and finds out what is ripe.
    fn collect(&self) {
        let engine = self.engine();
        engine.orphans.take(|bag| self.adopt(bag));
        let Some(oldest) = self.with_garbage(|garbage| garbage.oldest()) else { return };
        if !engine.has_ended(oldest) {
            return;
        }
        if M::BY_BIRTH {
            let pins = engine.pins();
            self.with_garbage(|garbage| garbage.ripen_by_birth::<M>(&pins));
        } else {
            let horizon = engine.horizon();
            self.with_garbage(|garbage| garbage.ripen(horizon));
        }
    }

    fn adopt(&self, bag: Sealed) {
        // What it counts as moves with it: `hand_over` has taken it off its old record's counts.
        add!(self.counts.taken, bag.entries.len() as u64);
        add!(self.counts.held_bytes, bag.bytes);
        self.with_garbage(|garbage| garbage.insert(bag));
    }

    /// Leaves all garbage to others.
    fn hand_over(&self) {
        if !self.with_garbage(|garbage| garbage.is_open_empty()) {
            self.seal();
        }
        let bags = self.with_garbage(Garbage::take);
        if bags.is_empty() {
            return;
        }
        let objects: usize = bags.iter().map(|bag| bag.entries.len()).sum();
        let bytes: usize = bags.iter().map(|bag| bag.bytes).sum();
        add!(self.counts.taken, (objects as u64).wrapping_neg());
        add!(self.counts.held_bytes, bytes.wrapping_neg());
        self.engine().orphans.push(bags);
    }

    /// Frees what can be freed now.
    pub(crate) fn flush(&self) {
        self.seal_open();
        let engine = self.engine();
        if self.newest_waits() {
            engine.advance();
        }
        self.collect();
        self.free_ripe();
    }

    /// Frees everything there is here and among the orphans, once no pin can see it.
    pub(crate) fn barrier(&self) {
        let engine = self.engine();
        engine.orphans.take(|bag| self.adopt(bag));
        self.seal_open();
        let horizon = engine.wait_for_pins(engine.ticket());
        let running = self.with_garbage(|garbage| {
            garbage.ripen(horizon);
            garbage.is_running()
        });
        assert!(!running, "a destructor must not wait for garbage that it is part of");
        self.free_ripe();
    }

    fn seal_open(&self) {
        if !self.with_garbage(|garbage| garbage.is_open_empty()) {
            self.seal();
        }
    }

    fn newest_waits(&self) -> bool {
        let newest = self.with_garbage(|garbage| garbage.newest());
        newest.is_some_and(|number| !self.engine().has_ended(number))
    }

    fn free_ripe(&self) {
        while let Some(next) = self.with_garbage(Garbage::begin_free) {
            self.free_one(next);
        }
    }

    /// What the owner's garbage amounts to.
    pub(super) fn counts(&self) -> Amount {
        let counts = &self.counts;
        let bytes = counts.open_bytes.load(Ordering::Relaxed);
        let freed = counts.freed.load(Ordering::Relaxed);
        Amount {
            freed,
            pending: counts.taken.load(Ordering::Relaxed).wrapping_sub(freed) as usize,
            bytes: bytes.wrapping_add(counts.held_bytes.load(Ordering::Relaxed)),
        }
    }

    /// Every bag of a record that the caller has for itself.
    pub(super) fn take_all(&mut self) -> Vec<Vec<Entry>> {
        let garbage = take(self.garbage.get_mut());
        let bags: VecDeque<Sealed> = garbage.into_bags();
        bags.into_iter().map(|bag| bag.entries).collect()
    }
}
