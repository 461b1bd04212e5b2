//! The bound on generations, shown: a pop that is held up goes wrong exactly when its slot was
//! pushed a multiple of 2^bits times meanwhile. Narrow generations fail so, wide ones don't.

// Under the thread sanitizer neither: the race is what it shows.
#![cfg(not(any(latchwork_loom, latchwork_shuttle, latchwork_tsan)))]

use core::panic::AssertUnwindSafe;
use latchwork_sync::atomic::{AtomicBool, Ordering};
use std::panic::catch_unwind;
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

/// Raised when its thread panics, as it may over a list that is broken.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Threads pop two values and push them again, while one holds up its pops, up to so many, over a
/// number of pushes of the same slot. Whether a value was lost, was had by two, or was none.
fn goes_wrong<const BITS: u32>(attempts: usize) -> bool {
    let stack = NarrowStack::<usize, BITS>::new(64, 1);
    (1..=VALUES).for_each(|value| stack.push(value).unwrap());
    let held: [AtomicBool; VALUES + 1] = Default::default();
    let (wrong, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let had = |value: &usize| {
        let fine = (1..=VALUES).contains(value) && !held[*value].swap(true, Ordering::AcqRel);
        if !fine {
            wrong.store(true, Ordering::Relaxed);
        }
        fine
    };
    let back = |value: usize| {
        held[value].store(false, Ordering::Release);
        if stack.push(value).is_err() {
            wrong.store(true, Ordering::Relaxed);
        }
    };
    let over = || wrong.load(Ordering::Relaxed) || done.load(Ordering::Relaxed);
    let go_round = || {
        // First in, first out: so that another lies below each.
        let popped = [stack.pop(), stack.pop()];
        popped.map(|value| value.filter(had)).into_iter().flatten().for_each(back);
    };
    let churn = || {
        let _alarm = Alarm(&wrong);
        while !over() {
            go_round();
            thread::yield_now();
        }
    };
    let hold_up = || {
        let mut handle = stack.handle();
        for attempt in 0..attempts {
            let pushes = 1 + attempt % 37;
            let mut below = None;
            let popped = stack.pop_held_up(|| {
                // The handle keeps the slot of what it pops, and uses it again; the slot below
                // is free when the exchange makes it the top, if that succeeds.
                let mut top = handle.pop().filter(had);
                below = stack.pop().filter(had);
                for push in 0..pushes {
                    let Some(value) = top else { break };
                    held[value].store(false, Ordering::Release);
                    if handle.push(value).is_err() {
                        wrong.store(true, Ordering::Relaxed);
                    }
                    top = if push + 1 < pushes { handle.pop().filter(had) } else { None };
                }
            });
            popped.filter(had).into_iter().chain(below).for_each(back);
            if over() {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let played = catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(churn)));
            let _alarm = Alarm(&wrong);
            hold_up();
        });
        // A broken list may go round in a circle.
        let left: Vec<usize> = std::iter::from_fn(|| stack.pop()).take(VALUES + 1).collect();
        (1..=VALUES).all(|value| left.iter().filter(|it| **it == value).count() == 1)
    }));
    wrong.load(Ordering::Relaxed) || !played.unwrap_or(false)
}

#[test]
fn narrow_generations_go_wrong_on_real_threads() {
    const ATTEMPTS: usize = 1_000_000;
    assert!(goes_wrong::<0>(ATTEMPTS));
    assert!(goes_wrong::<1>(ATTEMPTS));
    assert!(goes_wrong::<2>(ATTEMPTS));
    assert!(goes_wrong::<3>(ATTEMPTS));
    assert!(goes_wrong::<4>(ATTEMPTS));
}

#[test]
fn wide_generations_stay_right_on_real_threads() {
    assert!(!goes_wrong::<64>(3_000));
}
