//! Every value that is pushed is popped or taken once; narrow generations lose that as predicted.

use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::narrow::{NarrowStack, SmallChunks};

type Stack<const BITS: u32> = NarrowStack<u64, BITS>;

/// A stack of so many slots with these values on it, the last on top.
fn stack<const BITS: u32>(slots: usize, values: &[u64]) -> Arc<Stack<BITS>> {
    let mut stack = Stack::new(slots, 1);
    let mut handle = stack.handle();
    for value in values {
        handle.push(*value).unwrap();
    }
    drop(handle);
    assert_eq!(stack.is_empty(), values.is_empty());
    let stack_mut = &mut stack;
    let top = stack_mut.pop_mut();
    assert_eq!(top, values.last().copied());
    if let Some(top) = top {
        stack.push(top).unwrap();
    }
    Arc::new(stack)
}

/// Fails if these values, and what is left on the stack, are not the expected ones.
fn settle<const BITS: u32>(stack: &Stack<BITS>, mut values: Vec<u64>, expected: &[u64]) {
    values.extend(stack.take_all());
    values.sort_unstable();
    assert_eq!(values, expected, "lost or doubled");
    assert!(stack.is_empty());
}

fn shown(values: &[Option<u64>]) -> String {
    format!("{values:?}")
}

/// Two threads, each pushes one and pops one.
fn push_and_pop() -> String {
    let stack = stack::<64>(2, &[]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        theirs.push(1).unwrap();
        theirs.pop()
    });
    stack.push(2).unwrap();
    let ours = stack.pop();
    let popped = [ours, child.join().unwrap()];
    settle(&stack, popped.iter().flatten().copied().collect(), &[1, 2]);
    shown(&popped)
}

/// Two pops leave their slots in the same place, and pushes find them.
fn two_slots_left_at_once() -> String {
    let stack = stack::<64>(4, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        let popped = theirs.pop();
        theirs.push(3).unwrap();
        popped
    });
    let ours = stack.pop();
    let popped = [ours, child.join().unwrap()];
    stack.push(4).unwrap();
    settle(&stack, popped.iter().flatten().copied().collect(), &[1, 2, 3, 4]);
    shown(&popped)
}

/// A slot comes back on top with another one below while a pop is under way.
fn the_same_slot_again<const BITS: u32>() -> String {
    let stack = stack::<BITS>(3, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.pop());
    let mut popped = vec![];
    {
        // The handle keeps the first slot, the stack gets the second.
        let mut handle = stack.handle();
        popped.extend([handle.pop(), stack.pop()]);
        if popped.iter().all(Option::is_some) {
            handle.push(3).unwrap();
        }
    }
    let pushed = if popped.iter().all(Option::is_some) { &[1, 2, 3][..] } else { &[1, 2] };
    popped.push(child.join().unwrap());
    settle(&stack, popped.iter().flatten().copied().collect(), pushed);
    shown(&popped)
}

/// The same slot twice, so that a single bit of generation is as it was.
fn the_same_slot_twice<const BITS: u32>() -> String {
    let stack = stack::<BITS>(3, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.pop());
    let mut popped = vec![];
    let mut pushed = vec![1, 2];
    {
        let mut handle = stack.handle();
        popped.extend([handle.pop(), stack.pop()]);
        if popped.iter().all(Option::is_some) {
            handle.push(3).unwrap();
            pushed.push(3);
            popped.push(handle.pop());
            if popped[2].is_some() {
                handle.push(4).unwrap();
                pushed.push(4);
            }
        }
    }
    popped.push(child.join().unwrap());
    settle(&stack, popped.iter().flatten().copied().collect(), &pushed);
    shown(&popped)
}

/// A pop against a take-all whose slots are used again.
fn take_all_and_push_again<const BITS: u32>() -> String {
    let stack = stack::<BITS>(2, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.pop());
    // Oldest first, so that the slot that was on top is the first to be used again.
    let mut values: Vec<u64> = stack.drain_fifo().collect();
    stack.push(3).unwrap();
    let popped = child.join().unwrap();
    let seen = shown(&[popped, Some(values.len() as u64)]);
    values.extend(popped);
    settle(&stack, values, &[1, 2, 3]);
    seen
}

