//! An early return with the role of leader in hand keeps it for ever.
//!
//! okaywal's committer set `is_syncing` and reset it after the sync. Where flushing or syncing
//! failed, `?` left in between: every later committer saw a sync in progress and waited for its
//! end.
//!
//! The fix: a guard gives the role back and wakes those who wait for it, on every way out.
//!
//! Reference: okaywal 0.3.1, `log_file.rs`, with an injected EIO: one error, then the process
//! hangs.

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;
use latchwork_sync::wait::{Address, Class, wait, wake_all};

use super::{Bug, DEADLOCK};

pub(super) const BUG: Bug = Bug {
    name: "leader_lost_on_error",
    twin: "early_return",
    fails_with: DEADLOCK,
    bound: None,
    fixed: scene::<true>,
    broken: scene::<false>,
};

const IDLE: u32 = 0;
const SYNCING: u32 = 1;

struct Log {
    state: AtomicU32,
    syncs: AtomicU32,
}

struct Role<'a>(&'a Log);

impl Drop for Role<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Log {
    fn give_back(&self) {
        self.state.store(IDLE, Ordering::Release);
        wake_all(Address::of(&self.state));
    }

    /// The first sync fails.
    fn sync(&self) -> Result<(), u32> {
        match self.syncs.fetch_add(1, Ordering::Relaxed) {
            0 => Err(5),
            _ => Ok(()),
        }
    }

    fn commit<const GUARDED: bool>(&self) -> Result<(), u32> {
        loop {
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            if self.state.compare_exchange(IDLE, SYNCING, success, failure).is_ok() {
                break;
            }
            wait(&self.state, SYNCING, Class::ANY, None);
        }
        if GUARDED {
            let _role = Role(self);
            self.sync()
        } else {
            self.sync()?;
            self.give_back();
            Ok(())
        }
    }
}

fn scene<const GUARDED: bool>() -> String {
    let log = Arc::new(Log { state: AtomicU32::new(IDLE), syncs: AtomicU32::new(0) });
    let theirs = Arc::clone(&log);
    let other = thread::spawn(move || theirs.commit::<GUARDED>());
    let ours = log.commit::<GUARDED>();
    let theirs = other.join().unwrap();
    format!("{ours:?} {theirs:?}")
}
