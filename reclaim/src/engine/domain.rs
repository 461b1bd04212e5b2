//! References to a domain.

use core::fmt;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
use latchwork_sync::atomic::Ordering;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
use super::word::{UNIT, era_of};
use super::{Config, Engine, Mode};
use crate::home::Home;
use crate::stats::Stats;

/// A domain whose grace periods are numbered by its barriers; used as
/// [`Epoch`](crate::Epoch).
///
/// Cloning gives another reference to the same domain. When the last reference, which every handle
/// holds one of, is gone, all garbage is freed.
pub struct Numbered<M: Mode> {
    engine: Home<Engine<M>>,
}

impl<M: Mode> Numbered<M> {
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
        Self { engine: Home::of_process(M::global().0) }
    }

    #[inline(always)]
    pub(crate) fn engine(&self) -> &Engine<M> {
        &self.engine
    }

    /// What the domain has done and still holds.
    ///
    /// Cost: a walk over the records, Relaxed loads only. While others retire and free, the sums
    /// are of slightly different moments.
    pub fn stats(&self) -> Stats {
        self.engine().stats()
    }

    /// The registrations whose guards began at least `behind` heavy fences ago: who holds back
    /// garbage, how far behind, since when.
    ///
    /// Cost: a walk over the records, and a lock of each that is reported.
    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub fn stalled(&self, behind: u64) -> alloc::vec::Vec<super::Stalled> {
        let engine = self.engine();
        let now = era_of(engine.era.load(Ordering::Relaxed));
        let lag = |word| now.saturating_sub(era_of(word)) / UNIT;
        let records = engine.records().filter_map(|record| Some((record, record.published()?)));
        let lagging = records.filter(|(_, word)| lag(*word) >= behind);
        lagging.map(|(record, word)| record.watch.report(word, lag(word))).collect()
    }
}

impl<M: Mode> Clone for Numbered<M> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone() }
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
