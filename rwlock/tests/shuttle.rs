//! Histories of random schedules, with timeouts: proptest makes the calls, shuttle the order.

#![cfg(latchwork_shuttle)]

mod histories;

use core::time::Duration;

use histories::{Call, call, history};
use latchwork_linearize::lists;
use latchwork_rwlock::policy::Fault;
use latchwork_rwlock::{Bounded, PhaseFair, Policy, ReaderPriority, WriterPriority};
use latchwork_sync::model::schedules;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Tries `cases` lists of calls in 100 random schedules each. At the end the clock moves on, so
/// that whoever keeps a time does.
fn search<P: Policy>(cases: u32) -> Result<(), TestError<Vec<Vec<Call>>>> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(&lists(call(), 2..=4, 1..=6), |lists| {
        let play = move || history(P::DEFAULT, with_time(lists.clone())).unwrap();
        if schedules::passes(1, 100, play) {
            return Ok(());
        }
        Err(TestCaseError::fail("a deadlock, or not linearizable"))
    })
}

/// The calls, and one thread that only lets time pass.
fn with_time(mut lists: Vec<Vec<Call>>) -> Vec<Vec<Call>> {
    lists.push(vec![Call::Wait; 8]);
    lists
}

/// Everything on, in ticks.
struct Hurried<const FAULTY: bool>;

impl<const FAULTY: bool> Policy for Hurried<FAULTY> {
    const DEFAULT: Self = Self;
    const GATES: bool = Bounded::GATES;
    const PHASES: bool = Bounded::PHASES;
    const FAULT: Option<Fault> = if FAULTY { Some(Fault::CancelForgetsReaders) } else { None };

    fn patience(&self) -> Option<Duration> {
        (!FAULTY).then_some(Duration::from_millis(1))
    }

    fn cool_down(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn longest_writer_wait(&self) -> Option<Duration> {
        Some(Duration::from_millis(3))
    }
}

#[test]
fn bounded_is_linearizable() {
    search::<Hurried<false>>(150).unwrap();
}

#[test]
fn writer_priority_is_linearizable() {
    search::<WriterPriority>(150).unwrap();
}

#[test]
fn phase_fair_is_linearizable() {
    search::<PhaseFair>(150).unwrap();
}

#[test]
fn reader_priority_is_linearizable() {
    search::<ReaderPriority>(150).unwrap();
}

/// The control: a writer that forgets the readers behind it when it gives up.
#[test]
fn a_forgotten_reader_is_found() {
    search::<Hurried<true>>(150).unwrap_err();
}
