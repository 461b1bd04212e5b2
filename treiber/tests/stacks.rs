//! The value stacks on real threads.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use core::panic::AssertUnwindSafe;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::catch_unwind;
use std::thread;

use latchwork_treiber::narrow::NarrowStack;
use latchwork_treiber::{ArrayStack, Handle, InlineStack, Stack};

/// Threads push and pop numbers that are theirs, and every number is popped once.
macro_rules! every_value_is_popped_once {
    ($($name:ident: $stack:expr, $worker:expr;)*) => {$(
        #[test]
        fn $name() {
            const THREADS: usize = 4;
            const EACH: usize = 20_000;
            let stack = $stack;
            let seen: Vec<AtomicUsize> = (0..THREADS * EACH).map(|_| AtomicUsize::new(0)).collect();
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let (stack, seen) = (&stack, &seen);
                    scope.spawn(move || {
                        let worker = $worker;
                        worker(stack, thread * EACH..(thread + 1) * EACH, seen);
                    });
                }
            });
            for value in stack.into_iter() {
                seen[value].fetch_add(1, Ordering::Relaxed);
            }
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    )*};
}

type Seen = [AtomicUsize];

fn note(seen: &Seen, value: Option<usize>) {
    if let Some(value) = value {
        seen[value].fetch_add(1, Ordering::Relaxed);
    }
}

fn by_handle(mut handle: Handle<&Stack<usize>>, range: core::ops::Range<usize>, seen: &Seen) {
    for value in range {
        handle.push(value);
        if value % 3 != 0 {
            note(seen, handle.pop());
        }
        if value % 1000 == 0 {
            note(seen, handle.pop());
        }
    }
}

every_value_is_popped_once! {
    of_a_stack: Stack::new(), |stack: &Stack<usize>, range: core::ops::Range<usize>, seen: &Seen| {
        for value in range {
            stack.push(value);
            if value % 3 != 0 {
                note(seen, stack.pop());
            }
        }
    };
    of_a_stack_by_handles: Stack::new(), |stack: &Stack<usize>, range, seen: &Seen| {
        by_handle(stack.handle(), range, seen);
    };
    of_a_stack_by_everything: Stack::with_capacity(10), |stack: &Stack<usize>, range: core::ops::Range<usize>, seen: &Seen| {
        let mut handle = stack.handle();
        for value in range {
            match value % 7 {
                0 => handle.push(value),
                1 => stack.push_all([value]),
                _ => stack.push(value),
            }
            match value % 11 {
                0 => {
                    let mut all = stack.take_all();
                    note(seen, all.next());
                    all.put_back();
                }
                1 => stack.drain_fifo().for_each(|value| note(seen, Some(value))),
                2..6 => note(seen, handle.pop()),
                _ => note(seen, stack.pop()),
            }
        }
    };
    of_an_array_by_handles: ArrayStack::with_parties(64, 4), |stack: &ArrayStack<usize>, range: core::ops::Range<usize>, seen: &Seen| {
        let mut handle = stack.handle();
        for value in range {
            // Each holds sixteen at most, so that it is never full.
            handle.push(value).expect("full below its capacity");
            if value % 16 == 15 {
                (0..16).for_each(|_| note(seen, handle.pop()));
            }
        }
    };
    of_an_inline_stack: InlineStack::<usize, 64>::new(), |stack: &InlineStack<usize, 64>, range: core::ops::Range<usize>, seen: &Seen| {
        for value in range {
            stack.push(value).expect("full below its capacity");
            note(seen, stack.pop());
        }
    };
}

#[test]
fn lifo_and_fifo() {
    let mut stack = Stack::new();
    stack.extend(0..3);
    stack.push_all(3..6);
    assert_eq!(stack.pop(), Some(5));
    assert_eq!(stack.pop_mut(), Some(4));
    assert!(stack.take_all().eq([3, 2, 1, 0]));
    assert_eq!(stack.pop_mut(), None);
    stack.push_all(0..4);
    let mut all = stack.drain_fifo();
    assert_eq!(all.next(), Some(0));
    all.reversed().put_back();
    assert!(stack.into_iter().eq([3, 2, 1]));
}

#[test]
fn an_array_is_full_at_its_slots_and_never_below_its_capacity() {
    for (capacity, parties) in [(1, 1), (1, 4), (7, 2), (1000, 3)] {
        let stack = ArrayStack::with_parties(capacity, parties);
        let accepted = (0..100_000).take_while(|value| stack.push(*value).is_ok()).count();
        assert!(accepted >= capacity);
        if parties == 1 {
            assert_eq!(accepted, capacity);
        }
        assert_eq!(stack.take_all().count(), accepted);
        let (refused, rest) = stack.push_all(0..).unwrap_err();
        assert_eq!((refused, rest.start), (accepted, accepted + 1));
    }
}

