//! `parking_lot_core`'s queues, keyed by the word's address.

use core::cell::Cell;

use parking_lot_core::{
    DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, park, unpark_filter,
};

use super::{Address, Class, Waited};
use crate::atomic::{AtomicU32, Ordering};
use crate::time::Instant;

/// The queues are shared with every lock of parking_lot's in the process. Where a word is gone,
/// one of those may lie in its place, and must not be woken by our wakes: no two objects have
/// addresses that are each other's complements.
fn key(address: Address) -> usize {
    !address.0
}

pub(super) fn wait(
    word: &AtomicU32,
    expected: u32,
    class: Class,
    deadline: Option<Instant>,
) -> Waited {
    // SAFETY: the key is made of the address of a word that this crate owns the waiting on; the
    // closures call nothing of parking_lot's and don't panic.
    let result = unsafe {
        park(
            key(Address::of(word)),
            // Relaxed: the queue's lock orders this look against a waker's.
            || word.load(Ordering::Relaxed) == expected,
            || {},
            |_, _| {},
            ParkToken(class.bits() as usize),
            deadline,
        )
    };
    match result {
        ParkResult::Unparked(_) => Waited::Woken,
        ParkResult::Invalid => Waited::Changed,
        ParkResult::TimedOut => Waited::TimedOut,
    }
}

pub(super) fn wake(address: Address, count: u32, class: Class) -> bool {
    let left = Cell::new(count);
    let filter = |ParkToken(bits): ParkToken| {
        if left.get() == 0 {
            return FilterOp::Stop;
        }
        if bits as u32 & class.bits() == 0 {
            return FilterOp::Skip;
        }
        left.set(left.get() - 1);
        FilterOp::Unpark
    };
    // SAFETY: as for `park`: a key of ours, closures that don't panic or call back.
    let result = unsafe { unpark_filter(key(address), filter, |_| DEFAULT_UNPARK_TOKEN) };
    result.unparked_threads > 0
}
