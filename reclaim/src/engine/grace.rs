//! The count of grace periods, and the list of records.

use alloc::vec::Vec;
use core::ptr::NonNull;

use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use latchwork_sync::{Backoff, CachePadded, asym, const_fn};

use super::bag::Sealed;
use super::config::{Budget, Limits};
use super::mode::fault;
use super::pins::Pins;
use super::turns::Turns;
use super::word::{FENCES, FIRST_ERA, UNIT, era_of};
use super::{Config, Mode, Record};
use crate::orphans::{Bundle, Orphans};
use crate::records::Records;
use crate::retired::free_all;
use crate::stats::Stats;

/// What the threads of a domain share.
pub(crate) struct Engine<M: Mode> {
    /// One more than the number of heavies ended. On a line of its own: every pin reads it.
    pub(super) era: CachePadded<AtomicU64>,
    started: CachePadded<Started>,
    records: Records<Record<M>>,
    pub(super) orphans: Orphans<Sealed>,
    pub(super) limits: Limits,
    pub(super) budget: Option<Budget>,
    pub(super) turns: Turns,
}

/// What those who free write.
struct Started {
    /// The number of heavies begun, in units.
    count: AtomicU64,
    /// Whether one is under way (I3).
    busy: AtomicBool,
    /// Heavies that a seal found already issued by another.
    saved: AtomicU64,
}

// SAFETY: records are shared by atomics alone, except for their bags, which only the owner touches
// (I5); what lies in the bags may be dropped on any thread (`Guard::retire`).
unsafe impl<M: Mode> Send for Engine<M> {}
// SAFETY: as above.
unsafe impl<M: Mode> Sync for Engine<M> {}

impl<M: Mode> Engine<M> {
    const_fn! {
        pub(crate) fn new(config: Config) -> Self {
            Self {
                era: CachePadded::new(AtomicU64::new(FIRST_ERA | undecided())),
                started: CachePadded::new(Started {
                    count: AtomicU64::new(0),
                    busy: AtomicBool::new(false),
                    saved: AtomicU64::new(0),
                }),
                records: Records::new(),
                orphans: Orphans::new(),
                limits: config.limits(M::BATCH),
                budget: config.budget,
                turns: Turns::new(),
            }
        }
    }

    /// The number for a bag that is sealed now: that of the next heavy to begin.
    pub(super) fn ticket(&self) -> u64 {
        if fault!(M, PLAIN_TICKET) {
            return self.started.count.load(Ordering::Relaxed) + UNIT;
        }
        // A read-modify-write, Release: pairs with the Acquire of the heavies that it precedes in
        // this word's order, so that what this thread unlinked happens before them (I2). It
        // acquires nothing: a number says only what is still to come.
        self.started.count.fetch_add(0, Ordering::Release) + UNIT
    }

    /// The era. For each lower number, a heavy with that number or a higher one has ended, and
    /// happened before this call's return (I3).
    pub(super) fn ended(&self) -> u64 {
        // Acquire: pairs with the Release in `advance`.
        era_of(self.era.load(Ordering::Acquire))
    }

    /// Whether a heavy that serves `number` has ended. A hint: what rests on it asks [`Engine::ended`].
    pub(super) fn has_ended(&self, number: u64) -> bool {
        era_of(self.era.load(Ordering::Relaxed)) > number
    }

