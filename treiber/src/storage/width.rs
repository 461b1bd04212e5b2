//! How many bits of a word are generation.

/// How wide generations may be at most.
pub trait Width: Send + Sync + 'static {
    /// Generations have this many bits, if the word has so many to spare.
    const BITS: u32;
}

/// As wide as the word allows.
#[derive(Clone, Copy, Debug)]
pub struct Full;

impl Width for Full {
    const BITS: u32 = 64;
}

/// As narrow as a test wants them, to show that they matter.
#[derive(Clone, Copy, Debug)]
pub struct Narrow<const BITS: u32>;

impl<const BITS: u32> Width for Narrow<BITS> {
    const BITS: u32 = BITS;
}

/// `word` with the next generation, the lowest bit of which is `one_up`; below it is the index.
///
/// ```text
/// word = generation (the high bits; it wraps off the top) │ index (the low bits; 0 is no slot)
/// ```
#[inline]
pub(super) fn bumped<W: Width>(word: u64, one_up: u64) -> u64 {
    let next = word.wrapping_add(one_up);
    if W::BITS >= 64 { next } else { next & ((one_up << W::BITS) - 1) }
}

/// How many bits are left for the generation.
pub(super) fn generation_bits<W: Width>(index_bits: u32) -> u32 {
    W::BITS.min(64 - index_bits)
}

/// From this width on a handle may trust what it saw last even after it lay idle; the odds are
/// in the documentation of `Handle`.
pub(super) const WIDE: u32 = 32;