#[test]
fn handles_hold_back_no_more_than_the_formula_says() {
    let stack = ArrayStack::with_parties(64, 3);
    let mut handles = [stack.handle(), stack.handle()];
    // Each draws free slots into its magazine and keeps them.
    for handle in &mut handles {
        for value in 0..20 {
            handle.push(value).unwrap();
        }
        for _ in 0..20 {
            handle.pop();
        }
    }
    assert!(stack.push_all(0..64).is_ok(), "full below its capacity");
    drop(handles);
    let beyond = (0..1000).take_while(|value| stack.push(*value).is_ok()).count();
    assert!(beyond >= 2);
}

#[test]
fn generation_bits_follow_the_capacity() {
    assert_eq!(ArrayStack::<u8>::with_parties(4095, 1).generation_bits(), 51);
    assert_eq!(ArrayStack::<u8>::with_parties(65_535, 1).generation_bits(), 47);
    // Slots of 24 bytes.
    assert_eq!(ArrayStack::<[u64; 2]>::with_parties(5, 1).generation_bits(), 60);
    assert_eq!(InlineStack::<u8, 15>::new().generation_bits(), 60);
    assert_eq!(Stack::<u8>::new().generation_bits(), 32);
    assert_eq!(NarrowStack::<u8, 3>::new(10, 1).generation_bits(), 3);
}

struct Counted<'a> {
    drops: &'a AtomicUsize,
    panics: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "a drop that panics");
    }
}

#[test]
fn a_panicking_drop_leaves_none_behind_and_drops_none_twice() {
    for bad in 0..5 {
        let drops = AtomicUsize::new(0);
        let counted = |n| Counted { drops: &drops, panics: n == bad };
        let stack: Stack<_> = (0..5).map(counted).collect();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err());
        assert_eq!(drops.swap(0, Ordering::Relaxed), 5);

        let stack = ArrayStack::with_parties(5, 1);
        assert!(stack.push_all((0..5).map(counted)).is_ok());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(stack.take_all()))).is_err());
        assert_eq!(drops.load(Ordering::Relaxed), 5);
        // The slots came back.
        assert!(stack.push_all((5..10).map(counted)).is_ok());
    }
}

#[test]
fn a_forgotten_drain_or_handle_leaks_and_the_stack_goes_on() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    let counted = || Counted { drops: &DROPS, panics: false };
    let stack = Stack::new();
    (0..100).for_each(|_| stack.push(counted()));
    let mut all = stack.take_all();
    assert!(all.next().is_some());
    core::mem::forget(all);
    let mut handle = stack.handle();
    handle.push(counted());
    core::mem::forget(handle);
    assert!(stack.pop().is_some());
    stack.push(counted());
    drop(stack);
    assert_eq!(DROPS.load(Ordering::Relaxed), 3);
}

#[test]
fn a_panicking_iterator_loses_no_value() {
    let stack = ArrayStack::with_parties(10, 1);
    let values = (0..10).inspect(|n| assert!(*n < 5, "no more"));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack.push_all(values)))).is_err());
    assert!(stack.take_all().eq((0..5).rev()));
    assert!(stack.push_all(0..10).is_ok());
}

#[test]
fn values_of_any_size_and_alignment() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(64))]
    struct Large([u8; 200]);
    let stack: Stack<_> = (0..200).map(|n| Large([n; 200])).collect();
    assert!(stack.take_all().eq((0..200).rev().map(|n| Large([n; 200]))));
    let units: Stack<()> = core::iter::repeat_n((), 100).collect();
    assert_eq!(units.into_iter().count(), 100);
    let stack = Stack::with_capacity(1000);
    stack.push_all((0..1000_u128).map(Some));
    assert_eq!(stack.pop(), Some(Some(999)));
}

#[test]
fn debug_shows_no_value() {
    let stack: Stack<_> = [1].into_iter().collect();
    let shown = format!("{stack:?} {:?} {:?}", stack.handle(), stack.take_all());
    assert!(shown.contains("generation_bits: 32"), "{shown}");
}

#[test]
fn send_and_sync_follow_the_values() {
    fn both<T: Send + Sync>() {}
    type Value = core::cell::Cell<u8>;
    both::<Stack<Value>>();
    both::<ArrayStack<Value>>();
    both::<InlineStack<Value, 1>>();
    both::<Handle<&Stack<Value>>>();
}
