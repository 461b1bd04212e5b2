//! Histories of an explorer's schedules: proptest makes the calls, shuttle the order.
#![cfg(latchwork_shuttle)]

#[path = "stacks/stack.rs"]
mod stack;

use latchwork_linearize::objects::stack::{self as spec, Call};
use latchwork_linearize::{lists, play};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::schedules;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Plays the calls once, in the schedule of the explorer around it.
fn scene(lists: Vec<Vec<Call<u8>>>, two_steps: bool) {
    let between = two_steps.then_some(|| ());
    let stack = Arc::new(stack::Stack::new(between));
    let history = play(lists, move |_| {
        let stack = Arc::clone(&stack);
        move |call: &Call<u8>| stack.execute(call)
    });
    if let Err(violation) = history.check(&spec::Stack::new()) {
        panic!("{violation}");
    }
}

fn call() -> impl Strategy<Value = Call<u8>> {
    prop_oneof![3 => (0..4u8).prop_map(Call::Push), 3 => Just(Call::Pop), 1 => Just(Call::TakeAll)]
}

/// Tries `cases` lists of calls in 200 random schedules each.
fn search(two_steps: bool, cases: u32) -> Result<(), TestError<Vec<Vec<Call<u8>>>>> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
    .run(&lists(call(), 2..=3, 1..=4), |lists| {
        let passes = schedules::passes(1, 200, move || scene(lists.clone(), two_steps));
        if passes { Ok(()) } else { Err(TestCaseError::fail("not linearizable")) }
    })
}

#[test]
fn mutexed_stack_is_accepted_in_every_schedule() {
    search(false, 100).unwrap();
}

#[test]
fn pop_in_two_steps_is_rejected_and_shrinks() {
    let Err(TestError::Fail(_, shrunk)) = search(true, 100) else { panic!("was accepted") };
    let calls: usize = shrunk.iter().map(Vec::len).sum();
    assert!(calls <= 4, "{shrunk:?}");
}

/// A schedule that shuttle printed when it failed, kept: the two pops of a shrunken case take
/// the same item.
#[test]
#[should_panic(expected = "no order of the operations")]
fn both_pops_take_the_same_item() {
    let lists = vec![vec![Call::Push(0), Call::Pop], vec![Call::Pop]];
    schedules::replay(SCHEDULE, move || scene(lists.clone(), true));
}

const SCHEDULE: &str = "910213e3e8f2c5fdd1c6f6bd01804051a428092400";
