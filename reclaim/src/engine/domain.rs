//! References to a domain.

use core::fmt;
use core::ptr::NonNull;

use latchwork_sync::atomic::Ordering;

use super::word::{UNIT, era_of};
use super::{Config, Engine, Mode};
use crate::stats::Stats;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use alloc::sync::Arc;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use latchwork_sync::lock::Arc;

/// A domain whose grace periods are numbered by its barriers; used as
/// [`Epoch`](crate::Epoch).
///
/// Cloning gives another reference to the same domain. When the last reference, which every handle
/// holds one of, is gone, all garbage is freed.
pub struct Numbered<M: Mode> {
    /// Stays where it is: a static, or what `keep` counts.
    engine: NonNull<Engine<M>>,
    keep: Option<Arc<Engine<M>>>,
}

// SAFETY: a reference to an engine, which is Sync, and at most a count.
unsafe impl<M: Mode> Send for Numbered<M> {}
// SAFETY: as above.
unsafe impl<M: Mode> Sync for Numbered<M> {}

impl<M: Mode> Numbered<M> {
    /// A domain of its own.
    pub fn new() -> Self {
        Self::with_config(Config::DEFAULT)
    }

    /// A domain of its own, with other sizes of bags.
    pub fn with_config(config: Config) -> Self {
        let engine = Arc::new(Engine::new(config));
        Self { engine: NonNull::from(&*engine), keep: Some(engine) }
    }

    /// The domain of the whole process, which is never freed.
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub fn global() -> Self {
        Self { engine: NonNull::from(M::global().0), keep: None }
    }

    #[inline(always)]
    pub(crate) fn engine(&self) -> &Engine<M> {
        // SAFETY: a static, or kept by `keep`.
        unsafe { self.engine.as_ref() }
    }

    /// What the domain has done and still holds.
    ///
    /// Cost: a walk over the records, Relaxed loads only. While others retire and free, the sums
    /// are of slightly different moments.
    pub fn stats(&self) -> Stats {
        let engine = self.engine();
        let (barriers, saved) = engine.barriers();
        let (mut pending, mut bytes) = engine.orphans.counts();
        let mut stats =
            Stats { orphans: pending, barriers, barriers_saved: saved, ..Stats::default() };
        stats.freed = engine.turns.freed();
        let now = era_of(engine.era.load(Ordering::Relaxed));
        for record in engine.records() {
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
}

impl<M: Mode> Clone for Numbered<M> {
    fn clone(&self) -> Self {
        Self { engine: self.engine, keep: self.keep.clone() }
    }
}

impl<M: Mode> Default for Numbered<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> fmt::Debug for Numbered<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(M::NAME).field("at", &core::ptr::from_ref(self.engine())).finish()
    }
}
