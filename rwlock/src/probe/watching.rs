//! A probe's eyes while a thread waits.

use latchwork_sync::atomic::Ordering;
use latchwork_sync::time::{Duration, Instant, to_nanos};

use super::hook::SeenBy;
use super::level::Level;
use super::observe::Caller;
use super::probed::Probed;
use crate::holder::Access;
use crate::raw::Watch;

/// One wait, watched.
#[derive(Debug)]
pub struct Watching<'a, L: Level> {
    probe: &'a Probed<L>,
    pub(super) access: Access,
    pub(super) site: Caller,
    pub(super) start: Instant,
    /// How long writers had held the lock before.
    pub(super) written_before: u64,
    /// Whether a writer held the lock when the wait began, if it has begun.
    pub(super) by_writer: Option<bool>,
    /// How long it must last before the hook is told.
    patience: Duration,
}

impl<'a, L: Level> Watching<'a, L> {
    pub(super) fn new(probe: &'a Probed<L>, access: Access, site: Caller) -> Self {
        Self {
            probe,
            access,
            site,
            start: Instant::now(),
            written_before: probe.written.until(L::now()),
            by_writer: None,
            patience: probe.hook.threshold,
        }
    }

    /// The clock of the gate's periods.
    pub(super) fn gate_clock() -> u64 {
        to_nanos(Instant::now())
    }
}

impl<L: Level> Watch for Watching<'_, L> {
    const ON: bool = true;

    fn blocked(&mut self, by_writer: bool) {
        self.by_writer = Some(by_writer);
    }

    fn alarm(&self) -> Option<Instant> {
        self.start.checked_add(self.patience)
    }

    fn look(&mut self, now: Option<Instant>) {
        let Some(now) = now else { return };
        let waited = now.saturating_duration_since(self.start);
        if waited < self.patience {
            return;
        }
        self.patience = waited.saturating_mul(2);
        let seen_by = SeenBy::Waiter { access: self.access, site: self.site.into(), waited };
        self.probe.hook.tell(seen_by, || self.probe.culprit(self.by_writer));
    }

    fn gate(&mut self, shut: bool) {
        let now = Self::gate_clock();
        if shut {
            // Relaxed: a count.
            self.probe.gate_shut.fetch_add(1, Ordering::Relaxed);
            self.probe.gate.begin(now);
        } else {
            self.probe.gate.end(now);
        }
    }
}
