//! An item is read after the mark that gives it back to its owner.
//!
//! The ring thread stored `completed` and then read from the same item which descriptor to notify.
//! A submitter that another item's notification has woken finds this item complete, returns, and
//! frees or reuses the memory in between.
//!
//! The fix: what is needed to notify is read before the mark; nothing of the item after it.
//!
//! Reference: RavenDB's platform layer, `posix/ioring.c`, first version, 2025.

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::memory::Memory;
use super::{Bug, RACE};

pub(super) const BUG: Bug = Bug {
    name: "touched_after_mark",
    twin: "whom_to_notify_read_after",
    fails_with: RACE,
    bound: None,
    fixed: scene::<false>,
    broken: scene::<true>,
};

struct Item {
    /// Which event to set. The submitter's memory: reused as soon as the item is complete.
    notify: Memory<usize>,
    completed: AtomicBool,
}

fn complete<const TOUCHES: bool>(item: &Item, events: &[Event; 1]) {
    let mut notify = item.notify.read();
    // Release: pairs with the submitter's look.
    item.completed.store(true, Ordering::Release);
    if TOUCHES {
        notify = item.notify.read();
    }
    events[notify].set();
}

fn scene<const TOUCHES: bool>() -> String {
    let item = Item { notify: Memory::new(0), completed: AtomicBool::new(false) };
    let shared = Arc::new((item, [Event::new()]));
    let theirs = Arc::clone(&shared);
    let ring = thread::spawn(move || complete::<TOUCHES>(&theirs.0, &theirs.1));
    let (item, events) = &*shared;
    // The submitter was woken for another item, and looks at this one first.
    let done_already = item.completed.load(Ordering::Acquire);
    if !done_already {
        events[0].wait();
    }
    item.notify.write(usize::MAX);
    ring.join().unwrap();
    done_already.to_string()
}
