//! A sole owner's operations in any order, against a vector.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use latchwork_treiber::{ArrayStack, InlineStack, Mailbox, Stack};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Push(u32),
    PushMut(u32),
    PushByHandle(u32),
    PushAll(Vec<u32>),
    Pop,
    PopMut,
    PopByHandle,
    TakeAll { then_keep: usize },
    DrainFifo,
    NewHandle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<u32>().prop_map(Step::Push),
        1 => any::<u32>().prop_map(Step::PushMut),
        4 => any::<u32>().prop_map(Step::PushByHandle),
        1 => prop::collection::vec(any::<u32>(), 0..20).prop_map(Step::PushAll),
        1 => Just(Step::Pop),
        1 => Just(Step::PopMut),
        4 => Just(Step::PopByHandle),
        1 => (0..10usize).prop_map(|then_keep| Step::TakeAll { then_keep }),
        1 => Just(Step::DrainFifo),
        1 => Just(Step::NewHandle),
    ]
}

/// Plays the steps; `$fits` tells whether a push of so many more must, may or can't succeed.
macro_rules! play {
    ($stack:expr, $steps:expr, $push_all:expr) => {{
        let mut stack = $stack;
        let mut model: Vec<u32> = Vec::new();
        for chunk in $steps.split_inclusive(|step| {
            matches!(step, Step::NewHandle | Step::PushMut(_) | Step::PopMut)
        }) {
            let mut handle = stack.handle();
            for step in chunk {
                match step.clone() {
                    Step::Push(value) => {
                        if handle.stack().try_push(value).is_ok() {
                            model.push(value);
                        }
                    }
                    Step::PushByHandle(value) => {
                        if handle.try_push(value).is_ok() {
                            model.push(value);
                        }
                    }
                    Step::PushAll(values) => {
                        let push_all: fn(&_, Vec<u32>) -> usize = $push_all;
                        let fitted = push_all(handle.stack(), values.clone());
                        model.extend(&values[..fitted]);
                    }
                    Step::Pop => prop_assert_eq!(handle.stack().pop(), model.pop()),
                    Step::PopByHandle => prop_assert_eq!(handle.pop(), model.pop()),
                    Step::TakeAll { then_keep } => {
                        let mut all = handle.stack().take_all();
                        while model.len() > then_keep {
                            prop_assert_eq!(all.next(), model.pop());
                        }
                        all.put_back();
                    }
                    Step::DrainFifo => {
                        prop_assert!(handle.stack().drain_fifo().eq(model.drain(..)));
                    }
                    Step::NewHandle | Step::PushMut(_) | Step::PopMut => {}
                }
                prop_assert_eq!(handle.stack().is_empty(), model.is_empty());
            }
            drop(handle);
            match chunk.last() {
                Some(Step::PushMut(value)) => {
                    model.extend(stack.try_push_mut(*value).is_ok().then_some(*value));
                }
                Some(Step::PopMut) => prop_assert_eq!(stack.pop_mut(), model.pop()),
                _ => {}
            }
        }
        model.reverse();
        prop_assert!(stack.into_iter().eq(model));
    }};
}

fn fitted(len: usize, result: Result<(), (u32, std::vec::IntoIter<u32>)>) -> usize {
    len - result.map_or_else(|(_, rest)| rest.len() + 1, |()| 0)
}

proptest! {
    #[test]
    fn a_stack_is_a_vector(steps in prop::collection::vec(step(), 0..200)) {
        play!(Stack::new(), steps, |stack: &Stack<u32>, values: Vec<u32>| {
            let len = values.len();
            stack.push_all(values);
            len
        });
    }

    #[test]
    fn an_array_stack_is_a_vector(
        steps in prop::collection::vec(step(), 0..200),
        capacity in 1..40usize,
    ) {
        let stack = ArrayStack::with_parties(capacity, 2);
        play!(stack, steps, |stack: &ArrayStack<u32>, values: Vec<u32>| {
            fitted(values.len(), stack.push_all(values))
        });
    }

    #[test]
    fn an_inline_stack_is_a_vector(steps in prop::collection::vec(step(), 0..200)) {
        play!(InlineStack::<u32, 9>::new(), steps, |stack: &InlineStack<u32, 9>, values: Vec<u32>| {
            fitted(values.len(), stack.push_all(values))
        });
    }

    #[test]
    fn a_mailbox_is_a_vector(batches in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..20), 0..20)) {
        let mailbox = Mailbox::new();
        let mut model = Vec::new();
        for (turn, batch) in batches.into_iter().enumerate() {
            let was_empty = model.is_empty();
            let said = match turn % 2 {
                0 => mailbox.push_all(batch.clone()),
                _ => batch.iter().fold(false, |said, value| mailbox.push(*value) | said),
            };
            prop_assert_eq!(said, was_empty && !batch.is_empty());
            model.extend(batch);
            if turn % 5 == 4 {
                prop_assert!(mailbox.drain_fifo().eq(model.drain(..)));
            }
        }
        model.reverse();
        prop_assert!(mailbox.into_iter().eq(model));
    }
}
