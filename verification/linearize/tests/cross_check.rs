//! The checker against another's, and against the definition, on random histories.

use std::collections::VecDeque;

use latchwork_linearize::objects::register::{Call, Register, Return};
use latchwork_linearize::objects::stack::{self, Stack};
use latchwork_linearize::{History, Operation, Spec};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History as Other};
use todc_utils::specifications::Specification;
use todc_utils::specifications::register::{RegisterOperation, RegisterSpecification};

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}

/// An operation that has started, with its result once it has taken effect.
type Open<C, R> = (Operation<C, R>, Option<R>);

/// Threads that start and end operations at random; an operation takes effect at a random moment
/// in between, and each result is replaced by a random one with a chance of one in `lies`.
fn history<C: Clone, R>(
    random: &mut Random,
    lies: u64,
    mut call: impl FnMut(&mut Random) -> C,
    mut effect: impl FnMut(&C) -> R,
    mut any: impl FnMut(&mut Random, &C) -> R,
) -> Vec<Operation<C, R>> {
    let threads = 2 + random.below(3) as usize;
    let mut todo: Vec<u64> = (0..threads).map(|_| 1 + random.below(4)).collect();
    let mut open: Vec<Option<Open<C, R>>> = (0..threads).map(|_| None).collect();
    let mut done = Vec::new();
    let mut stamp = 0;
    while open.iter().any(Option::is_some) || todo.iter().any(|left| *left > 0) {
        let thread = random.below(threads as u64) as usize;
        match open[thread].take() {
            None if todo[thread] == 0 => continue,
            None => {
                todo[thread] -= 1;
                let operation = Operation { thread, call: call(random), start: stamp, end: None };
                open[thread] = Some((operation, None));
            }
            Some((operation, None)) => {
                let mut result = effect(&operation.call);
                if random.below(lies) == 0 {
                    result = any(random, &operation.call);
                }
                open[thread] = Some((operation, Some(result)));
                continue;
            }
            Some((mut operation, Some(result))) => {
                operation.end = Some((stamp, result));
                done.push(operation);
            }
        }
        stamp += 1;
    }
    done
}

/// The events in order: what the other checker takes.
fn events<C: Clone, R: Clone, O>(
    history: &[Operation<C, R>],
    operation: impl Fn(&C, &R) -> O,
) -> Vec<(usize, Action<O>)> {
    let mut events: Vec<_> = history
        .iter()
        .flat_map(|Operation { thread, call, start, end }| {
            let (end, returned) = end.clone().expect("all have returned");
            [
                (*start, (*thread, Action::Call(operation(call, &returned)))),
                (end, (*thread, Action::Response(operation(call, &returned)))),
            ]
        })
        .collect();
    events.sort_by_key(|(stamp, _)| *stamp);
    events.into_iter().map(|(_, event)| event).collect()
}

struct OtherStack;

impl Specification for OtherStack {
    type State = VecDeque<u8>;
    type Operation = (stack::Call<u8>, stack::Return<u8>);

    fn init() -> Self::State {
        VecDeque::new()
    }

    fn apply((call, returned): &Self::Operation, state: &Self::State) -> (bool, Self::State) {
        let mut next = state.clone();
        let valid = match (call, returned) {
            (stack::Call::Push(item), stack::Return::Pushed) => {
                next.push_front(*item);
                true
            }
            (stack::Call::Pop, stack::Return::Popped(item)) => next.pop_front() == *item,
            (stack::Call::TakeAll, stack::Return::Taken(items)) => {
                core::mem::take(&mut next) == *items
            }
            _ => false,
        };
        (valid, next)
    }
}

const HISTORIES: usize = 20_000;

#[test]
fn agrees_with_todc_on_registers() {
    let (mut random, mut accepted) = (Random(1), 0);
    for number in 0..HISTORIES {
        let mut value = 0_u8;
        let operations = history(
            &mut random,
            6,
            |random| match random.below(2) {
                0 => Call::Read,
                _ => Call::Write(random.below(3) as u8),
            },
            |call| match call {
                Call::Write(new) => {
                    value = *new;
                    Return::Written
                }
                _ => Return::Found(value),
            },
            |random, call| match call {
                Call::Write(_) => Return::Written,
                _ => Return::Found(random.below(3) as u8),
            },
        );
        let events = events(&operations, |call, returned| match (call, returned) {
            (Call::Write(value), _) => RegisterOperation::Write(*value),
            (_, Return::Found(value)) => RegisterOperation::Read(Some(*value)),
            _ => unreachable!("reads return what they found"),
        });
        let theirs =
            WGLChecker::<RegisterSpecification<u8>>::is_linearizable(Other::from_actions(events));
        let history = History::new(operations);
        let ours = history.check(&Register(0));
        assert_eq!(ours.is_ok(), theirs, "history {number}: {history:?}");
        accepted += usize::from(theirs);
    }
    assert!((HISTORIES / 4..HISTORIES * 3 / 4).contains(&accepted), "{accepted} of {HISTORIES}");
}

