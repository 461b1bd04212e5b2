//! The probe that sees.

use core::fmt;
use core::marker::PhantomData;
use core::panic::Location;
use core::ptr;

use latchwork_sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use latchwork_sync::lock::{Mutex, MutexGuard, PoisonError};
use latchwork_sync::time::Duration;

use super::histogram::Counts;
use super::hook::{OnLongHold, SeenBy};
use super::level::{Full, Level};
use super::observe::{Caller, Observe};
use super::report::{GateReport, LongestWait, ReadersReport, Report, Side};
use super::spent::Spent;
use super::watching::Watching;
use crate::holder::{Access, Holder};
use crate::registry::{self, Block, Record};

/// A probe that watches as closely as its level says; see the [module](super).
///
/// Size: less than 3 KiB, most of it histograms, apart from the word that the lock works on.
///
/// A guard that is forgotten ([`mem::forget`](core::mem::forget)) holds the lock for ever, and is
/// shown as its holder until the lock is dropped. Each takes one of the eight acquisitions that its
/// thread can show at a time.
pub struct Probed<L = Full> {
    /// Where the lock was asked for by the last writer, or the last reader that left while a
    /// writer waited: whoever was in the way of those that wait.
    in_the_way: AtomicPtr<Location<'static>>,
    sides: [Counted; 3],
    pub(super) behind_writers: AtomicU64,
    pub(super) behind_readers: AtomicU64,
    pub(super) time_behind_readers: AtomicU64,
    /// How long writers have held the lock, as far as they are measured.
    pub(super) written: Spent,
    pub(super) gate: Spent,
    pub(super) gate_shut: AtomicU64,
    pub(super) hook: OnLongHold,
    longest: Mutex<Longest>,
    /// What the registry knows the lock by; 0 until it must.
    number: AtomicUsize,
    level: PhantomData<L>,
}

/// One way of holding the lock.
#[derive(Debug)]
struct Counted {
    waited: Counts,
    held: Counts,
    gave_up: AtomicU64,
}

/// The longest of all, with what goes with it.
#[derive(Debug)]
struct Longest {
    hold: Option<(Duration, Access, Caller)>,
    wait: Option<LongestWait>,
}

/// What a guard carries.
#[derive(Debug)]
pub struct Held {
    site: Caller,
    access: Access,
    /// Since when, by the level's clock; 0 if it isn't measured.
    since: u64,
    record: Option<&'static Record>,
}

impl<L: Level> Probed<L> {
    /// A probe without a hook.
    #[must_use]
    pub const fn new() -> Self {
        Self::telling(OnLongHold::nobody())
    }

    /// A probe with a hook on long holds.
    #[must_use]
    pub const fn telling(hook: OnLongHold) -> Self {
        Self {
            in_the_way: AtomicPtr::new(ptr::null_mut()),
            sides: [const { Counted::new() }; 3],
            behind_writers: AtomicU64::new(0),
            behind_readers: AtomicU64::new(0),
            time_behind_readers: AtomicU64::new(0),
            written: Spent::new(),
            gate: Spent::new(),
            gate_shut: AtomicU64::new(0),
            hook,
            longest: Mutex::new(Longest { hold: None, wait: None }),
            number: AtomicUsize::new(0),
            level: PhantomData,
        }
    }

    /// The lock and a way of holding it, as the registry knows them.
    fn what(&self, access: Access) -> usize {
        // A multiple of 8, so that the lowest bits are free.
        registry::number(&self.number) | access as usize
    }

    fn longest(&self) -> MutexGuard<'_, Longest> {
        self.longest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to measure a hold.
    fn begin(&self, access: Access, site: Caller, since: u64) -> Held {
        if access == Access::Write && !L::COARSE {
            self.written.begin(since);
        }
        let show = |block: &'static Block| block.show(self.what(access), site, since);
        Held { site, access, since, record: registry::own_block().and_then(show) }
    }

