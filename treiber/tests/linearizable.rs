//! Histories of real threads have an order in which a stack could have played them.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod histories;

use histories::{bounded, call, growing, push_or_pop, roomy};
use latchwork_linearize::lists;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn full_is_linearizable(calls in lists(push_or_pop(), 2..=3, 1..=12), handles: bool) {
        prop_assert_eq!(bounded(calls, handles), Ok(()));
    }

    #[test]
    fn a_bounded_stack_is_linearizable(calls in lists(call(), 2..=3, 1..=12), handles: bool) {
        prop_assert_eq!(roomy(calls, handles), Ok(()));
    }

    #[test]
    fn a_growing_stack_is_linearizable(calls in lists(call(), 2..=3, 1..=12), handles: bool) {
        prop_assert_eq!(growing(calls, handles), Ok(()));
    }
}