/// A pop against a take-all whose rest is put back.
fn take_all_and_put_back() -> String {
    take_all_and_keep(true)
}

/// The rest goes with what took it, though it may be what the pop has missed.
fn take_all_and_drop_the_rest() -> String {
    take_all_and_keep(false)
}

fn take_all_and_keep(put_back: bool) -> String {
    let stack = stack::<64>(2, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.pop());
    let mut rest = stack.take_all();
    let first = rest.next();
    if put_back {
        rest.put_back();
    } else {
        drop(rest);
    }
    let popped = child.join().unwrap();
    settle(&stack, [first, popped].into_iter().flatten().collect(), &[1, 2]);
    shown(&[first, popped])
}

/// A pop against a chain that is pushed of slots that were popped.
fn push_all_against_pop<const BITS: u32>() -> String {
    let stack = stack::<BITS>(3, &[1, 2]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.pop());
    let mut popped = vec![stack.pop(), stack.pop()];
    let fitted = stack.push_all([3, 4]).is_ok();
    popped.push(child.join().unwrap());
    assert!(fitted);
    settle(&stack, popped.iter().flatten().copied().collect(), &[1, 2, 3, 4]);
    shown(&popped)
}

/// Two handles with batches of one slot: refill, flush, and what is believed to be on top.
fn two_handles() -> String {
    let stack = stack::<64>(8, &[]);
    let run = |stack: &Stack<64>, base: u64| {
        let mut handle = stack.handle();
        handle.push(base).unwrap();
        handle.push(base + 1).unwrap();
        [handle.pop(), handle.pop()]
    };
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || run(&theirs, 10));
    let ours = run(&stack, 20);
    let popped = [ours, child.join().unwrap()].concat();
    settle(&stack, popped.iter().flatten().copied().collect(), &[10, 11, 20, 21]);
    let foreign = ours.iter().flatten().any(|value| *value < 20);
    foreign.to_string()
}

/// What a handle pops unseen comes with the value of whoever pushed it.
fn a_believed_top_is_acquired() -> String {
    let stack = stack::<64>(4, &[]);
    let mut handle = stack.handle();
    handle.push(1).unwrap();
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        let popped = theirs.pop();
        theirs.push(2).unwrap();
        popped
    });
    handle.push(3).unwrap();
    let ours = [handle.pop(), handle.pop()];
    drop(handle);
    let popped = [ours[0], ours[1], child.join().unwrap()];
    settle(&stack, popped.iter().flatten().copied().collect(), &[1, 2, 3]);
    shown(&popped)
}

/// A handle that saw its own word on top goes on to another's value below.
fn what_lies_below_a_believed_top_is_acquired() -> String {
    let stack = stack::<64>(6, &[]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || theirs.push(1).unwrap());
    let mut handle = stack.handle();
    handle.push(2).unwrap();
    handle.push(3).unwrap();
    let popped = [handle.pop(), handle.pop(), handle.pop()];
    drop(handle);
    child.join().unwrap();
    settle(&stack, popped.iter().flatten().copied().collect(), &[1, 2, 3]);
    shown(&popped)
}

/// A take-all gets the values of pushes that are under way.
fn a_take_all_acquires() -> String {
    let stack = stack::<64>(2, &[]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        theirs.push(1).unwrap();
        theirs.push(2).unwrap();
    });
    let taken: Vec<u64> = stack.take_all().collect();
    child.join().unwrap();
    let seen = format!("{taken:?}");
    settle(&stack, taken, &[1, 2]);
    seen
}

/// Slots that one thread gives back are another's, whole.
fn a_spilled_batch_is_used() -> String {
    let stack = Arc::new(Stack::<64>::new(2, 2));
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        let mut handle = theirs.handle();
        let pushed = handle.push(1).is_ok();
        let popped = handle.pop();
        (pushed, popped)
    });
    let ours = stack.push_all([2, 3]).is_ok();
    let (pushed, popped) = child.join().unwrap();
    let mut values: Vec<u64> = stack.take_all().chain(popped).collect();
    values.sort_unstable();
    let two = [ours, pushed];
    if ours && pushed {
        assert_eq!(values, [1, 2, 3]);
    }
    // Whatever was refused, all slots are there again.
    assert!(stack.push_all([4, 5]).is_ok());
    drop(stack.take_all());
    format!("{two:?} {values:?}")
}

