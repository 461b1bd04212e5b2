//! A writer that times out must take back its own mark, and nothing else.
//!
//! A writer that comes while a reader holds the lock remembers the state, marks itself as waiting,
//! and sleeps. Its time runs out, and it stores the state that it remembered. A reader that has
//! left in between is in the count again, and no writer gets the lock any more.
//!
//! The fix: giving up removes the writer's bit from what the state is now.
//!
//! Reference: boostorg/thread #362 (`upgrade_mutex`); brpc #3051 is its sibling, where a reader
//! that times out stays in the count.

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::advance;
use latchwork_sync::thread;
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::wait::{Address, Class, Waited, wait, wake_one};

use super::Bug;

pub(super) const BUG: Bug = Bug {
    name: "restored_count",
    twin: "stores_what_it_remembers",
    fails_with: "a reader that left is in the count",
    bound: Some(2),
    fixed: scene::<false>,
    broken: scene::<true>,
};

const READER: u32 = 1;
/// A writer waits.
const WAITING: u32 = 4;

fn write_until<const RESTORES: bool>(state: &AtomicU32, deadline: Instant) -> bool {
    let remembered = state.fetch_or(WAITING, Ordering::Relaxed);
    let mut seen = remembered | WAITING;
    while seen != WAITING {
        if wait(state, seen, Class::ANY, Some(deadline)) == Waited::TimedOut {
            if RESTORES {
                state.store(remembered, Ordering::Relaxed);
            } else {
                state.fetch_and(!WAITING, Ordering::Relaxed);
            }
            return false;
        }
        seen = state.load(Ordering::Acquire);
    }
    // The readers are gone: the writer's section would be here.
    state.fetch_and(!WAITING, Ordering::Release);
    true
}

fn scene<const RESTORES: bool>() -> String {
    let state = Arc::new(AtomicU32::new(READER));
    let deadline = Instant::now() + Duration::from_millis(1);
    let theirs = Arc::clone(&state);
    let writer = thread::spawn(move || write_until::<RESTORES>(&theirs, deadline));
    advance(1);
    if state.fetch_sub(READER, Ordering::Release) & WAITING != 0 {
        wake_one(Address::of(&state));
    }
    let acquired = writer.join().unwrap();
    assert_eq!(state.load(Ordering::Relaxed), 0, "a reader that left is in the count");
    acquired.to_string()
}
