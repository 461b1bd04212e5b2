//! A compare-and-swap succeeds against an address that was freed and handed out again.
//!
//! A 48-byte node of a lock-free history was freed, the allocator gave the same address to a new
//! node, and an exchange prepared against the old one succeeded: a version was built on contents
//! that were no longer current, and the one in between was lost.
//!
//! Two fixes, each in a model of its own: a tag beside the address that every exchange advances;
//! or a hazard that keeps the address from being handed out while somebody prepares an exchange
//! against it.
//!
//! Reference: Neely, "Fear and Loathing in Lock-Free Programming", 2017. Michael, "Hazard
//! Pointers", 2004.

use latchwork_sync::asym;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::Bug;
use super::versions::{History, three_replacements};

pub(super) const BY_TAG: Bug = Bug {
    name: "untagged_reuse",
    twin: "address_alone",
    fails_with: "a version was built on one that was gone",
    bound: None,
    fixed: || three_replacements(8),
    broken: || three_replacements(0),
};

pub(super) const BY_HAZARD: Bug = Bug {
    name: "unprotected_reuse",
    twin: "nobody_looks_at_the_hazard",
    fails_with: "a version was built on one that was gone",
    bound: Some(3),
    fixed: hazard_scene::<true>,
    broken: hazard_scene::<false>,
};

const NONE: usize = usize::MAX;

/// The same without tags. `LOOKS`: the allocator doesn't hand out what is protected.
fn hazard_scene<const LOOKS: bool>() -> String {
    let shared = Arc::new((History::new(), AtomicUsize::new(NONE)));
    let theirs = Arc::clone(&shared);
    let other = thread::spawn(move || {
        let (history, hazard) = &*theirs;
        let mut free = 1;
        for _ in 0..2 {
            let seen = history.current.load(Ordering::Acquire);
            let freed = history.replace(seen, free, 0);
            asym::heavy();
            // Acquire: pairs with the release of the hazard; its owner is done with the slot.
            let protected = LOOKS && hazard.load(Ordering::Acquire) == freed;
            free = if protected { 3 } else { freed };
        }
    });
    let (history, hazard) = &*shared;
    loop {
        let seen = protect(history, hazard);
        let count = history.counts[seen].load(Ordering::Relaxed);
        history.counts[2].store(count + 1, Ordering::Relaxed);
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        if history.current.compare_exchange(seen, 2, success, failure).is_ok() {
            break;
        }
    }
    // Release: pairs with the allocator's look.
    hazard.store(NONE, Ordering::Release);
    other.join().unwrap();
    history.assert_counts(3)
}

/// The current version, which nobody hands out again while the hazard names it.
fn protect(history: &History, hazard: &AtomicUsize) -> usize {
    let mut seen = history.current.load(Ordering::Acquire);
    loop {
        hazard.store(seen, Ordering::Relaxed);
        // Either the allocator sees the hazard, or this sees that the version has gone.
        asym::light();
        let now = history.current.load(Ordering::Acquire);
        if now == seen {
            return seen;
        }
        seen = now;
    }
}
