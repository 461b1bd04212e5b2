//! Files made up from a seed, which tell what they are, so that whoever reads one can check it.

use crate::name::Name;

/// A small generator of numbers (splitmix64): the same seed, the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for each pair.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// The name of a key.
pub(crate) fn name(key: usize) -> Name {
    format!("{:02}/{key:06}", key % 97).into_bytes().into()
}

/// The bytes of a version of a key: key and version first, then what follows from both.
pub(crate) fn bytes(seed: u64, key: usize, version: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    bytes.extend((key as u64).to_le_bytes());
    bytes.extend(version.to_le_bytes());
    let mut random = Random::new(seed ^ version, key as u64);
    while bytes.len() < length {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(length.max(16));
    bytes
}

/// The version that these bytes of a key tell; none if they are not as they were made.
pub(crate) fn version(seed: u64, key: usize, found: &[u8]) -> Option<u64> {
    let (head, _) = found.split_first_chunk::<16>()?;
    let version = u64::from_le_bytes(std::array::from_fn(|at| head[8 + at]));
    (bytes(seed, key, version, found.len()) == found).then_some(version)
}

/// A length: mostly a few pages, now and then none to speak of, now and then large.
pub(crate) fn length(random: &mut Random, largest: usize) -> usize {
    let length = match random.below(64) {
        0 => random.below(largest),
        1..=7 => 16,
        8..=23 => random.below(4096),
        _ => random.below(5 * 4096),
    };
    length.clamp(16, largest)
}