    /// Ends the measuring of a hold; how long it was.
    fn end(&self, held: &Held, at: u64) -> u64 {
        if let Some(record) = held.record {
            record.free();
        }
        let nanos = at.saturating_sub(held.since);
        if L::COARSE {
            if nanos == 0 {
                return 0;
            }
            if held.access == Access::Write {
                self.written.lasted(nanos);
            }
        } else if held.access == Access::Write {
            self.written.end(at);
        }
        if self.sides[held.access as usize].held.add(nanos) {
            self.note_longest_hold(held, nanos);
        }
        nanos
    }

    #[cold]
    fn note_longest_hold(&self, held: &Held, nanos: u64) {
        let lasted = Duration::from_nanos(nanos);
        let mut longest = self.longest();
        if longest.hold.is_none_or(|(before, ..)| before < lasted) {
            longest.hold = Some((lasted, held.access, held.site));
        }
    }

    /// The last to stand in the way of those that wait, as far as known.
    fn site_in_the_way(&self) -> Option<Caller> {
        // Relaxed: a hint that orders nothing.
        let site = self.in_the_way.load(Ordering::Relaxed);
        // SAFETY: null, or from a reference that is good for ever.
        unsafe { site.as_ref() }
    }

    fn stands_in_the_way(&self, site: Caller) {
        // Relaxed: a hint that orders nothing.
        self.in_the_way.store(ptr::from_ref(site).cast_mut(), Ordering::Relaxed);
    }

    /// Whom a thread that waits can name: the longest holder that is shown, or if a writer was in
    /// its way, the last writer.
    pub(super) fn culprit(&self, by_writer: Option<bool>) -> Option<Holder> {
        let last_writer = || {
            let site = self.site_in_the_way().filter(|_| by_writer == Some(true))?;
            Some(Holder { access: Access::Write, site: site.into(), thread: None, held: None })
        };
        self.longest_holder().or_else(last_writer)
    }

    /// The longest holder that is shown.
    pub(super) fn longest_holder(&self) -> Option<Holder> {
        let own = self.what(Access::Read);
        let now = L::now();
        let (block, what, site, since) =
            registry::ALL.find(|what| what & !7 == own).min_by_key(|&(_, _, _, since)| since)?;
        Some(Holder {
            access: [Access::Read, Access::Upgradable, Access::Write][what & 7],
            site: site.into(),
            thread: Some(block.name()),
            held: Some(Duration::from_nanos(now.saturating_sub(since))),
        })
    }

    /// Counts a wait that ended with the lock.
    fn count_wait(&self, watching: &Watching<'_, L>) -> u64 {
        let waited = watching.start.elapsed();
        let nanos = waited.as_nanos() as u64;
        let now = L::now();
        if self.sides[watching.access as usize].waited.add(nanos) {
            let wait = LongestWait {
                access: watching.access,
                site: watching.site.into(),
                waited,
                behind: self.site_in_the_way().map(Into::into),
            };
            let mut longest = self.longest();
            if longest.wait.as_ref().is_none_or(|before| before.waited < waited) {
                longest.wait = Some(wait);
            }
        }
        self.blame(watching, nanos, now);
        now
    }

    /// Counts what a read waited for.
    fn blame(&self, watching: &Watching<'_, L>, waited: u64, now: u64) {
        // Relaxed, all: counts that order nothing.
        match watching.by_writer {
            Some(true) if watching.access != Access::Write => {
                self.behind_writers.fetch_add(1, Ordering::Relaxed);
            }
            Some(false) if watching.access != Access::Write => {
                self.behind_readers.fetch_add(1, Ordering::Relaxed);
                let written = self.written.until(now).saturating_sub(watching.written_before);
                let behind_readers = waited.saturating_sub(written);
                self.time_behind_readers.fetch_add(behind_readers, Ordering::Relaxed);
            }
            // A writer, or one that came through without sleep.
            _ => {}
        }
    }