    /// Issues a heavy, unless another thread is at it. Whether it did.
    pub(super) fn advance(&self) -> bool {
        let Started { count, busy, .. } = &*self.started;
        // Relaxed, here and at its end: it saves barriers and orders nothing (I3).
        if busy.compare_exchange(false, true, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        // Acquire: pairs with the Release of every `ticket` before it, so that what those threads
        // unlinked happens before the heavy (I2).
        count.fetch_add(UNIT, Ordering::Acquire);
        if fault!(M, EARLY_ERA) {
            self.era.fetch_add(UNIT, Ordering::Relaxed);
        }
        if !fault!(M, NO_HEAVY) {
            asym::heavy();
        }
        if !fault!(M, EARLY_ERA) {
            // Release: pairs with the Acquire in `ended`, also for those who read a later era,
            // since every change of the era is a read-modify-write (I3).
            self.era.fetch_add(UNIT, Ordering::Release);
        }
        busy.store(false, Ordering::Relaxed);
        true
    }

    /// Notes that a seal found its heavy already issued.
    pub(super) fn note_saved(&self) {
        // Relaxed: a statistic.
        self.started.saved.fetch_add(1, Ordering::Relaxed);
    }

    /// Heavies ended, and heavies that seals found already issued.
    pub(super) fn barriers(&self) -> (u64, u64) {
        let ended = era_of(self.era.load(Ordering::Relaxed) - FIRST_ERA) / UNIT;
        (ended, self.started.saved.load(Ordering::Relaxed))
    }

    /// What the domain has done and still holds.
    pub(super) fn stats(&self) -> Stats {
        let (barriers, saved) = self.barriers();
        let (mut pending, mut bytes) = self.orphans.counts();
        let mut stats =
            Stats { orphans: pending, barriers, barriers_saved: saved, ..Stats::default() };
        stats.freed = self.turns.freed();
        let now = era_of(self.era.load(Ordering::Relaxed));
        for record in self.records() {
            let amount = record.amount();
            pending = pending.wrapping_add(amount.pending);
            bytes = bytes.wrapping_add(amount.bytes);
            stats.freed = stats.freed.wrapping_add(amount.freed);
            if let Some(word) = record.published() {
                stats.pinned += 1;
                let age = now.saturating_sub(era_of(word)) / UNIT;
                stats.oldest_guard = stats.oldest_guard.max(Some(age));
            }
        }
        stats.pending = pending;
        stats.pending_bytes = bytes;
        stats
    }

    /// Calls the budget's function, if there is one and it is exceeded.
    #[inline]
    pub(super) fn check_budget(&self) {
        if let Some(budget) = &self.budget {
            budget.check(|| self.stats());
        }
    }

    /// The number below which every bag is ripe (I4), by an `era` that [`Engine::ended`] gave.
    pub(super) fn horizon(&self, era: u64) -> u64 {
        self.records().fold(era, |oldest, record| match record.published() {
            Some(word) => {
                record.notice(word, era);
                oldest.min(era_of(word))
            }
            None => oldest,
        })
    }

    /// The pins there are, by birth (I8), looked at after [`Engine::ended`] gave `era`.
    pub(super) fn scan_pins(&self, era: u64, seen: &mut Pins) {
        seen.era = era;
        seen.pins.clear();
        seen.pins.extend(self.records().filter_map(|record| {
            let word = record.published()?;
            record.notice(word, era);
            Some((era_of(word), record.highest()))
        }));
    }

    /// Waits until no pin is left that may see what was unlinked before `number` was taken.
    /// Gives the horizon, which is above `number`.
    pub(super) fn wait_for_pins(&self, number: u64) -> u64 {
        let backoff = Backoff::new();
        let era = loop {
            let era = self.ended();
            if era > number {
                break era;
            }
            // One that was under way already doesn't count: then this issues its own.
            if !self.advance() {
                backoff.snooze();
            }
        };
        let pause = Pause::new();
        loop {
            let horizon = self.horizon(era);
            if horizon > number {
                return horizon;
            }
            pause.step();
        }
    }

    /// Waits until no pin is left that was there at the call.
    pub(crate) fn synchronize(&self) {
        self.wait_for_pins(self.ticket());
    }

    /// Every record there is. Those that are pushed meanwhile may be left out.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record<M>> {
        self.records.iter()
    }

    /// A record for the caller alone: one that was given back, or a new one.
    #[cold]
    pub(crate) fn acquire_record(&self) -> NonNull<Record<M>> {
        // Before anything of this record fences.
        if fences() == 0 && self.era.load(Ordering::Relaxed) & FENCES != 0 {
            // Relaxed: what the era stands for stays as it is.
            self.era.fetch_and(!FENCES, Ordering::Relaxed);
        }
        let record = self.records.acquire(|| Record::new(self));
        #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
        // SAFETY: records live as long as the domain (I6).
        unsafe { record.as_ref() }.watch.set_owner();
        record
    }

    /// Takes all garbage of the domain, which is then counted among the orphans; calls
    /// `running` with each record whose owner was running a destructor then.
    pub(super) fn gather<'a>(
        &'a self,
        bags: &mut Vec<Sealed>,
        mut running: impl FnMut(&'a Record<M>, u32),
    ) {
        self.turns.until_still(|| {
            self.orphans.take(|bag| bags.push(bag));
            for record in self.records() {
                let ((), mark) = record.garbage.with_guest(|garbage| {
                    garbage.take(&record.counts, |bag| {
                        self.orphans.count(bag.amount());
                        bags.push(bag);
                    });
                });
                if let Some(mark) = mark {
                    running(record, mark);
                }
            }
        });
    }
}

impl<M: Mode> Drop for Engine<M> {
    fn drop(&mut self) {
        // No guard can be left where no handle is.
        let mut entries = Vec::new();
        self.records.for_each_mut(|record| entries.append(&mut record.take_all()));
        self.orphans.take_mut(|mut bag| entries.append(&mut bag.entries));
        // SAFETY: as said above.
        unsafe { free_all(entries) };
    }
}

impl<M: Mode> core::fmt::Debug for Engine<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// [`FENCES`], where the fences are symmetric. Decides it.
fn fences() -> u64 {
    if asym::Asymmetric::proven().is_some() { 0 } else { FENCES }
}

/// What the era starts with, before anyone has asked: then pins fence to be safe.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
const fn undecided() -> u64 {
    FENCES
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn undecided() -> u64 {
    fences()
}

/// Waiting for readers, who wake nobody: spins, then yields, then sleeps for up to a millisecond.
pub(super) struct Pause {
    backoff: Backoff,
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    word: latchwork_sync::atomic::AtomicU32,
}

impl Pause {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
            word: latchwork_sync::atomic::AtomicU32::new(0),
        }
    }

    pub(super) fn step(&self) {
        #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
        if self.backoff.is_completed() {
            use latchwork_sync::time::{Duration, Instant};
            use latchwork_sync::wait::{Class, wait};

            let soon = Instant::now() + Duration::from_millis(1);
            // Nobody wakes it: a sleep.
            wait(&self.word, 0, Class::ANY, Some(soon));
            return;
        }
        self.backoff.snooze();
    }
}
