//! Waiting under a checker.
//!
//! The comparison is a read-modify-write that adds nothing, so it sees the newest value, as the
//! kernel's does under its bucket's lock; queueing is part of the same step. A wake looks at the
//! queue in a step of its own, which the explorer orders against the waiter's through a point per
//! address. The word of the protocol itself is never touched by a wake.
//!
//! Spurious wakes come from the model's choices, time from its clock. A wake that ends a sleep
//! carries the waker's order with it, since loom has no other way to unblock a thread; a spurious
//! wake carries none (see `Model::spurious`).

use core::panic::Location;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::{Address, Class, Waited};
use crate::atomic::AtomicU32;
use crate::model::clock;
use crate::model::point::Point;
use crate::model::site::{Role, ends_for_no_reason, is_dropped};
use crate::model::sleep::Sleeper;
use crate::model::threads::{Choice, choose};
use crate::time::Instant;

/// Addresses that a model may wait on.
const ADDRESSES: usize = 16;

/// What is said of one more.
pub(crate) const TOO_MANY: &str = "a model waits on at most 16 addresses";

struct Waiter {
    sleeper: Sleeper,
    class: Class,
    deadline: Option<Instant>,
    outcome: Cell<Option<Waited>>,
}

/// The waiters at one address, and the point at which the explorer orders their coming
/// against wakes.
struct Queue {
    turn: Point,
    waiters: RefCell<Vec<Rc<Waiter>>>,
}

#[derive(Default)]
struct Queues {
    /// Made by the first thread before it starts others, as loom demands of what they share.
    all: Vec<Rc<Queue>>,
    number: HashMap<usize, usize>,
}

thread_local! {
    // The explorer runs every model thread on one system thread.
    static QUEUES: RefCell<Queues> = RefCell::default();
}

fn queue(address: Address) -> Rc<Queue> {
    QUEUES.with_borrow_mut(|queues| {
        let next = queues.number.len();
        let number = *queues.number.entry(address.0).or_insert(next);
        let queue = queues.all.get(number);
        Rc::clone(queue.unwrap_or_else(|| panic!("{TOO_MANY}")))
    })
}

/// Forgets the last execution's waiters.
pub(crate) fn reset() {
    let queue = || Rc::new(Queue { turn: Point::new(), waiters: RefCell::default() });
    let all = (0..ADDRESSES).map(|_| queue()).collect();
    QUEUES.set(Queues { all, number: HashMap::new() });
}

/// Lets the waiters whose deadline has come go.
pub(crate) fn expire() {
    let used = QUEUES.with_borrow(|queues| queues.all[..queues.number.len()].to_vec());
    for queue in used {
        queue.turn.step();
        release(&queue, Waited::TimedOut, usize::MAX, |waiter| {
            waiter.deadline.is_some_and(clock::has_passed)
        });
    }
}

/// Takes waiters off the queue in one step, then unparks them.
fn release(queue: &Queue, outcome: Waited, most: usize, which: impl Fn(&Waiter) -> bool) -> bool {
    let mut leaving = Vec::new();
    queue.waiters.borrow_mut().retain(|waiter| {
        let leaves = leaving.len() < most && which(waiter);
        if leaves {
            leaving.push(Rc::clone(waiter));
        }
        !leaves
    });
    for waiter in &leaving {
        waiter.outcome.set(Some(outcome));
    }
    for waiter in &leaving {
        waiter.sleeper.wake();
    }
    !leaving.is_empty()
}

#[track_caller]
pub(super) fn wait(
    word: &AtomicU32,
    expected: u32,
    class: Class,
    deadline: Option<Instant>,
) -> Waited {
    let site = Location::caller();
    if choose(Choice::SpuriousWake) || ends_for_no_reason(site, Role::Wait) {
        return Waited::Woken;
    }
    if deadline.is_some() {
        if is_dropped(site, Role::Timer) {
            return Waited::TimedOut;
        }
        clock::step();
    }
    let queue = queue(Address::of(word));
    queue.turn.step();
    if word.unlisted_newest() != expected {
        return Waited::Changed;
    }
    // From here to the sleep the explorer can't switch: coming and comparing are one step.
    if deadline.is_some_and(clock::has_passed) {
        return Waited::TimedOut;
    }
    let waiter =
        Rc::new(Waiter { sleeper: Sleeper::new(), class, deadline, outcome: Cell::new(None) });
    queue.waiters.borrow_mut().push(Rc::clone(&waiter));
    waiter.sleeper.sleep();
    waiter.outcome.get().expect("only `release` ends a sleep")
}

/// Whether this run leaves out the wake that the caller's caller is about to make.
#[track_caller]
pub(super) fn is_left_out() -> bool {
    is_dropped(Location::caller(), Role::Wake)
}

#[track_caller]
pub(super) fn wake(address: Address, count: u32, class: Class) -> bool {
    if is_left_out() {
        return true;
    }
    let queue = queue(address);
    queue.turn.step();
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    release(&queue, Waited::Woken, most, |waiter| waiter.class.bits() & class.bits() != 0)
}
