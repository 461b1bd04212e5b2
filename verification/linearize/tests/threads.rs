//! Histories of real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

#[path = "stacks/stack.rs"]
mod stack;

use std::sync::{Arc, Barrier};

use latchwork_linearize::objects::lock::{self, Lock};
use latchwork_linearize::objects::stack::{self as spec, Call, Return};
use latchwork_linearize::{Clock, History, Log, lists, play};
use proptest::prelude::*;

fn call() -> impl Strategy<Value = Call<u8>> {
    prop_oneof![
        3 => any::<u8>().prop_map(Call::Push),
        3 => Just(Call::Pop),
        1 => Just(Call::TakeAll),
    ]
}

proptest! {
    #[test]
    fn mutexed_stack_is_accepted(lists in lists(call(), 2..=3, 1..=12)) {
        let stack = Arc::new(stack::Stack::new(None::<fn()>));
        let history = play(lists, move |_| {
            let stack = Arc::clone(&stack);
            move |call: &Call<u8>| stack.execute(call)
        });
        history.check(&spec::Stack::new()).map_err(|no| TestCaseError::fail(no.to_string()))?;
    }
}

#[test]
fn pop_in_two_steps_is_rejected() {
    let both_have_looked = Barrier::new(2);
    let stack = stack::Stack::new(Some(move || {
        both_have_looked.wait();
    }));
    let clock = Clock::new();
    let mut pushes = clock.log();
    for item in [1, 2] {
        pushes.record(Call::Push(item), |call| stack.execute(call));
    }
    let pops = std::thread::scope(|scope| {
        let pop = |mut log: Log<_, _>| {
            let stack = &stack;
            scope.spawn(move || {
                log.record(Call::Pop, |call| stack.execute(call));
                log
            })
        };
        [clock.log(), clock.log()].map(pop).map(|thread| thread.join().unwrap())
    });
    let history = History::of([pushes].into_iter().chain(pops));
    let violation = history.check(&spec::Stack::new());
    let story = violation.unwrap_err().to_string();
    assert!(story.contains("Popped(Some(2))"), "{story}");
    assert!(story.contains("stuck"), "{story}");
}

#[test]
fn operation_that_panicked_may_have_taken_effect_or_not() {
    for popped in [None, Some(7)] {
        let clock = Clock::new();
        let (mut panicking, mut after) = (clock.log(), clock.log());
        let panicked = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            panicking.record(Call::Push(7), |_| std::panic::resume_unwind(Box::new(())));
        }));
        assert!(panicked.is_err());
        after.record(Call::Pop, |_| Return::Popped(popped));
        let history = History::of([panicking, after]);
        assert!(history.check(&spec::Stack::new()).is_ok(), "{history:?}");
    }
}

#[test]
fn writer_that_timed_out_holds_nothing() {
    let history = |read| {
        let mut log = Clock::new().log();
        log.record(lock::Call::Write, |_| lock::Return::TimedOut);
        log.record(lock::Call::Read, |_| lock::Return::Done);
        log.record(read, |_| lock::Return::Done);
        History::of([log])
    };
    assert!(history(lock::Call::Read).check(&Lock).is_ok());
    assert!(history(lock::Call::EndWrite).check(&Lock).is_err());
}
