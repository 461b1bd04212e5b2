//! A thread's record: its slots and its garbage.

use alloc::vec::Vec;

use latchwork_sync::Backoff;
use latchwork_sync::cell::UnsafeCell;

use super::domain::Engine;
use super::garbage::{Bag, Counts, Garbage};
use super::slots::Slots;
use crate::biased::Biased;
use crate::orphans::Bundle;
use crate::records::{Link, Linked};
use crate::retired::Retired;

/// What a thread shows to the others, and what it keeps for itself.
#[repr(align(128))]
pub(crate) struct Record {
    pub(super) slots: Slots,
    link: Link<Self>,
    engine: *const Engine,
    /// Guards of a thread that are alive, and whether the last of them gives the record back. The
    /// owner's alone.
    guards: UnsafeCell<Guards>,
    pub(super) counts: Counts,
    pub(super) garbage: Biased<Garbage>,
}

#[derive(Clone, Copy, Default)]
struct Guards {
    alive: usize,
    is_transient: bool,
}

impl Linked for Record {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}

impl Record {
    /// A record that its maker owns, without a usable slot.
    pub(super) fn new(engine: &Engine) -> Self {
        Self {
            slots: Slots::new(),
            link: Link::new(),
            engine,
            guards: UnsafeCell::new(Guards::default()),
            counts: Counts::default(),
            garbage: Biased::new(Garbage::new(engine.limits)),
        }
    }

    /// The domain.
    #[inline(always)]
    pub(super) fn engine(&self) -> &Engine {
        // SAFETY: the engine frees its records when it is dropped, and doesn't move while there
        // are any: it is a static, or behind an `Arc` that every handle shares.
        unsafe { &*self.engine }
    }

    // ---- The owner alone calls what follows. ----

    /// Gives the record back, and its garbage to whoever comes first. No shield is in use.
    pub(super) fn release(&self) {
        // SAFETY: the caller is the owner; what is still shown belongs to shields that were leaked,
        // whose borrows are over.
        unsafe { self.slots.reset() };
        if has_fault!(EARLY_RELEASE) {
            self.link.release();
        }
        self.hand_over();
        if !has_fault!(EARLY_RELEASE) {
            self.link.release();
        }
    }

    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    #[inline(always)]
    fn with_guards<R>(&self, f: impl FnOnce(&mut Guards) -> R) -> R {
        // SAFETY: the owner's alone, and `f` is one of a few lines below.
        self.guards.with_mut(|guards| f(unsafe { &mut *guards }))
    }

    /// One guard more.
    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    #[inline(always)]
    pub(super) fn enter(&self) {
        self.with_guards(|guards| guards.alive += 1);
    }

    /// One guard less.
    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    #[inline(always)]
    pub(super) fn leave(&self) {
        let guards = self.with_guards(|guards| {
            guards.alive -= 1;
            *guards
        });
        if guards.is_transient && guards.alive == 0 {
            self.end_transient();
        }
    }

    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    #[cold]
    fn end_transient(&self) {
        self.with_guards(|guards| guards.is_transient = false);
        self.release();
    }

    /// Lets the last guard give the record back.
    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    pub(super) fn make_transient(&self) {
        self.with_guards(|guards| guards.is_transient = true);
    }

