//! The next tag must come from the value that the exchange returned.
//!
//! In iceoryx's free list the new head was made from the old one before the loop, and its tag was
//! advanced inside the loop: `new.tag += 1`. An attempt that fails reloads the old head, but the
//! new tag goes on from the stale copy. It can be smaller than, or equal to, one that was already
//! used: tags repeat, and the same chunk of shared memory was freed twice in production.
//!
//! The model stops at the first tag that doesn't follow the one it replaces.
//!
//! Reference: eclipse-iceoryx/iceoryx #2351, fixed by #2386.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::Bug;

pub(super) const BUG: Bug = Bug {
    name: "stale_tag",
    twin: "advanced_from_its_own_copy",
    fails_with: "a tag was used again",
    bound: None,
    fixed: scene::<false>,
    broken: scene::<true>,
};

const SLOT: usize = 0xf;
const TAG: u32 = 4;

/// Free slots 1 to 3; 0 ends the list.
struct Free {
    head: AtomicUsize,
    next: [AtomicUsize; 4],
}

impl Free {
    fn exchange<const STALE: bool>(&self, new_slot: impl Fn(usize) -> usize) -> usize {
        let mut seen = self.head.load(Ordering::Acquire);
        let mut tag = seen >> TAG;
        loop {
            tag = if STALE { tag } else { seen >> TAG } + 1;
            let new = new_slot(seen & SLOT) | tag << TAG;
            match self.head.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    assert_eq!(tag, (seen >> TAG) + 1, "a tag was used again");
                    return seen & SLOT;
                }
                Err(now) => seen = now,
            }
        }
    }

    fn pop<const STALE: bool>(&self) -> usize {
        self.exchange::<STALE>(|top| self.next[top].load(Ordering::Relaxed))
    }

    fn push<const STALE: bool>(&self, slot: usize) {
        self.exchange::<STALE>(|top| {
            self.next[slot].store(top, Ordering::Relaxed);
            slot
        });
    }
}

fn scene<const STALE: bool>() -> String {
    let free =
        Arc::new(Free { head: AtomicUsize::new(1), next: [0, 2, 3, 0].map(AtomicUsize::new) });
    let theirs = Arc::clone(&free);
    let other = thread::spawn(move || {
        let slot = theirs.pop::<STALE>();
        theirs.push::<STALE>(slot);
    });
    let slot = free.pop::<STALE>();
    other.join().unwrap();
    slot.to_string()
}
