//! Histories of random schedules: proptest makes the calls, shuttle the order.

#![cfg(latchwork_shuttle)]

mod histories;

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use histories::{Value, bounded, call, growing, push_or_pop, roomy, without_spare_slots};
use latchwork_linearize::lists;
use latchwork_linearize::objects::stack::Call;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use shuttle::scheduler::RandomScheduler;

type Lists = Vec<Vec<Call<Value>>>;
type Scene = fn(Lists, bool) -> Result<(), String>;

/// Tries `cases` lists of calls in 100 random schedules each.
fn search(
    scene: Scene,
    by_handle: bool,
    call: impl Strategy<Value = Call<Value>>,
    cases: u32,
) -> Result<(), TestError<Lists>> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(&lists(call, 2..=3, 1..=6), |lists| {
        let mut config = shuttle::Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        let runner = shuttle::Runner::new(RandomScheduler::new_from_seed(1, 100), config);
        let play = move || scene(lists.clone(), by_handle).unwrap();
        catch_unwind(AssertUnwindSafe(|| runner.run(play)))
            .map(drop)
            .map_err(|_| TestCaseError::fail("not linearizable"))
    })
}

#[test]
fn full_is_linearizable() {
    search(bounded, false, push_or_pop(), 150).unwrap();
}

#[test]
fn full_is_linearizable_by_handles() {
    search(bounded, true, push_or_pop(), 150).unwrap();
}

#[test]
fn a_bounded_stack_is_linearizable() {
    search(roomy, false, call(), 150).unwrap();
}

#[test]
fn a_bounded_stack_by_handles_is_linearizable() {
    search(roomy, true, call(), 150).unwrap();
}

#[test]
fn a_growing_stack_is_linearizable() {
    search(growing, false, call(), 150).unwrap();
}

#[test]
fn a_growing_stack_by_handles_is_linearizable() {
    search(growing, true, call(), 150).unwrap();
}

/// The control: with no more slots than values it is full too early, which is seen.
#[test]
fn without_spare_slots_full_is_not_linearizable() {
    assert!(search(without_spare_slots, true, push_or_pop(), 150).is_err());
}
