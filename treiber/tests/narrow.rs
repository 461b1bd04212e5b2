//! The bound on generations, shown: a pop that is held up goes wrong exactly when its slot was
//! pushed a multiple of 2^bits times meanwhile. Narrow generations fail so, wide ones don't.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use latchwork_treiber::narrow::NarrowStack;

/// Whether a pop is wrong that is held up while its slot is taken, the one below it too, and the
/// first is pushed so often.
fn wrong_after<const BITS: u32>(pushes: u64) -> bool {
    let stack = NarrowStack::<u64, BITS>::new(8, 1);
    (1..=3).for_each(|value| stack.push(value).unwrap());
    let mut handle = stack.handle();
    let popped = stack.pop_held_up(|| {
        // The handle keeps the slot, and uses it again.
        let top = handle.pop().unwrap();
        stack.pop().unwrap();
        for push in 0..pushes {
            handle.push(top).unwrap();
            if push + 1 < pushes {
                handle.pop().unwrap();
            }
        }
    });
    popped.is_some()
}

#[test]
fn a_pop_goes_wrong_after_a_multiple_of_two_to_the_bits_and_at_no_other_time() {
    for pushes in 1..=100 {
        assert!(wrong_after::<0>(pushes));
        assert_eq!(wrong_after::<1>(pushes), pushes % 2 == 0);
        assert_eq!(wrong_after::<2>(pushes), pushes % 4 == 0);
        assert_eq!(wrong_after::<3>(pushes), pushes % 8 == 0);
        assert_eq!(wrong_after::<4>(pushes), pushes % 16 == 0);
    }
    assert!(wrong_after::<16>(1 << 16));
    assert!(!wrong_after::<16>((1 << 16) - 1));
    assert!(!wrong_after::<64>(1 << 16));
}

/// Values on the stack; few, so that they meet again and again. They are small numbers from 1.
const VALUES: usize = 4;

/// Three threads pop two values and push them again, a fourth pops one and is held up in it, up to
/// so often. Whether a value was lost, or had by two.
fn goes_wrong<const BITS: u32>(attempts: usize) -> bool {
    let stack = NarrowStack::<usize, BITS>::new(64, 1);
    (1..=VALUES).for_each(|value| stack.push(value).unwrap());
    let held: [AtomicBool; VALUES + 1] = Default::default();
    let (wrong, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let had = |value: usize| {
        if held[value].swap(true, Ordering::AcqRel) {
            wrong.store(true, Ordering::Relaxed);
        }
    };
    let back = |value: usize| {
        held[value].store(false, Ordering::Release);
        if stack.push(value).is_err() {
            wrong.store(true, Ordering::Relaxed);
        }
    };
    let over = || wrong.load(Ordering::Relaxed) || done.load(Ordering::Relaxed);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over() {
                    let popped = [stack.pop(), stack.pop()];
                    popped.into_iter().flatten().for_each(had);
                    // The other way round, so that another lies below.
                    popped.into_iter().flatten().for_each(back);
                    thread::yield_now();
                }
            });
        }
        for _ in 0..attempts {
            if let Some(value) = stack.pop_held_up(thread::yield_now) {
                had(value);
                back(value);
            }
            if over() {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    // A broken list may go round in a circle.
    let left: Vec<usize> = std::iter::from_fn(|| stack.pop()).take(VALUES + 1).collect();
    let whole = (1..=VALUES).all(|value| left.iter().filter(|it| **it == value).count() == 1);
    wrong.load(Ordering::Relaxed) || !whole
}

#[test]
fn narrow_generations_go_wrong_on_real_threads() {
    const ATTEMPTS: usize = 10_000_000;
    assert!(goes_wrong::<0>(ATTEMPTS));
    assert!(goes_wrong::<1>(ATTEMPTS));
    assert!(goes_wrong::<2>(ATTEMPTS));
    assert!(goes_wrong::<3>(ATTEMPTS));
    assert!(goes_wrong::<4>(ATTEMPTS));
}

#[test]
fn wide_generations_stay_right_on_real_threads() {
    assert!(!goes_wrong::<64>(100_000));
}
