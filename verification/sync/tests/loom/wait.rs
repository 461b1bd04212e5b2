//! Waiting on a word.

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, advance};
use latchwork_sync::thread;
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::wait::{Address, Class, Waited, wait, wake, wake_all, wake_one};

use crate::shared::Shared;

fn wake_after_change_is_never_missed(wake_too: bool) -> String {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let waker = thread::spawn(move || {
        theirs.store(1, Ordering::Relaxed);
        if wake_too {
            wake_one(Address::of(&theirs));
        }
    });
    let mut result = Waited::Changed;
    while word.load(Ordering::Relaxed) == 0 {
        result = wait(&word, 0, Class::ANY, None);
    }
    waker.join().unwrap();
    format!("{result:?}")
}

fn changed_then_woken() -> String {
    wake_after_change_is_never_missed(true)
}

fn changed_not_woken() -> String {
    wake_after_change_is_never_missed(false)
}

/// A wake orders no memory, which shows where one comes for no reason.
fn waiter_acquires(order: Ordering) -> String {
    let shared = Arc::new((AtomicU32::new(0), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let waker = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.store(1, Ordering::Release);
        wake_one(Address::of(&theirs.0));
    });
    wait(&shared.0, 0, Class::ANY, None);
    let seen = shared.0.load(order);
    if seen == 1 {
        assert_eq!(shared.1.get(), 1);
    }
    waker.join().unwrap();
    seen.to_string()
}

fn waiter_acquires_its_word() -> String {
    waiter_acquires(Ordering::Acquire)
}

fn waiter_trusts_the_wake() -> String {
    waiter_acquires(Ordering::Relaxed)
}

/// A wake of one class leaves the other asleep.
fn classes(second: u32) -> String {
    let word = Arc::new(AtomicU32::new(0));
    let sleepers = [1, 2].map(|bits| {
        let word = Arc::clone(&word);
        thread::spawn(move || {
            while word.load(Ordering::Relaxed) == 0 {
                wait(&word, 0, Class::new(bits), None);
            }
        })
    });
    word.store(1, Ordering::Relaxed);
    let first = wake(Address::of(&word), 1, Class::new(2));
    let second = wake(Address::of(&word), 1, Class::new(second));
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
    assert!(!wake_all(Address::of(&word)), "nobody is left");
    format!("{first}{second}")
}

fn each_class_is_woken() -> String {
    classes(1)
}

fn one_class_is_woken_twice() -> String {
    classes(2)
}

/// One thread waits with a deadline, in the first thread of the model, while the clock passes it.
/// Returns how the wait ended, and what the word was then.
fn deadline(wake_too: bool) -> (Waited, u32) {
    let word = Arc::new(AtomicU32::new(0));
    let start = Instant::now();
    let deadline = start + Duration::from_millis(2);
    let theirs = Arc::clone(&word);
    let other = thread::spawn(move || {
        advance(1);
        if wake_too {
            theirs.store(1, Ordering::Relaxed);
            wake_one(Address::of(&theirs));
        }
        advance(1);
    });
    let result = wait(&word, 0, Class::ANY, Some(deadline));
    let seen = word.load(Ordering::Relaxed);
    if result == Waited::TimedOut {
        assert!(start.elapsed() >= Duration::from_millis(2), "too early");
    }
    other.join().unwrap();
    (result, seen)
}

/// The wake comes before the deadline is reached, and so the waiter knows of it.
fn woken_in_time(wake_too: bool) -> String {
    let (result, _) = deadline(wake_too);
    assert_ne!(result, Waited::TimedOut, "the wake was lost");
    format!("{result:?}")
}

fn deadline_against_wake() -> String {
    woken_in_time(true)
}

fn deadline_without_wake() -> String {
    woken_in_time(false)
}

/// Whoever takes the end of a wait for a change, unless the time was up.
fn wake_taken_for_a_change() -> String {
    let (result, seen) = deadline(true);
    assert!(result == Waited::TimedOut || seen == 1, "nothing has changed");
    String::new()
}

fn deadline_passes() -> String {
    let result = deadline(false).0;
    assert_eq!(result, Waited::TimedOut);
    format!("{result:?}")
}

/// A wait whose deadline the clock never reaches.
fn deadline_is_not_reached() -> String {
    let word = AtomicU32::new(0);
    let other = thread::spawn(|| advance(1));
    let result = wait(&word, 0, Class::ANY, Some(Instant::now() + Duration::from_millis(3)));
    other.join().unwrap();
    format!("{result:?}")
}

/// Two sleepers and two wakes of one each: none is swallowed.
fn two_wakes(most: u32) -> String {
    let word = Arc::new(AtomicU32::new(0));
    let sleepers = [(); 2].map(|()| {
        let word = Arc::clone(&word);
        thread::spawn(move || {
            while word.load(Ordering::Relaxed) == 0 {
                wait(&word, 0, Class::ANY, None);
            }
        })
    });
    word.store(1, Ordering::Relaxed);
    wake(Address::of(&word), most, Class::ANY);
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
    String::new()
}

fn all_are_woken() -> String {
    two_wakes(u32::MAX)
}

fn one_of_two_is_woken() -> String {
    two_wakes(1)
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("wake_after_change_is_never_missed", changed_then_woken)
            .twin("no_wake", changed_not_woken),
        Model::new("waiter_acquires_its_word", waiter_acquires_its_word)
            .spurious(1)
            .twin("trusts_the_wake", waiter_trusts_the_wake),
        Model::new("each_class_is_woken", each_class_is_woken)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("one_class_twice", one_class_is_woken_twice),
        Model::new("all_are_woken", all_are_woken)
            .random_under_shuttle(20_000)
            .twin("one_of_two", one_of_two_is_woken),
        Model::new("deadline_against_wake", deadline_against_wake)
            .twin("no_wake", deadline_without_wake),
        Model::new("deadline_passes", deadline_passes).twin("not_reached", deadline_is_not_reached),
        Model::new("deadline_against_spurious_wake", deadline_against_wake)
            .spurious(1)
            .twin("wake_taken_for_a_change", wake_taken_for_a_change),
    ]
}
