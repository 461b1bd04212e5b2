//! One owner's operations on every kind of stack, against a vector; values live on the heap, so
//! that one that is dropped twice, never, or read after its drop is found.
#![no_main]

use arbitrary::Arbitrary;
use latchwork_treiber::intrusive::{Pool, Stack as PoolStack};
use latchwork_treiber::{ArrayStack, InlineStack, Mailbox, Stack};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Push,
    PushByHandle,
    PushAll(u8),
    Pop,
    PopByHandle,
    /// Takes all, keeps some, puts the rest back.
    TakeAll(u8),
    TakeReversed(u8),
    DrainFifo,
    NewHandle,
}

#[derive(Arbitrary, Debug)]
struct Input {
    kind: u8,
    capacity: u8,
    steps: Vec<Step>,
}

type Value = Box<u32>;

fn values(first: u32, count: u8) -> Vec<Value> {
    (first..first + u32::from(count % 40)).map(Box::new).collect()
}

/// How many went in.
fn fitted(count: usize, result: Result<(), (Value, std::vec::IntoIter<Value>)>) -> usize {
    count - result.map_or_else(|(_, rest)| rest.len() + 1, |()| 0)
}

macro_rules! play {
    ($stack:expr, $steps:expr, $push_all:expr) => {{
        let stack = $stack;
        let mut model: Vec<u32> = Vec::new();
        let mut next = 0_u32;
        let mut handle = stack.handle();
        for step in $steps {
            match step {
                Step::Push => {
                    next += 1;
                    model.extend(stack.try_push(Box::new(next)).is_ok().then_some(next));
                }
                Step::PushByHandle => {
                    next += 1;
                    model.extend(handle.try_push(Box::new(next)).is_ok().then_some(next));
                }
                Step::PushAll(count) => {
                    let batch = values(next, *count);
                    let numbers: Vec<u32> = batch.iter().map(|value| **value).collect();
                    let push_all: fn(&_, Vec<Value>) -> usize = $push_all;
                    let fitted = push_all(&stack, batch);
                    model.extend(&numbers[..fitted]);
                    next += numbers.len() as u32;
                }
                Step::Pop => assert_eq!(stack.pop().map(|value| *value), model.pop()),
                Step::PopByHandle => assert_eq!(handle.pop().map(|value| *value), model.pop()),
                Step::TakeAll(keep) => {
                    let mut all = stack.take_all();
                    while model.len() > usize::from(*keep) {
                        assert_eq!(all.next().map(|value| *value), model.pop());
                    }
                    all.put_back();
                }
                Step::TakeReversed(count) => {
                    let mut all = stack.take_all().reversed();
                    let taken = usize::from(*count).min(model.len());
                    for expected in model.drain(..).take(taken) {
                        assert_eq!(all.next().map(|value| *value), Some(expected));
                    }
                }
                Step::DrainFifo => {
                    assert!(stack.drain_fifo().map(|value| *value).eq(model.drain(..)));
                }
                Step::NewHandle => handle = stack.handle(),
            }
            assert_eq!(stack.is_empty(), model.is_empty());
        }
        drop(handle);
        model.reverse();
        assert!(stack.into_iter().map(|value| *value).eq(model));
    }};
}

fn mailbox(steps: &[Step]) {
    let mailbox = Mailbox::new();
    let mut model: Vec<u32> = Vec::new();
    let mut next = 0_u32;
    for step in steps {
        let was_empty = model.is_empty();
        match step {
            Step::Push | Step::PushByHandle => {
                next += 1;
                assert_eq!(mailbox.push(Box::new(next)), was_empty);
                model.push(next);
            }
            Step::PushAll(count) => {
                let batch = values(next, *count);
                next += batch.len() as u32;
                model.extend(batch.iter().map(|value| **value));
                let some = !batch.is_empty();
                assert_eq!(mailbox.push_all(batch), was_empty && some);
            }
            Step::TakeAll(keep) => {
                let mut all = mailbox.take_all();
                while model.len() > usize::from(*keep) {
                    assert_eq!(all.next().map(|value: Value| *value), model.pop());
                }
                mailbox.put_back(all);
            }
            Step::TakeReversed(count) => {
                let mut all = mailbox.take_all().reversed();
                let taken = usize::from(*count).min(model.len());
                for expected in model.drain(..).take(taken) {
                    assert_eq!(all.next().map(|value| *value), Some(expected));
                }
            }
            Step::DrainFifo => {
                assert!(mailbox.drain_fifo().map(|value| *value).eq(model.drain(..)));
            }
            Step::Pop | Step::PopByHandle | Step::NewHandle => {}
        }
        assert_eq!(mailbox.is_empty(), model.is_empty());
    }
}

fn pool(steps: &[Step]) {
    let pool = Pool::new();
    let (stack, other) = (PoolStack::new(&pool), PoolStack::new(&pool));
    let (mut model, mut other_model) = (Vec::new(), Vec::new());
    let mut next = 0_u32;
    for step in steps {
        match step {
            Step::Push | Step::PushByHandle => {
                next += 1;
                stack.push(pool.insert(Box::new(next)));
                model.push(next);
            }
            // From one stack to the other, without leaving its node.
            Step::PushAll(..) => {
                if let Some(node) = stack.pop() {
                    other_model.push(model.pop().expect("the model has it too"));
                    other.push(node);
                }
            }
            Step::Pop => {
                let value = stack.pop().map(|node| *node.into_inner());
                assert_eq!(value, model.pop());
            }
            Step::PopByHandle | Step::NewHandle => {
                assert_eq!(other.pop().map(|node| **node), other_model.pop());
            }
            Step::TakeAll(count) | Step::TakeReversed(count) => {
                let mut all = stack.take_all();
                for _ in 0..usize::from(*count).min(model.len()) {
                    assert_eq!(all.next().map(|node| **node), model.pop());
                }
                model.clear();
            }
            Step::DrainFifo => {
                assert!(other.take_all().map(|node| **node).eq(other_model.drain(..).rev()));
            }
        }
        assert_eq!(
            (stack.is_empty(), other.is_empty()),
            (model.is_empty(), other_model.is_empty())
        );
    }
}

fuzz_target!(|input: Input| {
    match input.kind % 5 {
        0 => play!(Stack::new(), &input.steps, |stack: &Stack<Value>, values: Vec<Value>| {
            let count = values.len();
            stack.push_all(values);
            count
        }),
        1 => {
            let stack = ArrayStack::with_parties(usize::from(input.capacity % 64) + 1, 2);
            play!(stack, &input.steps, |stack: &ArrayStack<Value>, values: Vec<Value>| {
                fitted(values.len(), stack.push_all(values))
            });
        }
        2 => play!(
            InlineStack::<Value, 9>::new(),
            &input.steps,
            |stack: &InlineStack<Value, 9>, values: Vec<Value>| {
                fitted(values.len(), stack.push_all(values))
            }
        ),
        3 => mailbox(&input.steps),
        _ => pool(&input.steps),
    }
});
