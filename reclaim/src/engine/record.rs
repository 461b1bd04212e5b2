//! A thread's record: its published word. What becomes of its garbage is in `retire`.

use core::ptr;

use latchwork_sync::asym;
use latchwork_sync::atomic::{AtomicU64, Ordering};

use super::garbage::{Counts, Garbage};
use super::grace::Engine;
use super::mode::{Mode, fault};
use super::word::{DEPTH, FENCES, OFF, TRANSIENT, UNIT};
use crate::biased::{Biased, light_by_barrier};
use crate::pointer::{Atomic, Shared, Tagged};
use crate::records::{Link, Linked};

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
    link: Link<Self>,
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub(super) watch: super::stall::Watch,
    pub(super) counts: Counts,
    pub(super) garbage: Biased<Garbage>,
}

/// The light of a pin, where it is more than nothing or not yet known.
#[cold]
#[inline(never)]
fn fence() {
    // Pairs with the heavy in `Engine::advance` (I1).
    asym::light();
}

impl<M: Mode> Linked for Record<M> {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}

impl<M: Mode> Record<M> {
    /// A record that its maker owns.
    pub(super) fn new(engine: &Engine<M>) -> Self {
        Self {
            low: AtomicU64::new(OFF),
            high: AtomicU64::new(OFF),
            engine,
            link: Link::new(),
            #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
            watch: super::stall::Watch::default(),
            counts: Counts::default(),
            garbage: Biased::new(Garbage::new(engine.limits)),
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

    /// The published word, if it says that the owner is pinned.
    pub(super) fn published(&self) -> Option<u64> {
        // Acquire: pairs with the Release of an unpin, or of a later pin (I4).
        let word = self.low.load(Ordering::Acquire);
        (word != OFF).then_some(word)
    }

    /// Notes, for the report of stalled threads, that a guard with this word was there at `era`.
    #[inline]
    pub(super) fn notice(&self, word: u64, era: u64) {
        #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
        self.watch.notice(word, era);
        #[cfg(not(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle)))))]
        let _ = (self, word, era);
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
            light_by_barrier();
            if era & FENCES != 0 {
                fence();
            }
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
            self.low.store(era & !FENCES | (word + 1) & (UNIT - 1), Ordering::Relaxed);
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
        self.link.release();
    }
}
