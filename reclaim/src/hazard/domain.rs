//! What the threads of a domain share, and references to it.

use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::{asym, const_fn};

use super::garbage::Bag;
use super::record::Record;
use super::slots::Slot;
use crate::engine::{Limits, Turns};
use crate::home::Home;
use crate::orphans::{Bundle, Orphans};
use crate::records::Records;
use crate::retired::{Retired, free_all};
use crate::stats::Stats;
use crate::{Budget, Config, hazard};

/// What the threads of a domain share.
pub(crate) struct Engine {
    records: Records<Record>,
    pub(super) orphans: Orphans<Bag>,
    pub(super) limits: Limits,
    budget: Option<Budget>,
    turns: Turns,
    /// Heavies issued: a statistic.
    heavies: AtomicU64,
}

// SAFETY: records are shared by atomics alone, except for what only the owner touches, and their
// garbage, which has a lock; what lies in it may be dropped on any thread (`Guard::retire`).
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}

impl Engine {
    const_fn! {
        pub(super) fn new(config: Config) -> Self {
            Self {
                records: Records::new(),
                orphans: Orphans::new(),
                limits: config.limits(hazard::BATCH),
                budget: config.budget,
                turns: Turns::new(),
                heavies: AtomicU64::new(0),
            }
        }
    }

    /// A record for the caller alone.
    #[cold]
    pub(super) fn acquire_record(&self) -> NonNull<Record> {
        let record = self.records.acquire(|| Record::new(self));
        // SAFETY: the record lives as long as the domain.
        let slots = &unsafe { record.as_ref() }.slots;
        // SAFETY: the caller is the owner from here on.
        unsafe { slots.reset() };
        record
    }

    /// The fence between unlinking and reading the slots (I2).
    pub(super) fn heavy(&self) {
        self.heavies.fetch_add(1, Ordering::Relaxed);
        if !has_fault!(NO_HEAVY) {
            // Pairs with the light in `Shield::protect`.
            asym::heavy();
        }
    }

    /// Calls the budget's function, if there is one and it is exceeded.
    pub(super) fn check_budget(&self) {
        if let Some(budget) = &self.budget {
            budget.check(|| self.stats());
        }
    }

    /// Everything that is shown, sorted.
    pub(super) fn read_slots(&self, shown: &mut Vec<*mut ()>) {
        shown.clear();
        let slots = self.records.iter().flat_map(|record| record.slots.iter());
        shown.extend(slots.map(Slot::shown).filter(|object| !object.is_null()));
        shown.sort_unstable();
    }

    pub(super) fn begin_barrier(&self) -> crate::engine::Turn<'_> {
        self.turns.begin()
    }

    pub(super) fn note_move(&self) {
        self.turns.note_move();
    }

    pub(super) fn note_freed(&self) {
        self.turns.note_freed();
    }

    /// Takes all garbage of the domain, which is then counted among the orphans; calls
    /// `running` with each record whose owner was running a destructor then.
    pub(super) fn gather<'a>(
        &'a self,
        all: &mut Vec<Retired>,
        mut running: impl FnMut(&'a Record, u32),
    ) {
        self.turns.until_still(|| {
            self.orphans.take(|mut bag| all.append(&mut bag.0));
            for record in self.records.iter() {
                let ((), mark) = record.garbage.with_guest(|garbage| {
                    let mut bag = garbage.take(&record.counts);
                    self.orphans.count(bag.amount());
                    all.append(&mut bag.0);
                });
                if let Some(mark) = mark {
                    running(record, mark);
                }
            }
        });
    }

    fn stats(&self) -> Stats {
        let (orphans, bytes) = self.orphans.counts();
        let mut stats = Stats {
            pending: orphans,
            pending_bytes: bytes,
            orphans,
            freed: self.turns.freed(),
            barriers: self.heavies.load(Ordering::Relaxed),
            ..Stats::default()
        };
        for record in self.records.iter() {
            let counts = &record.counts;
            let pending = counts.pending.load(Ordering::Relaxed);
            stats.pending = stats.pending.wrapping_add(pending);
            let bytes = counts.bytes.load(Ordering::Relaxed);
            stats.pending_bytes = stats.pending_bytes.wrapping_add(bytes);
            stats.freed += counts.freed.load(Ordering::Relaxed);
            stats.pinned += usize::from(record.slots.iter().any(|slot| !slot.shown().is_null()));
        }
        stats
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let mut rest = Vec::new();
        self.records.for_each_mut(|record| rest.append(&mut record.take_all()));
        self.orphans.take_mut(|mut bag| rest.append(&mut bag.0));
        // SAFETY: no shield can be left where no handle is.
        unsafe { free_all(rest) };
    }
}

/// A domain of hazard pointers. See the [module](super).
///
/// Cloning gives another reference to the same domain. When the last reference, which every handle
/// holds one of, is gone, all garbage is freed.
///
/// ```
/// use latchwork_reclaim::{Atomic, Guard, Handle, Hazard, Owned, Shield};
/// use std::sync::atomic::Ordering::AcqRel;
///
/// let domain = Hazard::new();
/// let mut handle = domain.register();
/// let cell = Atomic::new(Owned::new("old"));
///
/// let guard = handle.pin();
/// let mut shield = guard.shield();
/// let seen = shield.protect(&cell);
/// let old = cell.swap(Owned::new("new"), AcqRel, &guard);
/// // SAFETY: `cell` was the only way to the object, and it is retired once.
/// unsafe { guard.retire(old) };
/// guard.flush();
/// // SAFETY: protected since before it was retired.
/// assert_eq!(unsafe { seen.deref() }, &"old");
/// drop(shield);
///
/// handle.barrier();
/// assert_eq!(domain.stats().pending, 0);
/// # let mut cell = cell;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { cell.take() });
/// ```
#[derive(Clone)]
pub struct Hazard {
    engine: Home<Engine>,
}

impl Hazard {
    /// A domain of its own.
    pub fn new() -> Self {
        Self::with_config(Config::DEFAULT)
    }

    /// A domain of its own, with other sizes of bags.
    pub fn with_config(config: Config) -> Self {
        Self { engine: Home::new(Engine::new(config)) }
    }

    /// The domain of the whole process, which is never freed.
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub fn global() -> Self {
        Self { engine: Home::of_process(super::global::engine()) }
    }

    /// Runs `f` with a domain of its own; what was retired in it is freed before this returns,
    /// whoever has retired it.
    ///
    /// Blocks at the end for as long as a shield elsewhere protects any of it.
    ///
    /// ```
    /// use latchwork_reclaim::{Guard, Handle, Hazard};
    /// use std::sync::Arc;
    ///
    /// let value = Arc::new(7);
    /// Hazard::scope(|domain| {
    ///     let value = Arc::clone(&value);
    ///     domain.register().pin().defer(move || drop(value));
    /// });
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn scope<R>(f: impl FnOnce(&Self) -> R) -> R {
        struct End(Hazard);

        impl Drop for End {
            fn drop(&mut self) {
                self.0.register().barrier();
            }
        }

        let end = End(Self::new());
        f(&end.0)
    }

    #[inline(always)]
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the domain has done and still holds.
    ///
    /// Cost: a walk over the slots, Relaxed loads but for the slots. While others retire and free,
    /// the sums are of slightly different moments.
    pub fn stats(&self) -> Stats {
        self.engine().stats()
    }
}

impl Default for Hazard {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hazard").field("at", &core::ptr::from_ref(self.engine())).finish()
    }
}
