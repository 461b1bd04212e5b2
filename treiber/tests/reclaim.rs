//! The stack over each scheme, on real threads.

#![cfg(all(feature = "reclaim", not(any(latchwork_loom, latchwork_shuttle))))]

use core::panic::AssertUnwindSafe;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::catch_unwind;
use std::thread;

use latchwork_reclaim::{Epoch, Handle, Hazard, Interval, Leak, Scheme};
use latchwork_treiber::ReclaimStack;

fn every_value_is_popped_once<S: Scheme>(domain: S) {
    const THREADS: usize = 4;
    const EACH: usize = 5_000;
    let stack = ReclaimStack::new(domain);
    let seen: Vec<AtomicUsize> = (0..THREADS * EACH).map(|_| AtomicUsize::new(0)).collect();
    let note = |value: usize| {
        seen[value].fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (stack, note) = (&stack, &note);
            scope.spawn(move || {
                let mut handle = stack.domain().register();
                for value in thread * EACH..(thread + 1) * EACH {
                    let guard = handle.pin();
                    match value % 5 {
                        0 => stack.push_all([value], &guard),
                        _ => stack.push(value, &guard),
                    }
                    match value % 7 {
                        0 => {}
                        1 => stack.take_all(&guard).for_each(note),
                        2 => stack.drain_fifo(&guard).take(2).for_each(note),
                        _ => stack.pop(&guard).into_iter().for_each(note),
                    }
                }
            });
        }
    });
    let lost = seen.iter().filter(|count| count.load(Ordering::Relaxed) == 0).count();
    let mut handle = stack.domain().register();
    let left = stack.take_all(&handle.pin()).inspect(|value| note(*value)).count();
    // What a drain did not reach was dropped with it.
    assert!(left <= lost);
    assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) <= 1), "{}", S::NAME);
}

#[test]
fn no_value_is_popped_twice() {
    every_value_is_popped_once(Epoch::new());
    every_value_is_popped_once(Interval::new());
    every_value_is_popped_once(Hazard::new());
    every_value_is_popped_once(Leak::new());
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

fn each_is_dropped_once<S: Scheme>(domain: &S) {
    for bad in 0..6 {
        let drops = AtomicUsize::new(0);
        let counted = |n| Counted { drops: &drops, panics: n == bad };
        let mut stack = ReclaimStack::new(domain.clone());
        let mut handle = domain.register();
        stack.push_all((0..5).map(counted), &handle.pin());
        let caught = catch_unwind(AssertUnwindSafe(|| drop(stack.take_all(&handle.pin()))));
        assert_eq!((caught.is_err(), drops.swap(0, Ordering::Relaxed)), (bad < 5, 5));
        stack.push_all((0..5).map(counted), &handle.pin());
        core::mem::forget(stack.pop_mut());
        let caught = catch_unwind(AssertUnwindSafe(|| drop(stack)));
        assert_eq!((caught.is_err(), drops.load(Ordering::Relaxed)), (bad < 4, 4));
    }
}

#[test]
fn a_panicking_drop_leaves_none_behind_and_drops_none_twice() {
    each_is_dropped_once(&Epoch::new());
    each_is_dropped_once(&Interval::new());
    each_is_dropped_once(&Hazard::new());
}

#[test]
fn lifo_and_fifo() {
    let mut stack: ReclaimStack<_, Epoch> = ReclaimStack::default();
    let mut handle = stack.domain().register();
    let guard = handle.pin();
    let values = (0..5).inspect(|n| assert!(*n < 3, "no more"));
    assert!(catch_unwind(AssertUnwindSafe(|| stack.push_all(values, &guard))).is_err());
    stack.push(3, &guard);
    assert_eq!(stack.pop(&guard), Some(3));
    assert!(stack.take_all(&guard).eq([2, 1, 0]));
    assert!(stack.is_empty());
    stack.push_all(0..3, &guard);
    assert!(stack.drain_fifo(&guard).eq(0..3));
    stack.push_all(0..3, &guard);
    drop(guard);
    assert_eq!(stack.pop_mut(), Some(2));
}

#[test]
#[should_panic(expected = "another domain")]
fn a_guard_of_another_domain_is_refused() {
    let stack = ReclaimStack::new(Epoch::new());
    let mut handle = Epoch::new().register();
    stack.push(1, &handle.pin());
}
