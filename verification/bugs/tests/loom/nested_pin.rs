//! A pin inside a pin must not announce a newer epoch.
//!
//! A reader that has pinned epoch e may hold objects that were linked then; the epoch can't pass
//! e + 1 as long as the announcement stands. A second pin of the same thread, in a function that it
//! calls, announces the epoch of that moment, e + 1. Now the epoch may pass e + 2, and what the
//! outer pin has found is freed under it.
//!
//! The fix: only the outermost pin announces; the others count.
//!
//! Reference: crossbeam-rs/crossbeam #105, fixed by #108.

use latchwork_sync::atomic::{AtomicUsize, Ordering, fence};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::memory::Memory;
use super::{Bug, RACE};

pub(super) const BUG: Bug = Bug {
    name: "nested_pin",
    twin: "announces_again",
    fails_with: RACE,
    bound: None,
    fixed: scene::<false>,
    broken: scene::<true>,
};

const UNPINNED: usize = usize::MAX;

struct Collector {
    epoch: AtomicUsize,
    /// The epoch that the reader has pinned.
    pinned: AtomicUsize,
    /// Whether the object is linked.
    linked: AtomicUsize,
    object: Memory<u32>,
}

impl Collector {
    fn announce(&self) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        // Release: what was done under an older announcement comes before.
        self.pinned.store(epoch, Ordering::Release);
        // Pairs with those of the writer: it sees the pin, or this sees the unlinking.
        fence(Ordering::SeqCst);
    }

    fn read<const AGAIN: bool>(&self) -> bool {
        self.announce();
        let found = self.linked.load(Ordering::Acquire) == 1;
        // The inner pin, and its end, which leaves the outer one as it is.
        if AGAIN {
            self.announce();
        }
        if found {
            self.object.read();
        }
        self.pinned.store(UNPINNED, Ordering::Release);
        found
    }

    /// Advances the epoch unless the reader has pinned an older one.
    fn try_advance(&self) {
        // Nobody else advances it.
        let epoch = self.epoch.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let pinned = self.pinned.load(Ordering::Relaxed);
        if pinned == UNPINNED || pinned == epoch {
            // Acquire: pairs with the release of the pin's end.
            fence(Ordering::Acquire);
            self.epoch.store(epoch + 1, Ordering::Release);
        }
    }

    fn retire(&self) -> bool {
        self.linked.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        let stamp = self.epoch.load(Ordering::Relaxed);
        self.try_advance();
        self.try_advance();
        let free = self.epoch.load(Ordering::Relaxed) >= stamp + 2;
        if free {
            self.object.write(0);
        }
        free
    }
}

fn scene<const AGAIN: bool>() -> String {
    let collector = Arc::new(Collector {
        epoch: AtomicUsize::new(0),
        pinned: AtomicUsize::new(UNPINNED),
        linked: AtomicUsize::new(1),
        object: Memory::new(1),
    });
    let theirs = Arc::clone(&collector);
    let reader = thread::spawn(move || theirs.read::<AGAIN>());
    let freed = collector.retire();
    let found = reader.join().unwrap();
    format!("found {found} freed {freed}")
}
