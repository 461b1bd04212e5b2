//! A combiner that finds the queue empty and then gives up its role strands the last arrival.
//!
//! The gateway that Voron's readers proposed: whoever finds nobody writing writes for all that are
//! queued; the others wait. Between the writer's last look at the queue and its giving up the role,
//! a submitter queues, finds the role taken, and goes to sleep. Nobody is left to serve it.
//!
//! The fix: queue and role are one word, so the role is given up only by an exchange that finds
//! the queue still empty.
//!
//! Reference: the comments under Oren Eini's post on merging Voron's writers, ayende.com, 2013.

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::{Bug, DEADLOCK};

pub(super) const BUG: Bug = Bug {
    name: "stranded_waiter",
    twin: "empty_then_given_up",
    fails_with: DEADLOCK,
    bound: None,
    fixed: scene::<true>,
    broken: scene::<false>,
};

/// The role; the other bits are the queued submitters.
const ROLE: usize = 0b100;

struct Gateway {
    word: AtomicUsize,
    done: [Event; 2],
    commits: AtomicUsize,
}

impl Gateway {
    fn submit<const ONE_STEP: bool>(&self, me: usize) {
        let before = self.word.fetch_or(1 << me | ROLE, Ordering::AcqRel);
        if before & ROLE == 0 {
            self.lead::<ONE_STEP>();
        }
        self.done[me].wait();
    }

    fn lead<const ONE_STEP: bool>(&self) {
        loop {
            let batch = self.word.fetch_and(ROLE, Ordering::AcqRel) & !ROLE;
            if batch != 0 {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            for (number, done) in self.done.iter().enumerate() {
                if batch & 1 << number != 0 {
                    done.set();
                }
            }
            if ONE_STEP {
                let (success, failure) = (Ordering::Release, Ordering::Relaxed);
                if self.word.compare_exchange(ROLE, 0, success, failure).is_ok() {
                    return;
                }
            } else if self.word.load(Ordering::Acquire) == ROLE {
                self.word.fetch_and(!ROLE, Ordering::AcqRel);
                return;
            }
        }
    }
}

fn scene<const ONE_STEP: bool>() -> String {
    let gateway = Arc::new(Gateway {
        word: AtomicUsize::new(0),
        done: [Event::new(), Event::new()],
        commits: AtomicUsize::new(0),
    });
    let theirs = Arc::clone(&gateway);
    let other = thread::spawn(move || theirs.submit::<ONE_STEP>(1));
    gateway.submit::<ONE_STEP>(0);
    other.join().unwrap();
    gateway.commits.load(Ordering::Relaxed).to_string()
}
