//! A waiter that was woken and then gives up has taken a wake that was meant for another.
//!
//! A release wakes one of two writers. The one that is woken looks at the time first, finds that
//! its own has run out, and leaves. The lock is free, the wake is spent, and the other writer
//! sleeps on.
//!
//! The fix: who is woken tries for the lock before it looks at the time. If it gets the lock, its
//! own release wakes the next; if not, whoever has it will.
//!
//! Reference: llvm/llvm-project #201937 (LLVM libc's `RwLock`).

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::advance;
use latchwork_sync::thread;
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::wait::{Address, Class, wait, wake_one};

use super::{Bug, DEADLOCK};

pub(super) const BUG: Bug = Bug {
    name: "swallowed_wake",
    twin: "looks_at_the_time_first",
    fails_with: DEADLOCK,
    bound: Some(3),
    fixed: scene::<true>,
    broken: scene::<false>,
};

const FREE: u32 = 0;
const HELD: u32 = 1;

struct Lock(AtomicU32);

impl Lock {
    fn try_lock(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn lock<const TRIES_FIRST: bool>(&self, deadline: Option<Instant>) -> bool {
        let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if self.try_lock() {
            return true;
        }
        loop {
            wait(&self.0, HELD, Class::ANY, deadline);
            if !TRIES_FIRST && over() {
                return false;
            }
            if self.try_lock() {
                return true;
            }
            if over() {
                return false;
            }
        }
    }

    fn unlock(&self) {
        self.0.store(FREE, Ordering::Release);
        wake_one(Address::of(&self.0));
    }
}

fn scene<const TRIES_FIRST: bool>() -> String {
    let lock = Arc::new(Lock(AtomicU32::new(HELD)));
    let deadline = Instant::now() + Duration::from_millis(1);
    let writers = [Some(deadline), None].map(|deadline| {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            let acquired = lock.lock::<TRIES_FIRST>(deadline);
            if acquired {
                lock.unlock();
            }
            acquired
        })
    });
    lock.unlock();
    advance(1);
    let acquired = writers.map(|writer| writer.join().unwrap());
    assert!(acquired[1], "a writer without a deadline gave up");
    format!("{acquired:?}")
}
