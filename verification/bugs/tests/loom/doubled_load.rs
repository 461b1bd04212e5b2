//! The compiler reads `head` a second time between `item.next = head` and the compare-and-swap.
//!
//! A submitter of RavenDB's IO ring pushed its pages on a shared list. `head` was a plain global,
//! so the compiler was free to load it once for the link and once for the exchange. A push between
//! the two loads makes the exchange succeed against a head that the link doesn't point to: that
//! item falls off the list, and its submitter waits for ever. The bug as source: the same two
//! loads, written out.
//!
//! The fix: one load an attempt, and on failure the value that the exchange returned.
//!
//! Reference: Oren Eini's posts on the IO ring of RavenDB 7.1 and its race, ayende.com, 2025.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::Bug;

pub(super) const BUG: Bug = Bug {
    name: "doubled_load",
    twin: "head_is_read_twice",
    fails_with: "an item was lost",
    bound: None,
    fixed: scene::<false>,
    broken: scene::<true>,
};

/// Items 1 and 2; 0 ends the list.
struct List {
    head: AtomicUsize,
    next: [AtomicUsize; 3],
}

fn push<const TWICE: bool>(list: &List, item: usize) {
    let mut seen = list.head.load(Ordering::Relaxed);
    loop {
        list.next[item].store(seen, Ordering::Relaxed);
        let expected = if TWICE { list.head.load(Ordering::Relaxed) } else { seen };
        // Release: pairs with the taker's swap.
        match list.head.compare_exchange(expected, item, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}

fn scene<const TWICE: bool>() -> String {
    let list = Arc::new(List {
        head: AtomicUsize::new(0),
        next: [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)],
    });
    let theirs = Arc::clone(&list);
    let other = thread::spawn(move || push::<TWICE>(&theirs, 2));
    push::<TWICE>(&list, 1);
    other.join().unwrap();
    let mut taken = Vec::new();
    // Acquire: pairs with the pushes.
    let mut item = list.head.swap(0, Ordering::Acquire);
    while item != 0 {
        taken.push(item);
        item = list.next[item].load(Ordering::Relaxed);
    }
    assert_eq!(taken.len(), 2, "an item was lost: {taken:?}");
    format!("{taken:?}")
}
