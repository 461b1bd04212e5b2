//! Known bugs, for the models' twins. Not in any normal build.

use core::cell::Cell;

std::thread_local! {
    // The threads of a model all run on one thread of the system.
    static PRESENT: Cell<u32> = const { Cell::new(0) };
}

/// A shield does not fence.
pub const NO_LIGHT: u32 = 1;
/// A scan does not fence.
pub const NO_HEAVY: u32 = 1 << 1;
/// A shield does not look again whether its source still holds the pointer.
pub const NO_SECOND_LOOK: u32 = 1 << 2;
/// The last shield of an array is set after the fence.
pub const LATE_IN_ARRAY: u32 = 1 << 3;
/// A thread that leaves gives its record back before it has taken its garbage out.
pub const EARLY_RELEASE: u32 = 1 << 4;
/// The owner of a biased lock does not fence.
pub const OWNER_NO_LIGHT: u32 = 1 << 5;
/// The guest of a biased lock does not fence.
pub const GUEST_NO_HEAVY: u32 = 1 << 6;
/// A thread that leaves lets go of its garbage before it has put it among the orphans.
pub const LATE_ORPHANS: u32 = 1 << 7;

/// A snapshot's old value is given up at once.
pub const NO_GRACE: u32 = 1 << 8;
/// A list's traversal goes on from the link of a removed node.
pub const PAST_REMOVED: u32 = 1 << 11;
/// A list's node is unlinked without a mark.
pub const NO_MARK: u32 = 1 << 12;

/// Puts bugs back for the rest of the execution.
pub fn put_back(faults: u32) {
    PRESENT.set(faults);
}

pub(crate) fn has(fault: u32) -> bool {
    PRESENT.get() & fault != 0
}
