//! References to a domain.

use core::fmt;

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
pub struct Numbered<M: Mode>(Reference<M>);

/// A reference to an engine that stays where it is.
pub(crate) enum Reference<M: Mode> {
    Counted(Arc<Engine<M>>),
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    Static(&'static Engine<M>),
}

impl<M: Mode> Numbered<M> {
    /// A domain of its own.
    pub fn new() -> Self {
        Self::with_config(Config::DEFAULT)
    }

    /// A domain of its own, with other sizes of bags.
    pub fn with_config(config: Config) -> Self {
        Self(Reference::Counted(Arc::new(Engine::new(config))))
    }

    /// The domain of the whole process, which is never freed.
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub fn global() -> Self {
        Self(Reference::Static(M::global().0))
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Engine<M> {
        match &self.0 {
            Reference::Counted(engine) => engine,
            #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
            Reference::Static(engine) => engine,
        }
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
        let now = engine.era.load(Ordering::Relaxed);
        for record in engine.records() {
            let counts = record.counts();
            pending = pending.wrapping_add(counts.pending);
            bytes = bytes.wrapping_add(counts.bytes);
            stats.freed += counts.freed;
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
        Self(match &self.0 {
            Reference::Counted(engine) => Reference::Counted(Arc::clone(engine)),
            #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
            Reference::Static(engine) => Reference::Static(engine),
        })
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
