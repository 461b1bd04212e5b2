//! A tag that wraps while a thread is stalled protects nothing.
//!
//! The same history as in `untagged_reuse`, with a tag of one bit: two replacements bring back both
//! the address and the tag. Sixteen spare address bits are the same mistake at a larger scale.
//!
//! The fix: a tag so wide that no stall outlives it.
//!
//! Reference: boostorg/lockfree #56, facebook/folly #712, rpmalloc #32 (12 bits).

use super::Bug;
use super::versions::three_replacements;

pub(super) const BUG: Bug = Bug {
    name: "narrow_tag",
    twin: "one_bit",
    fails_with: "a version was built on one that was gone",
    bound: None,
    fixed: || three_replacements(8),
    broken: || three_replacements(1),
};
