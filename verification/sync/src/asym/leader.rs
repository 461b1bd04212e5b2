//! Who runs the next barrier, and sleeping until that is settled anew.
//!
//! The word holds the state in its lowest bits and above them the number of forks at the time:
//! a word of another number is left over from a thread that the fork did not copy, and means
//! `FREE`.
//!
//! Every access is relaxed: the word only saves barriers and never decides whether one has
//! passed, which the numbers of `Barriers` do.

use crate::atomic::{AtomicU32, Ordering};
use crate::const_fn;
use crate::wait::{Address, Class, wait, wake_all};

const FREE: u32 = 0;
/// A thread runs a barrier.
const LED: u32 = 1;
/// The same, and others sleep until it is done.
const AWAITED: u32 = 2;
const STATES: u32 = 3;

/// The role of the thread that runs a barrier.
#[derive(Debug)]
pub(super) struct Leader(AtomicU32);

/// `state` as of this side of the last fork.
fn current(state: u32) -> u32 {
    super::imp::forks() << 2 | state
}

fn is_held(word: u32) -> bool {
    word == current(LED) || word == current(AWAITED)
}

impl Leader {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(AtomicU32::new(FREE))
        }
    }

    /// Takes the role if nobody has it.
    pub(super) fn try_lead(&self) -> bool {
        let seen = self.0.load(Ordering::Relaxed);
        !is_held(seen)
            && self
                .0
                .compare_exchange(seen, current(LED), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Gives the role back and wakes all who sleep: the barrier that has ended served most.
    pub(super) fn resign(&self) {
        if self.0.swap(FREE, Ordering::Relaxed) & STATES == AWAITED {
            wake_all(Address::of(&self.0));
        }
    }

    /// Sleeps until the leader of this moment has resigned, or shorter.
    pub(super) fn sleep(&self) {
        let seen = self.0.load(Ordering::Relaxed);
        let awaited = current(AWAITED);
        if is_held(seen)
            && (seen == awaited
                || self
                    .0
                    .compare_exchange(seen, awaited, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok())
        {
            wait(&self.0, awaited, Class::ANY, None);
        }
    }
}
