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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Config {
    /// 0 for the scheme's own.
    batch: u32,
    batch_bytes: usize,
}

/// What the open bag's count is given room for.
const BATCH_AT_MOST: u32 = (1 << 20) - 1;

impl Config {
    /// The scheme's own size of bags (512 objects for epochs, 256 for intervals and hazard
    /// pointers), or 4 MiB.
    pub const DEFAULT: Self = Self { batch: 0, batch_bytes: 4 << 20 };

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
