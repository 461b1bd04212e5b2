/// When a thread seals its bag of garbage.
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
    pub(crate) batch: u32,
    pub(crate) batch_bytes: usize,
}

impl Config {
    /// Bags of 512 objects or 4 MiB.
    pub const DEFAULT: Self = Self { batch: 512, batch_bytes: 4 << 20 };

    /// Seals a bag when it holds so many objects; at least one.
    pub const fn batch(mut self, objects: u32) -> Self {
        self.batch = if objects == 0 { 1 } else { objects };
        self
    }

    /// Seals a bag when its objects take so many bytes.
    pub const fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
