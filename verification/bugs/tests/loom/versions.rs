//! A lock-free history: the current version is replaced by one built on it, and slots are reused.
//!
//! The word holds the slot of the current version and a tag that every exchange advances. One
//! thread replaces the version twice, and its second allocation gets the slot that its first
//! replacement freed, as a last-in-first-out allocator gives it. The other replaces it once. Each
//! version counts one more than the one it is built on.

use latchwork_sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

const SLOT: usize = 0xf;
const TAG: u32 = 4;

pub(super) struct History {
    pub(super) current: AtomicUsize,
    pub(super) counts: [AtomicU32; 4],
}

impl History {
    pub(super) fn new() -> Self {
        Self { current: AtomicUsize::new(0), counts: [0; 4].map(AtomicU32::new) }
    }

    /// Replaces the current version by one in the slot `into`, with a tag of so many bits; returns
    /// the slot that is free now.
    pub(super) fn replace(&self, mut seen: usize, into: usize, tag_bits: u32) -> usize {
        loop {
            let count = self.counts[seen & SLOT].load(Ordering::Relaxed);
            self.counts[into].store(count + 1, Ordering::Relaxed);
            let tag = ((seen >> TAG) + 1) & ((1 << tag_bits) - 1);
            let new = into | tag << TAG;
            // AcqRel: pairs with itself and with `seen`; a version is read after it was written.
            match self.current.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return seen & SLOT,
                Err(now) => seen = now,
            }
        }
    }

    pub(super) fn assert_counts(&self, replacements: u32) -> String {
        let current = self.current.load(Ordering::Acquire);
        let count = self.counts[current & SLOT].load(Ordering::Relaxed);
        assert_eq!(count, replacements, "a version was built on one that was gone");
        current.to_string()
    }
}

/// Three replacements, told apart by a tag of so many bits.
pub(super) fn three_replacements(tag_bits: u32) -> String {
    let history = Arc::new(History::new());
    let theirs = Arc::clone(&history);
    let other = thread::spawn(move || {
        let mut free = 1;
        for _ in 0..2 {
            let seen = theirs.current.load(Ordering::Acquire);
            free = theirs.replace(seen, free, tag_bits);
        }
    });
    let seen = history.current.load(Ordering::Acquire);
    history.replace(seen, 2, tag_bits);
    other.join().unwrap();
    history.assert_counts(3)
}