    pub(super) fn report(&self) -> Report {
        // Relaxed, all: counts that order nothing.
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let side = |access: Access| {
            let Counted { waited, held, gave_up } = &self.sides[access as usize];
            Side { waited: waited.snapshot(), held: held.snapshot(), gave_up: count(gave_up) }
        };
        let longest = self.longest();
        let longest_hold = longest.hold.map(|(held, access, site)| Holder {
            access,
            site: site.into(),
            thread: None,
            held: Some(held),
        });
        Report {
            level: L::NAME,
            measured_one_in: L::ONE_IN,
            read: side(Access::Read),
            upgradable: side(Access::Upgradable),
            write: side(Access::Write),
            readers: ReadersReport {
                behind_writers: count(&self.behind_writers),
                behind_readers: count(&self.behind_readers),
                time_behind_readers: Duration::from_nanos(count(&self.time_behind_readers)),
            },
            gate: GateReport {
                shut: count(&self.gate_shut),
                time: Duration::from_nanos(self.gate.until(Watching::<L>::gate_clock())),
            },
            longest_hold,
            longest_wait: longest.wait.clone(),
            holder: self.longest_holder(),
            hooks_left_out: count(&self.hook.all_left_out),
        }
    }
}

impl Counted {
    const fn new() -> Self {
        Self { waited: Counts::new(), held: Counts::new(), gave_up: AtomicU64::new(0) }
    }
}

impl<L> Drop for Probed<L> {
    fn drop(&mut self) {
        // Relaxed: nobody else has the lock.
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            registry::ALL.forget(|what| what & !7 == number);
        }
    }
}

impl<L: Level> Default for Probed<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Level> fmt::Debug for Probed<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probed").field("level", &L::NAME).finish_non_exhaustive()
    }
}

impl<L: Level> Observe for Probed<L> {
    const NEW: Self = Self::new();

    type Held = Held;
    type Watching<'a> = Watching<'a, L>;

    #[inline]
    fn asks(&self, _access: Access, _site: Caller) {}

    #[inline]
    fn acquired(&self, access: Access, site: Caller) -> Held {
        if access == Access::Write {
            self.stands_in_the_way(site);
        }
        let since = L::begin();
        if since == 0 {
            return Held { site, access, since, record: None };
        }
        self.begin(access, site, since)
    }

    #[cold]
    fn watch(&self, access: Access, site: Caller) -> Watching<'_, L> {
        Watching::new(self, access, site)
    }

    #[cold]
    fn acquired_late(&self, watching: Watching<'_, L>) -> Held {
        let now = self.count_wait(&watching).max(1);
        if watching.access == Access::Write {
            self.stands_in_the_way(watching.site);
        }
        self.begin(watching.access, watching.site, now)
    }

    #[cold]
    fn waited(&self, watching: Watching<'_, L>) {
        self.count_wait(&watching);
    }

    #[cold]
    fn gave_up(&self, watching: Watching<'_, L>) {
        // Relaxed: a count.
        self.sides[watching.access as usize].gave_up.fetch_add(1, Ordering::Relaxed);
        self.blame(&watching, watching.start.elapsed().as_nanos() as u64, L::now());
    }

    #[inline]
    fn stamp(&self, held: &Held, waited_for: bool) -> u64 {
        // Before the wakes: whoever is woken names this site.
        if waited_for && held.access != Access::Write {
            self.stands_in_the_way(held.site);
        }
        if held.since == 0 { 0 } else { L::now() }
    }

    #[inline]
    fn released(&self, held: Held, at: u64) {
        if held.since == 0 {
            return;
        }
        let nanos = self.end(&held, at);
        if nanos >= self.hook.threshold_nanos {
            let lasted = Duration::from_nanos(nanos);
            let Held { site, access, .. } = held;
            self.hook.tell(SeenBy::Releaser, || {
                Some(Holder {
                    access,
                    site: site.into(),
                    thread: registry::own_block().map(Block::name),
                    held: Some(lasted),
                })
            });
        }
    }

    #[inline]
    fn changed(&self, held: Held, to: Access) -> Held {
        let Held { site, since, .. } = held;
        if since == 0 {
            if to == Access::Write {
                self.stands_in_the_way(site);
            }
            return Held { access: to, ..held };
        }
        let at = L::now().max(1);
        self.end(&held, at);
        self.begin(to, site, at)
    }

    fn holder(&self) -> Option<Holder> {
        self.longest_holder()
    }
}
