use crate::stats::Stats;

/// When a thread seals its bag of garbage, and what is too much of it.
///
/// Larger bags mean fewer barriers and more garbage: without stalled readers a thread holds about
/// three bags.
///
/// ```
/// use latchwork_reclaim::{Config, Epoch};
///
/// let domain = Epoch::with_config(Config::DEFAULT.batch(64).batch_bytes(1 << 20));
/// # drop(domain);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Config {
    /// 0 for the scheme's own.
    batch: u32,
    batch_bytes: usize,
    pub(crate) budget: Option<Budget>,
}

/// How much garbage a domain may hold before somebody is told.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// More pending objects than this are too many.
    pub objects: usize,
    /// More pending bytes than this are too many.
    pub bytes: usize,
    /// Is called with the domain's figures, by a thread that retires, with each bag that it fills
    /// while there are too many: to write a log line with the stalled threads, to slow the
    /// writers down, to end a query.
    ///
    /// The thread may be pinned: the function must not wait for the domain.
    pub exceeded: fn(&Stats),
}

impl Budget {
    pub(crate) fn check(&self, stats: impl FnOnce() -> Stats) {
        let stats = stats();
        if stats.pending > self.objects || stats.pending_bytes > self.bytes {
            (self.exceeded)(&stats);
        }
    }
}

/// What the open bag's count is given room for.
const BATCH_AT_MOST: u32 = (1 << 20) - 1;

impl Config {
    /// The scheme's own size of bags (512 objects for epochs, 256 for intervals and hazard
    /// pointers), or 4 MiB.
    pub const DEFAULT: Self = Self { batch: 0, batch_bytes: 4 << 20, budget: None };

    /// Seals a bag when it holds so many objects; at least one, at most 1,048,575.
    pub const fn batch(mut self, objects: u32) -> Self {
        self.batch = match objects {
            0 => 1,
            1..BATCH_AT_MOST => objects,
            _ => BATCH_AT_MOST,
        };
        self
    }

    /// Seals a bag when its objects take so many bytes.
    pub const fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Tells somebody when the domain holds more than so much garbage.
    ///
    /// Cost: with each bag that is filled, a walk over the records.
    ///
    /// ```
    /// use latchwork_reclaim::{Budget, Config, Epoch, Guard};
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// static SEEN: AtomicUsize = AtomicUsize::new(0);
    ///
    /// let domain = Epoch::with_config(Config::DEFAULT.batch(8).budget(Budget {
    ///     objects: 100,
    ///     bytes: usize::MAX,
    ///     exceeded: |stats| SEEN.store(stats.pending, Ordering::Relaxed),
    /// }));
    /// let (mut reader, mut writer) = (domain.register(), domain.register());
    /// let stalled = reader.pin();
    /// for _ in 0..200 {
    ///     writer.pin().defer(|| ());
    /// }
    /// assert!(SEEN.load(Ordering::Relaxed) > 100);
    /// # drop(stalled);
    /// ```
    pub const fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The numbers, for a scheme whose own size of bags is `batch`.
    pub(crate) const fn limits(&self, batch: u32) -> Limits {
        let batch = if self.batch == 0 { batch } else { self.batch } as usize;
        Limits { batch, bytes: self.batch_bytes, look: batch.div_ceil(8) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is done when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A bag is full with so many objects,
    pub(crate) batch: usize,
    /// or so many bytes.
    pub(crate) bytes: usize,
    /// So many objects after a seal, it is time to look whether the bags before are ripe.
    pub(crate) look: usize,
}
