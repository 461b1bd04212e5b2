//! Index and generation in one word.

/// How a 64-bit word is divided into an index and a generation.
///
/// ```text
/// word = generation (the high bits; it wraps off the top) │ index (the low bits)
/// ```
///
/// ```
/// use latchwork_treiber::tagged::IndexLayout;
///
/// let layout = IndexLayout::for_indices(4096);
/// assert_eq!(layout.generation_bits(), 52);
/// let word = layout.word(7, 1);
/// let again = layout.bumped(word);
/// assert_eq!((layout.index(again), layout.generation(again)), (7, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexLayout {
    index_bits: u32,
}

impl IndexLayout {
    /// The layout for indices from 0 to `count - 1`, with the widest generation that is left.
    ///
    /// # Panics
    ///
    /// When `count` is 0 or above 2^63: no bit would be left for the generation.
    #[must_use]
    pub const fn for_indices(count: u64) -> Self {
        assert!(count > 0 && count <= 1 << 63, "no index, or no bit left for a generation");
        Self { index_bits: u64::BITS - (count - 1).leading_zeros() }
    }

    /// How many bits the generation has.
    #[must_use]
    pub const fn generation_bits(self) -> u32 {
        u64::BITS - self.index_bits
    }

    /// A word. Bits of either that have no place in it are lost.
    #[inline]
    #[must_use]
    pub const fn word(self, index: u64, generation: u64) -> u64 {
        match self.index_bits {
            0 => generation,
            bits => generation << bits | self.index(index),
        }
    }

    /// The index in a word.
    #[inline]
    #[must_use]
    pub const fn index(self, word: u64) -> u64 {
        word & ((1 << self.index_bits) - 1)
    }

    /// The generation in a word.
    #[inline]
    #[must_use]
    pub const fn generation(self, word: u64) -> u64 {
        word >> self.index_bits
    }

    /// The same index with the next generation: one addition.
    #[inline]
    #[must_use]
    pub const fn bumped(self, word: u64) -> u64 {
        word.wrapping_add(1 << self.index_bits)
    }
}