#[test]
fn agrees_with_todc_on_stacks() {
    let (mut random, mut accepted) = (Random(2), 0);
    for number in 0..HISTORIES {
        let mut items = Vec::new();
        let operations = stack_history(&mut random, &mut items);
        let events = events(&operations, |call, returned| (call.clone(), returned.clone()));
        let theirs = WGLChecker::<OtherStack>::is_linearizable(Other::from_actions(events));
        let history = History::new(operations);
        let ours = history.check(&Stack::new());
        assert_eq!(ours.is_ok(), theirs, "history {number}: {history:?}");
        accepted += usize::from(theirs);
    }
    assert!((HISTORIES / 4..HISTORIES * 3 / 4).contains(&accepted), "{accepted} of {HISTORIES}");
}

fn stack_history(
    random: &mut Random,
    items: &mut Vec<u8>,
) -> Vec<Operation<stack::Call<u8>, stack::Return<u8>>> {
    history(
        random,
        12,
        |random| match random.below(5) {
            0 | 1 => stack::Call::Push(random.below(3) as u8),
            2 | 3 => stack::Call::Pop,
            _ => stack::Call::TakeAll,
        },
        |call| match call {
            stack::Call::Push(item) => {
                items.push(*item);
                stack::Return::Pushed
            }
            stack::Call::Pop => stack::Return::Popped(items.pop()),
            stack::Call::TakeAll => stack::Return::Taken(items.drain(..).rev().collect()),
        },
        |random, call| match call {
            stack::Call::Push(_) => stack::Return::Pushed,
            stack::Call::Pop => stack::Return::Popped(Some(random.below(3) as u8)),
            stack::Call::TakeAll => stack::Return::Taken(vec![random.below(3) as u8]),
        },
    )
}

/// A counter whose additions may be lost in part, and tell so: several states may follow.
struct Lossy;

impl Spec for Lossy {
    type State = u8;
    type Call = u8;
    /// The value found, or nothing for one that may have added all, half or none.
    type Return = Option<u8>;

    fn start(&self) -> u8 {
        0
    }

    fn next(&self, state: &u8, add: &u8, returned: Option<&Option<u8>>) -> Vec<u8> {
        match returned {
            Some(Some(found)) if found == state => vec![state + add],
            Some(Some(_)) => vec![],
            Some(None) => vec![*state, state + add / 2, state + add],
            None => vec![state + add],
        }
    }
}

/// Linearizability as it is defined: some order of all that returned and some of the others.
fn by_definition<S: Spec>(
    spec: &S,
    left: &[&Operation<S::Call, S::Return>],
    state: &S::State,
) -> bool {
    if left.iter().all(|operation| operation.end.is_none()) {
        return true;
    }
    left.iter().enumerate().any(|(index, operation)| {
        let first = left
            .iter()
            .all(|other| other.end.as_ref().is_none_or(|(end, _)| *end > operation.start));
        let rest: Vec<_> = [&left[..index], &left[index + 1..]].concat();
        let returned = operation.end.as_ref().map(|(_, returned)| returned);
        first
            && spec
                .next(state, &operation.call, returned)
                .iter()
                .any(|next| by_definition(spec, &rest, next))
    })
}

#[test]
fn agrees_with_the_definition_on_results_that_leave_the_state_open() {
    let (mut random, mut accepted, mut checked) = (Random(3), 0, 0);
    while checked < HISTORIES {
        let (mut value, mut effects) = (0_u8, Random(random.below(u64::MAX)));
        let mut operations = history(
            &mut random,
            8,
            |random| 2 * random.below(3) as u8,
            |add| {
                let found = value;
                if effects.below(4) == 0 {
                    value += [0, add / 2, *add][effects.below(3) as usize];
                    None
                } else {
                    value += add;
                    Some(found)
                }
            },
            |random, _| Some(random.below(8) as u8),
        );
        for operation in &mut operations {
            if random.below(6) == 0 {
                operation.end = None;
            }
        }
        if operations.len() > 7 {
            continue;
        }
        checked += 1;
        let history = History::new(operations);
        let expected = by_definition(&Lossy, &history.operations().iter().collect::<Vec<_>>(), &0);
        let ours = history.check(&Lossy);
        assert_eq!(ours.is_ok(), expected, "{history:?}");
        accepted += usize::from(expected);
        if let Ok(order) = ours {
            assert_is_an_order(&history, &order);
        }
    }
    assert!((HISTORIES / 4..HISTORIES * 9 / 10).contains(&accepted), "{accepted} of {HISTORIES}");
}

/// The order found keeps to real time, holds each operation at most once and all that returned.
fn assert_is_an_order(history: &History<u8, Option<u8>>, order: &[usize]) {
    let operations = history.operations();
    for (place, index) in order.iter().enumerate() {
        for later in &order[place + 1..] {
            assert_ne!(index, later);
            let end = operations[*later].end.as_ref().map_or(u64::MAX, |(end, _)| *end);
            assert!(operations[*index].start < end, "{history:?} {order:?}");
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        assert!(operation.end.is_none() || order.contains(&index), "{history:?} {order:?}");
    }
}

#[test]
fn keys_are_checked_one_by_one() {
    let operation =
        |thread, call, start, end| Operation { thread, call, start, end: Some((end, ())) };
    let history =
        History::new([operation(0, 'a', 0, 3), operation(1, 'b', 1, 2), operation(1, 'a', 4, 5)]);
    let parts = history.split(|call| *call);
    assert_eq!(parts[&'a'].operations().len(), 2);
    assert_eq!(parts[&'b'].operations().len(), 1);
}
