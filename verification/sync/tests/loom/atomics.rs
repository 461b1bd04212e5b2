//! The atomics under a checker, and the checker itself where they lean on it.

use latchwork_sync::alloc::Track;
use latchwork_sync::atomic::{AtomicBool, AtomicMut, AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use crate::shared::Shared;

/// Loom without its correction finds one outcome of two here.
fn load_against_load_and_exchange() -> String {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let child = thread::spawn(move || {
        let seen = theirs.load(Ordering::Relaxed);
        let _ = theirs.compare_exchange(seen, 1, Ordering::Relaxed, Ordering::Relaxed);
    });
    let seen = word.load(Ordering::Relaxed);
    child.join().unwrap();
    seen.to_string()
}

/// A weak exchange without a rival: it may fail, in the first thread too.
fn weak_exchanges_fail(retry: bool) -> String {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let child = thread::spawn(move || theirs.load(Ordering::Relaxed));
    let mut tries = 1;
    while word.compare_exchange_weak(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        tries += 1;
        if !retry {
            break;
        }
    }
    child.join().unwrap();
    assert_eq!(word.load(Ordering::Relaxed), 1, "gave up");
    tries.to_string()
}

fn weak_exchange_is_retried() -> String {
    weak_exchanges_fail(true)
}

fn weak_exchange_is_not_retried() -> String {
    weak_exchanges_fail(false)
}

/// Message passing through a flag of the facade's own making.
fn flag_hands_over_data(publish: Ordering) -> String {
    let shared = Arc::new((AtomicBool::new(false), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let child = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.store(true, publish);
    });
    let seen = shared.0.load(Ordering::Acquire);
    if seen {
        assert_eq!(shared.1.get(), 1);
    }
    child.join().unwrap();
    seen.to_string()
}

fn flag_released() -> String {
    flag_hands_over_data(Ordering::Release)
}

fn flag_relaxed() -> String {
    flag_hands_over_data(Ordering::Relaxed)
}

/// Exclusive access is checked: a thread that could still write must have been joined.
fn exclusive_flag() -> String {
    let flag = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&flag);
    let child = thread::spawn(move || theirs.store(true, Ordering::Relaxed));
    child.join().unwrap();
    let mut flag = Arc::try_unwrap(flag).expect("the other handle is gone");
    assert!(flag.load_mut());
    flag.store_mut(false);
    flag.into_inner().to_string()
}

/// Of two threads one takes the box out and drops it.
fn dropped_once(forget: bool) -> String {
    let word = Arc::new(AtomicU32::new(1));
    let tracked = Track::new(());
    let theirs = Arc::clone(&word);
    let child = thread::spawn(move || theirs.swap(0, Ordering::AcqRel));
    let ours = word.swap(0, Ordering::AcqRel);
    assert_eq!(ours + child.join().unwrap(), 1);
    if forget && ours == 0 {
        let _kept = core::mem::ManuallyDrop::new(tracked);
    }
    ours.to_string()
}

fn tracked_is_dropped() -> String {
    dropped_once(false)
}

fn tracked_is_forgotten() -> String {
    dropped_once(true)
}

#[cfg(feature = "pair")]
mod pair {
    use super::{Arc, Ordering, Shared, thread};
    use latchwork_sync::atomic::AtomicPair;

    /// Data behind a pair of words, and an increment of both at once by two threads.
    fn pair_is_one_word(publish: Ordering) -> String {
        let shared = Arc::new((AtomicPair::new((0, 10)), Shared::new(0)));
        let theirs = Arc::clone(&shared);
        let next = |(low, high)| Some((low + 1, high + 1));
        let child = thread::spawn(move || {
            theirs.1.set(1);
            theirs.0.fetch_update(publish, Ordering::Relaxed, next).unwrap()
        });
        let (low, high) = shared.0.load(Ordering::Acquire);
        assert_eq!(high, low + 10, "torn");
        if low == 1 {
            assert_eq!(shared.1.get(), 1);
        }
        let before = shared.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).unwrap();
        let other = child.join().unwrap();
        assert_ne!(before, other, "two threads counted one step");
        assert_eq!(shared.0.load(Ordering::Relaxed), (2, 12));
        format!("{low}{}", before.0)
    }

    pub(super) fn released() -> String {
        pair_is_one_word(Ordering::Release)
    }

    pub(super) fn relaxed() -> String {
        pair_is_one_word(Ordering::Relaxed)
    }
}

#[cfg(feature = "typed")]
mod typed {
    use super::{Arc, Ordering, Shared, thread};
    use latchwork_sync::atomic::{Atomic, NoUninit};

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C, align(4))]
    struct State {
        ready: u16,
        count: u16,
    }
    // SAFETY: two `u16` beside each other leave no padding in four bytes.
    unsafe impl NoUninit for State {}

    fn typed_hands_over_data(publish: Ordering) -> String {
        let state = Atomic::new(State { ready: 0, count: 7 });
        let shared = Arc::new((state, Shared::new(0)));
        let theirs = Arc::clone(&shared);
        let child = thread::spawn(move || {
            theirs.1.set(1);
            theirs
                .0
                .fetch_update(publish, Ordering::Relaxed, |state| Some(State { ready: 1, ..state }))
        });
        let seen = shared.0.load(Ordering::Acquire);
        if seen.ready == 1 {
            assert_eq!(shared.1.get(), 1);
        }
        child.join().unwrap().unwrap();
        assert_eq!(shared.0.load(Ordering::Relaxed), State { ready: 1, count: 7 });
        seen.ready.to_string()
    }

    pub(super) fn released() -> String {
        typed_hands_over_data(Ordering::Release)
    }

    pub(super) fn relaxed() -> String {
        typed_hands_over_data(Ordering::Relaxed)
    }
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("load_against_load_and_exchange", load_against_load_and_exchange),
        Model::new("weak_exchange_is_retried", weak_exchange_is_retried)
            .weak_failures(2)
            .twin("no_retry", weak_exchange_is_not_retried),
        Model::new("flag_hands_over_data", flag_released).twin("relaxed", flag_relaxed),
        Model::new("exclusive_flag", exclusive_flag).least(1),
        Model::new("tracked_is_dropped", tracked_is_dropped).twin("leak", tracked_is_forgotten),
        #[cfg(feature = "pair")]
        Model::new("pair_is_one_word", pair::released).twin("relaxed", pair::relaxed),
        #[cfg(feature = "pair")]
        Model::new("pair_is_one_word_with_weak_failures", pair::released).weak_failures(1),
        #[cfg(feature = "typed")]
        Model::new("typed_hands_over_data", typed::released).twin("relaxed", typed::relaxed),
    ]
}