/// One pops three values, of which its handle keeps a batch, and another, and the third while it is
/// at it; the other finds the stack empty, and so not full.
fn never_full_below_capacity(slots: usize) -> String {
    let stack = stack::<64>(slots, &[1, 2, 3]);
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        let mut handle = theirs.handle();
        [handle.pop(), handle.pop(), handle.pop()]
    });
    let empty = stack.is_empty();
    if empty {
        stack.push(4).expect("full below its capacity");
    }
    let popped = child.join().unwrap();
    settle(
        &stack,
        popped.iter().flatten().copied().collect(),
        if empty { &[1, 2, 3, 4] } else { &[1, 2, 3] },
    );
    format!("{empty} {popped:?}")
}

/// Of a capacity of one, for two parties, with batches of one: 1 + (2 - 1) x (2 x 1 + 1).
const SLOTS: usize = 4;

fn slots_by_the_formula() -> String {
    never_full_below_capacity(SLOTS)
}

fn one_slot_fewer() -> String {
    never_full_below_capacity(SLOTS - 1)
}

/// Two threads grow the stack at once; a third finds what is in the new chunk.
fn growth() -> String {
    // One slot in the first chunk, four in the second.
    let stack = Arc::new(SmallChunks::<u64>::new(2));
    let theirs = Arc::clone(&stack);
    let child = thread::spawn(move || {
        theirs.push(1).unwrap();
        theirs.push(2).unwrap();
    });
    stack.push(3).unwrap();
    let popped = stack.pop();
    child.join().unwrap();
    let mut values: Vec<u64> = stack.take_all().chain(popped).collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2, 3], "lost or doubled");
    shown(&[popped])
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("stack_push_and_pop", push_and_pop)
            .bound(2)
            .least(100)
            .random_under_shuttle(20_000),
        Model::new("stack_two_slots_left_at_once", two_slots_left_at_once)
            .least(100)
            .random_under_shuttle(20_000),
        Model::new("stack_the_same_slot_again", the_same_slot_again::<1>)
            .least(100)
            .twin("no_generation", the_same_slot_again::<0>),
        Model::new("stack_the_same_slot_twice", the_same_slot_twice::<2>)
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("no_generation", the_same_slot_twice::<0>)
            .twin("one_bit", the_same_slot_twice::<1>),
        Model::new("stack_take_all_and_push_again", take_all_and_push_again::<64>)
            .least(20)
            .twin("no_generation", take_all_and_push_again::<0>),
        Model::new("stack_take_all_and_put_back", take_all_and_put_back)
            .least(5)
            .twin("dropped", take_all_and_drop_the_rest),
        Model::new("stack_push_all_against_pop", push_all_against_pop::<64>)
            .bound(1)
            .least(50)
            .random_under_shuttle(20_000),
        Model::new("stack_two_handles", two_handles)
            .bound(2)
            .least(100)
            .random_under_shuttle(20_000),
        Model::new("stack_a_believed_top_is_acquired", a_believed_top_is_acquired)
            .bound(3)
            .least(50)
            .random_under_shuttle(20_000),
        Model::new(
            "stack_what_lies_below_a_believed_top_is_acquired",
            what_lies_below_a_believed_top_is_acquired,
        )
        .bound(1)
        .least(50)
        .random_under_shuttle(20_000),
        Model::new("stack_a_take_all_acquires", a_take_all_acquires).least(10),
        Model::new("stack_a_spilled_batch_is_used", a_spilled_batch_is_used)
            .least(50)
            .random_under_shuttle(20_000),
        Model::new("stack_never_full_below_capacity", slots_by_the_formula)
            .least(50)
            .random_under_shuttle(20_000)
            .twin("one_slot_fewer", one_slot_fewer),
        Model::new("stack_growth", growth).bound(2).least(100).random_under_shuttle(20_000),
    ]
}
