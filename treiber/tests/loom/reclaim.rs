//! The stack over the schemes of `latchwork-reclaim`: every value once, whole, and no node is
//! looked at after it was freed.

use latchwork_reclaim::{
    Atomic, Epoch, Guard, Handle, Hazard, Interval, Retired, Scheme, Shared, Shield,
};
use latchwork_sync::atomic::Ordering;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::ReclaimStack;

/// Frees what is retired at once: the accident that schemes are there for.
#[derive(Clone)]
struct AtOnce;

struct Careless;

// SAFETY: it keeps none of what a scheme promises, and a model must see that.
unsafe impl Scheme for AtOnce {
    type Header = ();
    type Handle = Careless;

    const NAME: &'static str = "at once";
    const ROBUST: bool = true;
    const OPTIMISTIC_TRAVERSAL: bool = false;
    const NEEDS_SHIELDS: bool = false;

    fn register(&self) -> Careless {
        Careless
    }
}

impl Handle for Careless {
    type Scheme = AtOnce;
    type Header = ();
    type Guard<'h> = Careless;

    fn pin(&mut self) -> Careless {
        Careless
    }

    fn flush(&mut self) {}

    fn barrier(&mut self) {}
}

// SAFETY: as above.
unsafe impl Guard for Careless {
    type Scheme = AtOnce;
    type Header = ();
    type Shield<'g> = Careless;

    fn guards(&self, _: &AtOnce) -> bool {
        true
    }

    fn header(&self) {}

    fn shield(&self) -> Careless {
        Careless
    }

    unsafe fn retire_erased(&self, retired: Retired) {
        // SAFETY: not safe at all.
        unsafe { retired.free() };
    }

    fn flush(&self) {}
}

// SAFETY: as above.
unsafe impl Shield for Careless {
    type Header = ();

    fn protect<'s, T>(&'s mut self, source: &Atomic<T>) -> Shared<'s, T> {
        source.peek(Ordering::Acquire).as_shared()
    }
}

fn settle<S: Scheme>(stack: &ReclaimStack<u64, S>, mut values: Vec<u64>, expected: &[u64]) {
    let mut handle = stack.domain().register();
    values.extend(stack.take_all(&handle.pin()));
    values.sort_unstable();
    assert_eq!(values, expected, "lost or doubled");
}

fn pop<S: Scheme>(stack: &ReclaimStack<u64, S>) -> Option<u64> {
    let mut handle = stack.domain().register();
    let guard = handle.pin();
    stack.pop(&guard)
}

/// A pop against one that pops what that looks at, frees it, and pushes anew.
fn pop_against_pop_and_push<S: Scheme>(domain: S) -> String {
    let stack = ReclaimStack::new(domain);
    {
        let mut handle = stack.domain().register();
        stack.push_all([1, 2], &handle.pin());
    }
    let stack = Arc::new(stack);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || pop(&*theirs));
    let mut handle = stack.domain().register();
    let ours = stack.pop(&handle.pin());
    handle.flush();
    stack.push(3, &handle.pin());
    let popped = [ours, child.join().unwrap()];
    drop(handle);
    settle(&*stack, popped.iter().flatten().copied().collect(), &[1, 2, 3]);
    format!("{popped:?}")
}

/// A take-all that turns its nodes around against a pop that looks at one of them.
fn take_all_against_pop_and_push<S: Scheme>(domain: S) -> String {
    let stack = Arc::new(ReclaimStack::new(domain));
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        let mut handle = theirs.domain().register();
        theirs.push(1, &handle.pin());
        theirs.push(2, &handle.pin());
        let guard = handle.pin();
        theirs.pop(&guard)
    });
    let mut handle = stack.domain().register();
    let mut values: Vec<u64> = stack.drain_fifo(&handle.pin()).collect();
    handle.flush();
    drop(handle);
    let popped = child.join().unwrap();
    let seen = format!("{values:?} {popped:?}");
    values.extend(popped);
    settle(&*stack, values, &[1, 2]);
    seen
}

pub(crate) fn models() -> Vec<Model> {
    macro_rules! of {
        ($scheme:literal, $domain:expr) => {
            [
                Model::new(concat!("reclaim_stack_pop_against_pop_and_push_", $scheme), || {
                    pop_against_pop_and_push($domain)
                })
                .bound(1)
                .least(50)
                .random_under_shuttle(2_000)
                .twin("freed_at_once", || pop_against_pop_and_push(AtOnce)),
                Model::new(concat!("reclaim_stack_take_all_against_pop_", $scheme), || {
                    take_all_against_pop_and_push($domain)
                })
                .bound(2)
                .least(50)
                .random_under_shuttle(2_000)
                .twin("freed_at_once", || take_all_against_pop_and_push(AtOnce)),
            ]
        };
    }
    [of!("epoch", Epoch::new()), of!("interval", Interval::new()), of!("hazard", Hazard::new())]
        .concat()
}
