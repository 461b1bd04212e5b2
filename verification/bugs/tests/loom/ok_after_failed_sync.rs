//! A leader that sets its followers' results before the sync tells them Ok when it fails.
//!
//! raft-engine's leader stored `Ok` in every follower right after appending; a failing sync left
//! by an early exit, and the guard that lets the group go woke the followers, who returned Ok for
//! data that never became durable. RocksDB's followers returned OK after an error in their leader's
//! log write for the same reason: a result that nobody had set to the error.
//!
//! The fix: the result of a group starts as unknown, and only a sync that succeeded makes it Ok.
//!
//! Reference: raft-engine 0.4.2, `engine.rs` and `write_barrier.rs`; facebook/rocksdb #3096, #3201.

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::Bug;

pub(super) const BUG: Bug = Bug {
    name: "ok_after_failed_sync",
    twin: "ok_before_sync",
    fails_with: "told Ok, but the sync failed",
    bound: None,
    fixed: scene::<false>,
    broken: scene::<true>,
};

/// A follower in the leader's group.
struct Follower {
    result_is_ok: AtomicBool,
    done: Event,
}

/// Lets the follower go, however the leader leaves.
struct Group<'a>(&'a Follower);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.0.done.set();
    }
}

struct SyncFailed;

fn lead<const EARLY: bool>(
    follower: &Follower,
    synced: Result<(), SyncFailed>,
) -> Result<(), SyncFailed> {
    let group = Group(follower);
    if EARLY {
        group.0.result_is_ok.store(true, Ordering::Relaxed);
    }
    synced?;
    // Relaxed: the event orders it.
    group.0.result_is_ok.store(true, Ordering::Relaxed);
    Ok(())
}

fn scene<const EARLY: bool>() -> String {
    let follower = Arc::new(Follower { result_is_ok: AtomicBool::new(false), done: Event::new() });
    let theirs = Arc::clone(&follower);
    let leader = thread::spawn(move || lead::<EARLY>(&theirs, Err(SyncFailed)).is_err());
    let had_to_wait = !follower.done.is_set();
    follower.done.wait();
    let told_ok = follower.result_is_ok.load(Ordering::Relaxed);
    let failed = leader.join().unwrap();
    assert!(!(told_ok && failed), "told Ok, but the sync failed");
    had_to_wait.to_string()
}
