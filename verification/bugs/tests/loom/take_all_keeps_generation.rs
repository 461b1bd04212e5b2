//! Taking the whole stack must count as a change.
//!
//! The head is (item, generation), advanced by pop. Take-all swapped the pointer for null and left
//! the generation as it was, "since null does not need one". A stalled pop then doesn't notice that
//! everything was taken and its first item pushed back alone: its exchange succeeds, and puts an
//! item on the stack that the taker owns.
//!
//! The fix: take-all advances the generation too (or the generation lives in the node and each push
//! advances it, as in `latchwork-treiber`).
//!
//! Reference: Concurrency Kit, commit 7b5d000, "make batch_pop_mpmc ABA-safe", 2026; releases up to
//! 0.7.2 have the bug.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::Bug;

pub(super) const BUG: Bug = Bug {
    name: "take_all_keeps_generation",
    twin: "only_pop_counts",
    fails_with: "an item has two owners or none",
    bound: None,
    fixed: scene::<true>,
    broken: scene::<false>,
};

const ITEM: usize = 0xf;
const ONE_GENERATION: usize = 0x10;

/// Items 1 and 2; 0 ends the list.
struct Stack {
    head: AtomicUsize,
    next: [AtomicUsize; 3],
}

impl Stack {
    fn pop(&self) -> usize {
        let mut seen = self.head.load(Ordering::Acquire);
        while seen & ITEM != 0 {
            let next = self.next[seen & ITEM].load(Ordering::Relaxed);
            let new = next | ((seen & !ITEM) + ONE_GENERATION);
            match self.head.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        seen & ITEM
    }

    fn push(&self, item: usize) {
        let mut seen = self.head.load(Ordering::Relaxed);
        loop {
            self.next[item].store(seen & ITEM, Ordering::Relaxed);
            let new = item | (seen & !ITEM);
            match self.head.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
    }

    fn take_all<const COUNTS: bool>(&self) -> Vec<usize> {
        let mut seen = self.head.load(Ordering::Acquire);
        loop {
            let generation = (seen & !ITEM) + if COUNTS { ONE_GENERATION } else { 0 };
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            match self.head.compare_exchange(seen, generation, success, failure) {
                Ok(_) => return self.chain(seen & ITEM),
                Err(now) => seen = now,
            }
        }
    }

    fn chain(&self, mut item: usize) -> Vec<usize> {
        let mut items = Vec::new();
        while item != 0 {
            items.push(item);
            item = self.next[item].load(Ordering::Relaxed);
        }
        items
    }
}

fn scene<const COUNTS: bool>() -> String {
    let stack =
        Arc::new(Stack { head: AtomicUsize::new(1), next: [0, 2, 0].map(AtomicUsize::new) });
    let theirs = Arc::clone(&stack);
    let other = thread::spawn(move || {
        let mut taken = theirs.take_all::<COUNTS>();
        // The first goes back, the taker keeps the rest.
        if !taken.is_empty() {
            theirs.push(taken.remove(0));
        }
        taken
    });
    let popped = stack.pop();
    let taken = other.join().unwrap();
    let left = stack.chain(stack.head.load(Ordering::Acquire) & ITEM);
    let story = format!("popped {popped} taken {taken:?} left {left:?}");
    let mut owned = [&[popped][..], &taken, &left].concat();
    owned.retain(|item| *item != 0);
    owned.sort_unstable();
    assert_eq!(owned, [1, 2], "an item has two owners or none: {story}");
    story
}
