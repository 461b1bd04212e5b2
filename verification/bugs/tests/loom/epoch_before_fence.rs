//! Garbage must be stamped with an epoch that is read after the fence.
//!
//! An object that was unlinked in epoch e may be freed in epoch e + 2. crossbeam-epoch read e for
//! the stamp and then executed the fence that orders the unlinking. The store that unlinks may
//! still sit in the store buffer when the epoch is read: meanwhile the epoch advances, a reader
//! pins the newer one and finds the object. The stamp is one too small, and the object is freed
//! while that reader, whose epoch is current, still uses it.
//!
//! The fix: first the fence, then the epoch.
//!
//! Reference: crossbeam-rs/crossbeam-epoch #53 (`push_bag`), found by holding the code against the
//! proof of RFC 6.

use latchwork_sync::atomic::{AtomicUsize, Ordering, fence};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::memory::Memory;
use super::{Bug, RACE};

pub(super) const BUG: Bug = Bug {
    name: "epoch_before_fence",
    twin: "stamp_then_fence",
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
    /// Advances the epoch unless the reader has pinned an older one.
    fn try_advance(&self) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let pinned = self.pinned.load(Ordering::Relaxed);
        if pinned != UNPINNED && pinned != epoch {
            return;
        }
        // Acquire: pairs with the release of the pin.
        fence(Ordering::Acquire);
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        let _ = self.epoch.compare_exchange(epoch, epoch + 1, success, failure);
    }

    fn read(&self) -> bool {
        let epoch = self.epoch.load(Ordering::Relaxed);
        self.pinned.store(epoch, Ordering::Relaxed);
        // Pairs with those of the writer: it sees the pin, or this sees the unlinking.
        fence(Ordering::SeqCst);
        let found = self.linked.load(Ordering::Acquire) == 1;
        if found {
            self.object.read();
        }
        self.pinned.store(UNPINNED, Ordering::Release);
        found
    }

    fn retire<const EARLY: bool>(&self) -> bool {
        self.linked.store(0, Ordering::Release);
        let mut stamp = self.epoch.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !EARLY {
            stamp = self.epoch.load(Ordering::Relaxed);
        }
        self.try_advance();
        self.try_advance();
        let free = self.epoch.load(Ordering::Acquire) >= stamp + 2;
        if free {
            self.object.write(0);
        }
        free
    }
}

fn scene<const EARLY: bool>() -> String {
    let collector = Arc::new(Collector {
        epoch: AtomicUsize::new(0),
        pinned: AtomicUsize::new(UNPINNED),
        linked: AtomicUsize::new(1),
        object: Memory::new(1),
    });
    let theirs = Arc::clone(&collector);
    let reader = thread::spawn(move || {
        // Anybody may advance the epoch: nobody has pinned an older one.
        theirs.try_advance();
        theirs.read()
    });
    let freed = collector.retire::<EARLY>();
    let found = reader.join().unwrap();
    format!("found {found} freed {freed}")
}
