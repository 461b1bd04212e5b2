//! Histories of real threads, with timeouts, have an order in which one thread could have played
//! them.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod histories;

use core::time::Duration;

use histories::{call, history};
use latchwork_linearize::lists;
use latchwork_rwlock::{Bounded, PhaseFair, ReaderPriority, WriterPriority};
use proptest::prelude::*;

const HURRIED: Bounded = Bounded::new()
    .patience(Duration::from_micros(2))
    .cool_down(Duration::from_micros(5))
    .longest_writer_wait(Some(Duration::from_micros(20)));

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bounded_is_linearizable(calls in lists(call(), 2..=3, 1..=12)) {
        prop_assert_eq!(history(HURRIED, calls), Ok(()));
    }

    #[test]
    fn writer_priority_is_linearizable(calls in lists(call(), 2..=3, 1..=12)) {
        prop_assert_eq!(history(WriterPriority, calls), Ok(()));
    }

    #[test]
    fn phase_fair_is_linearizable(calls in lists(call(), 2..=3, 1..=12)) {
        prop_assert_eq!(history(PhaseFair, calls), Ok(()));
    }

    #[test]
    fn reader_priority_is_linearizable(calls in lists(call(), 2..=3, 1..=12)) {
        prop_assert_eq!(history(ReaderPriority, calls), Ok(()));
    }
}
