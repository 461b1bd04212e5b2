//! The atomics under a checker, and the checker itself where they lean on it.

use core::ptr::NonNull;

use latchwork_sync::alloc::Track;
use latchwork_sync::atomic::{AtomicBool, AtomicMut, AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use crate::shared::Shared;

/// Loom without its correction finds one outcome of two here.
fn load_against_load_and_exchange() -> String {
    first_load_against_load_and_exchange().to_string()
}

/// What such a loom would let pass.
fn exchange_that_comes_too_late() -> String {
    let seen = first_load_against_load_and_exchange();
    assert_eq!(seen, 0, "the exchange came first");
    String::new()
}

fn first_load_against_load_and_exchange() -> u32 {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let child = thread::spawn(move || {
        let seen = theirs.load(Ordering::Relaxed);
        let _ = theirs.compare_exchange(seen, 1, Ordering::Relaxed, Ordering::Relaxed);
    });
    let seen = word.load(Ordering::Relaxed);
    child.join().unwrap();
    seen
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

/// A flag that one thread writes and another then has to itself.
#[derive(Clone, Copy)]
struct Flag(NonNull<AtomicBool>);

// SAFETY: the scenes share it; loom reports exclusive access that races.
unsafe impl Send for Flag {}

impl Flag {
    fn store(self) {
        // SAFETY: the memory lives until the scene's end.
        unsafe { self.0.as_ref() }.store(true, Ordering::Relaxed);
    }
}

/// Exclusive access is checked: a thread that could still write must have been joined.
fn exclusive(join_before: bool) -> String {
    let mut flag = Flag(NonNull::from(Box::leak(Box::new(AtomicBool::new(false)))));
    let mut child = Some(thread::spawn(move || flag.store()));
    if join_before {
        child.take().unwrap().join().unwrap();
    }
    // SAFETY: nobody else is left, or loom says so.
    let ours = unsafe { flag.0.as_mut() };
    let seen = ours.load_mut();
    ours.store_mut(false);
    if let Some(child) = child {
        child.join().unwrap();
    }
    // SAFETY: it came from a box, and nobody else is left.
    drop(unsafe { Box::from_raw(flag.0.as_ptr()) });
    seen.to_string()
}

fn exclusive_flag() -> String {
    let seen = exclusive(true);
    assert_eq!(seen, "true");
    seen
}

fn exclusive_flag_that_is_shared() -> String {
    exclusive(false)
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

    /// A weak exchange without a rival, once.
    pub(super) fn not_retried() -> String {
        let pair = Arc::new(AtomicPair::new((0, 10)));
        let theirs = Arc::clone(&pair);
        let child = thread::spawn(move || theirs.load(Ordering::Relaxed));
        let (relaxed, exchanged) = (Ordering::Relaxed, (1, 11));
        let before = pair.compare_exchange_weak((0, 10), exchanged, relaxed, relaxed);
        child.join().unwrap();
        assert_eq!(before, Ok((0, 10)), "gave up");
        String::new()
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
        Model::new("load_against_load_and_exchange", load_against_load_and_exchange)
            .twin("exchange_that_comes_too_late", exchange_that_comes_too_late),
        Model::new("weak_exchange_is_retried", weak_exchange_is_retried)
            .weak_failures(2)
            .twin("no_retry", weak_exchange_is_not_retried),
        Model::new("flag_hands_over_data", flag_released).twin("relaxed", flag_relaxed),
        Model::new("exclusive_flag", exclusive_flag)
            .least(1)
            .twin("shared", exclusive_flag_that_is_shared),
        Model::new("tracked_is_dropped", tracked_is_dropped).twin("leak", tracked_is_forgotten),
        #[cfg(feature = "pair")]
        Model::new("pair_is_one_word", pair::released).twin("relaxed", pair::relaxed),
        #[cfg(feature = "pair")]
        Model::new("pair_is_one_word_with_weak_failures", pair::released)
            .weak_failures(1)
            .twin("no_retry", pair::not_retried),
        #[cfg(feature = "typed")]
        Model::new("typed_hands_over_data", typed::released).twin("relaxed", typed::relaxed),
    ]
}
