//! What becomes of a thread's garbage. The record's owner alone calls what is here.

use alloc::vec::Vec;

use super::bag::{Entry, Sealed};
use super::garbage::{Amount, Due, Garbage};
use super::grace::Engine;
use super::mode::Mode;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use super::mode::fault;
use super::record::Record;
use crate::orphans::Bundle;
use crate::retired::{Doomed, Retired};

impl<M: Mode> Record<M> {
    /// Looks at the garbage.
    ///
    /// `f` runs no code of others: none that could come back here (I7).
    #[inline(always)]
    fn with_garbage<R>(&self, f: impl FnOnce(&mut Garbage) -> R) -> R {
        // SAFETY: only the owner's thread gets here (I5), and not from within `f` (I7).
        unsafe { self.garbage.with(f) }
    }

    /// As [`Record::with_garbage`], with an object to take out, for `free_one`.
    #[inline(always)]
    fn take_garbage<R>(
        &self,
        f: impl FnOnce(&mut Garbage) -> (Option<Entry>, R),
    ) -> (Option<Entry>, R) {
        // SAFETY: as above.
        unsafe { self.garbage.take(f) }
    }

    /// Takes an object in, and frees about one that is ripe.
    ///
    /// # Safety
    ///
    /// As [`Guard::retire`](crate::Guard::retire).
    #[inline]
    pub(crate) unsafe fn retire(&self, retired: &Retired) {
        let counts = &self.counts;
        // While a destructor runs, retires don't free, or a chain would recurse.
        let running = self.garbage.is_running();
        let (next, (due, pace)) = self.take_garbage(|garbage| {
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            if fault!(M, EARLY_TICKET) && Garbage::is_open_empty(counts) {
                garbage.early = self.engine().ticket();
            }
            let due = garbage.push(Entry::new(retired), retired.bytes(), counts);
            let next = if running { None } else { garbage.next(counts) };
            (next, (due, garbage.pace()))
        });
        if let Some(next) = next {
            self.free_one(next);
            if pace > 1 {
                self.free_more(pace - 1);
            }
        }
        match due {
            Due::Nothing => {}
            Due::Look => self.collect(),
            Due::Seal => self.seal_and_collect(),
        }
    }

    /// As many more as the pace asks.
    #[cold]
    fn free_more(&self, more: u32) {
        for _ in 0..more {
            if !self.free_next() {
                break;
            }
        }
    }

    /// Frees one object, if one is ripe.
    fn free_next(&self) -> bool {
        let (next, ()) = self.take_garbage(|garbage| (garbage.next(&self.counts), ()));
        next.is_some_and(|next| {
            self.free_one(next);
            true
        })
    }

    /// Frees an object that was taken out.
    #[inline(always)]
    fn free_one(&self, entry: Entry) {
        let _running = self.garbage.running();
        // SAFETY: the object was in a ripe bag (I4), and is taken out once.
        unsafe { entry.free() };
    }

    /// Closes the open bag, sees to its heavy, and looks for what is ripe.
    #[cold]
    fn seal_and_collect(&self) {
        // Empty where a destructor's retires came first.
        let before = if Garbage::is_open_empty(&self.counts) { 0 } else { self.seal() };
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
        engine.check_budget();
    }

    /// Closes the open bag; gives the number of the bag sealed before, 0 if there was none.
    fn seal(&self) -> u64 {
        let number = self.engine().ticket();
        self.with_garbage(|garbage| {
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            let number = if fault!(M, EARLY_TICKET) { garbage.early } else { number };
            garbage.seal(number, &self.counts)
        })
    }

    /// Adopts what others left behind, and finds out what is ripe.
    #[cold]
    fn collect(&self) {
        let engine = self.engine();
        self.with_garbage(|garbage| {
            engine.orphans.take(|bag| {
                engine.orphans.discount(bag.amount());
                garbage.adopt(bag, &self.counts);
            });
            let Some(oldest) = garbage.oldest() else { return };
            let era = engine.ended();
            if era <= oldest {
                return;
            }
            if M::BY_BIRTH {
                engine.scan_pins(era, &mut garbage.pins);
                garbage.ripen_by_birth::<M>();
            } else {
                garbage.ripen(engine.horizon(era));
            }
        });
    }

    /// Leaves all garbage to others.
    pub(super) fn hand_over(&self) {
        self.seal_open();
        let orphans = &self.engine().orphans;
        if has_fault!(LATE_ORPHANS) {
            let mut bags = Vec::new();
            self.with_garbage(|garbage| garbage.take(&self.counts, |bag| bags.push(bag)));
            for bag in bags {
                orphans.count(bag.amount());
                orphans.push(bag);
            }
            return;
        }
        let mut any = false;
        self.with_garbage(|garbage| {
            garbage.mark_ripe();
            // Within the section, so that a barrier finds each bag on one side or the other.
            garbage.take(&self.counts, |bag| {
                any = true;
                orphans.count(bag.amount());
                orphans.push(bag);
            });
            if any {
                self.engine().turns.note_move();
            }
        });
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

    fn seal_open(&self) {
        if !Garbage::is_open_empty(&self.counts) {
            self.seal();
        }
    }

    fn newest_waits(&self) -> bool {
        let newest = self.with_garbage(|garbage| garbage.newest());
        newest.is_some_and(|number| !self.engine().has_ended(number))
    }

    fn free_ripe(&self) {
        while !self.garbage.is_running() && self.free_next() {}
    }

    /// Frees everything in the domain that was retired before, once no pin can see it.
    pub(crate) fn barrier(&self) {
        assert!(
            !self.garbage.is_running(),
            "a destructor must not wait for garbage that it is part of"
        );
        let engine = self.engine();
        let _turn = engine.turns.begin();
        let mut rest = Rest { engine, bags: Vec::new(), entries: Vec::new(), ripe: false };
        let mut busy = Vec::new();
        engine.gather(&mut rest.bags, |record, mark| busy.push((record, mark)));
        engine.wait_for_pins(engine.ticket());
        rest.ripe = true;
        while let Some(mut bag) = rest.bags.pop() {
            engine.orphans.discount(bag.amount());
            rest.entries = core::mem::take(&mut bag.entries);
            while let Some(entry) = rest.entries.pop() {
                engine.turns.note_freed();
                self.garbage.begin_running();
                self.free_one(entry);
            }
        }
        for (record, mark) in busy {
            record.garbage.wait_for_destructor(mark);
        }
    }

    /// What the owner's garbage amounts to.
    pub(super) fn amount(&self) -> Amount {
        self.counts.amount()
    }

    /// Every object in a record that the caller has for itself.
    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let counts = &self.counts;
        self.garbage.get_mut().take(counts, |mut bag| entries.append(&mut bag.entries));
        entries
    }
}

/// What a barrier has in its hands: left to others if a destructor panics.
struct Rest<'a, M: Mode> {
    engine: &'a Engine<M>,
    bags: Vec<Sealed>,
    /// Of the bag that is being emptied, and no longer counted.
    entries: Vec<Entry>,
    /// Whether the pins have been waited for.
    ripe: bool,
}

impl<M: Mode> Drop for Rest<'_, M> {
    fn drop(&mut self) {
        let entries = core::mem::take(&mut self.entries);
        let torn = Sealed { number: 0, entries, bytes: 0, held: 0 };
        self.engine.orphans.count(torn.amount());
        let number = if self.ripe { 0 } else { self.engine.ticket() };
        for bag in self.bags.drain(..).chain([torn]) {
            if !bag.entries.is_empty() {
                self.engine.orphans.push(Sealed { number, ..bag });
            }
        }
    }
}