    /// Gives the record back: now, or where guards are alive, when the last of them ends.
    #[cfg_attr(
        any(not(feature = "std"), latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "for global domains")
    )]
    pub(super) fn release_when_unused(&self) {
        let alive = self.with_guards(|guards| {
            guards.is_transient = guards.alive > 0;
            guards.alive
        });
        if alive == 0 {
            self.release();
        }
    }

    /// Looks at the garbage.
    ///
    /// `f` runs no code of others: none that could come back here.
    #[inline(always)]
    fn with_garbage<R>(&self, f: impl FnOnce(&mut Garbage) -> R) -> R {
        // SAFETY: only the owner's thread gets here, and not from within `f`.
        unsafe { self.garbage.with(f) }
    }

    /// Takes an object in, and frees about one that is ripe.
    ///
    /// # Safety
    ///
    /// As [`Guard::retire`](crate::Guard::retire).
    #[inline]
    pub(super) unsafe fn retire(&self, retired: Retired) {
        // While a destructor runs, retires don't free, or a chain would recurse.
        let running = self.garbage.is_running();
        let (next, (full, pace)) = self.take_garbage(|garbage| {
            let full = garbage.push(retired, &self.counts);
            let next = if running { None } else { garbage.next(&self.counts) };
            (next, (full, garbage.pace()))
        });
        if let Some(next) = next {
            self.free_one(next);
            for _ in 1..pace {
                if !self.free_next() {
                    break;
                }
            }
        }
        if full {
            self.scan();
        }
    }

    /// As [`Record::with_garbage`], with an object to take out, for `free_one`.
    #[inline(always)]
    fn take_garbage<R>(
        &self,
        f: impl FnOnce(&mut Garbage) -> (Option<Retired>, R),
    ) -> (Option<Retired>, R) {
        // SAFETY: as above.
        unsafe { self.garbage.take(f) }
    }

    fn free_next(&self) -> bool {
        let (next, ()) = self.take_garbage(|garbage| (garbage.next(&self.counts), ()));
        next.is_some_and(|next| {
            self.free_one(next);
            true
        })
    }

    /// Frees an object that was taken out.
    #[inline(always)]
    fn free_one(&self, retired: Retired) {
        let _running = self.garbage.running();
        // SAFETY: a scan has found that nobody protects the object (I2), and it is taken out once.
        unsafe { retired.free() };
    }

    /// Finds out what nobody is looking at.
    #[cold]
    fn scan(&self) {
        let engine = self.engine();
        self.with_garbage(|garbage| {
            engine.orphans.take(|bag: Bag| {
                engine.orphans.discount(bag.amount());
                garbage.adopt(bag, &self.counts);
            });
        });
        // Before the slots are read, after everything in the bag was unlinked (I2).
        engine.heavy();
        self.with_garbage(|garbage| {
            engine.read_slots(&mut garbage.shown);
            garbage.sort_out();
        });
        engine.check_budget();
    }

    /// Leaves all garbage to others.
    fn hand_over(&self) {
        let engine = self.engine();
        if has_fault!(LATE_ORPHANS) {
            let bag = self.with_garbage(|garbage| garbage.take(&self.counts));
            engine.orphans.count(bag.amount());
            engine.orphans.push(bag);
            return;
        }
        self.with_garbage(|garbage| {
            let bag = garbage.take(&self.counts);
            if !bag.0.is_empty() {
                // Within the section, so that a barrier finds it on one side or the other.
                engine.orphans.count(bag.amount());
                engine.orphans.push(bag);
                engine.note_move();
            }
        });
    }

    /// Frees what can be freed now.
    pub(super) fn flush(&self) {
        let has_orphans = self.engine().orphans.counts().0 > 0;
        if has_orphans || !self.with_garbage(|garbage| garbage.is_open_empty()) {
            self.scan();
        }
        while !self.garbage.is_running() && self.free_next() {}
    }

    /// Frees everything in the domain that was retired before, once nobody protects it.
    pub(super) fn barrier(&self) {
        assert!(
            !self.garbage.is_running(),
            "a destructor must not wait for garbage that it is part of"
        );
        let engine = self.engine();
        let _turn = engine.begin_barrier();
        let mut rest = Rest { engine, kept: Vec::new(), ripe: Vec::new() };
        let mut busy = Vec::new();
        engine.gather(&mut rest.kept, |record, mark| busy.push((record, mark)));
        // One heavy is enough: what was unlinked before it can't be protected after it (I2).
        engine.heavy();
        let mut shown = Vec::new();
        let backoff = Backoff::new();
        loop {
            engine.read_slots(&mut shown);
            rest.sort_out(&shown);
            while let Some(retired) = rest.ripe.pop() {
                engine.orphans.discount((1, retired.bytes()));
                engine.note_freed();
                self.garbage.begin_running();
                self.free_one(retired);
            }
            if rest.kept.is_empty() {
                break;
            }
            backoff.snooze();
        }
        for (record, mark) in busy {
            record.garbage.wait_for_destructor(mark);
        }
    }

    /// Every object in a record that the caller has for itself.
    pub(super) fn take_all(&mut self) -> Vec<Retired> {
        self.garbage.get_mut().take(&self.counts).0
    }
}

/// What a barrier has in its hands, counted among the orphans: left to others if a destructor
/// panics.
struct Rest<'a> {
    engine: &'a Engine,
    kept: Vec<Retired>,
    ripe: Vec<Retired>,
}

impl Rest<'_> {
    fn sort_out(&mut self, shown: &[*mut ()]) {
        let ripe = &mut self.ripe;
        self.kept.retain(|retired| {
            let is_shown = shown.binary_search(&retired.address()).is_ok();
            if !is_shown {
                ripe.push(*retired);
            }
            is_shown
        });
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.kept.append(&mut self.ripe);
        if !self.kept.is_empty() {
            self.engine.orphans.push(Bag(core::mem::take(&mut self.kept)));
        }
    }
}
