//! Rows of unused slots from the allocator.

use alloc::boxed::Box;

use crate::lists::Slot;

/// A row of unused slots, or `None` where there is no memory for it.
///
/// The memory comes zeroed, so that its pages are first touched when a slot is first used.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(super) fn row<T>(slots: usize) -> Option<Box<[Slot<T>]>> {
    use alloc::alloc::{Layout, alloc_zeroed};

    let layout = Layout::array::<Slot<T>>(slots).ok()?;
    assert!(slots > 0, "a row has at least one slot");
    // SAFETY: a slot is at least 16 bytes large, so the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<Slot<T>>();
    if memory.is_null() {
        return None;
    }
    let row = core::ptr::slice_from_raw_parts_mut(memory, slots);
    // SAFETY: allocated above with the layout of such a box; all zeros are valid slots.
    Some(unsafe { Box::from_raw(row) })
}

/// As above, where each slot is known to the checker.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unnecessary_wraps, reason = "as on the real machine")]
pub(super) fn row<T>(slots: usize) -> Option<Box<[Slot<T>]>> {
    Some((0..slots).map(|_| Slot::new()).collect())
}
