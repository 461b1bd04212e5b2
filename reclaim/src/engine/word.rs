//! The word that a record publishes.
//!
//! ```text
//!  63                          12  11          10            0
//! | era of the outermost pin     | transient | depth          |
//! ```
//!
//! Zero: not pinned. The depth counts nested guards, so that they may be dropped in any order.
//! Eras are kept shifted, as multiples of [`UNIT`], so that pinning needs no shift. 52 bits of
//! heavies last for 70 years at one every half microsecond.

/// One era.
pub(crate) const UNIT: u64 = 1 << 12;

/// The first era: above zero, so that a pinned word never is.
pub(crate) const FIRST_ERA: u64 = UNIT;

/// In the shared era: a pin must fence in earnest. Falls on the bit that every pinned word has, so
/// that it changes nothing there.
pub(crate) const FENCES: u64 = 1;

/// Not pinned.
pub(crate) const OFF: u64 = 0;

/// The record is given back when its last guard ends: its thread is past its own clean-up.
pub(crate) const TRANSIENT: u64 = 1 << 11;

/// The depth, and at once its greatest value.
pub(crate) const DEPTH: u64 = TRANSIENT - 1;

/// The era of a pinned word.
#[inline(always)]
pub(crate) const fn era_of(word: u64) -> u64 {
    word & !(UNIT - 1)
}
