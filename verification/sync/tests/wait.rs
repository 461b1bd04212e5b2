//! Waiting on real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::sync::atomic::AtomicUsize;
use std::thread;

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::wait::{Address, Class, Waited, wait, wake, wake_all, wake_one};

/// Long enough to be asleep by then, most of the time; no test depends on it.
const A_MOMENT: Duration = Duration::from_millis(2);

#[test]
fn another_value_is_not_waited_for() {
    let word = AtomicU32::new(1);
    assert_eq!(wait(&word, 0, Class::ANY, None), Waited::Changed);
    assert_eq!(wait(&word, 0, Class::new(4), Some(Instant::now())), Waited::Changed);
}

#[test]
fn nobody_waits() {
    let word = AtomicU32::new(0);
    assert!(!wake_one(Address::of(&word)));
    assert!(!wake_all(Address::of(&word)));
}

#[test]
fn a_deadline_in_the_past_passes_at_once() {
    let word = AtomicU32::new(0);
    let deadline = Instant::now();
    thread::sleep(A_MOMENT);
    while wait(&word, 0, Class::ANY, Some(deadline)) != Waited::TimedOut {}
}

#[test]
fn a_deadline_is_not_early() {
    let word = AtomicU32::new(0);
    for micros in [1, 50, 999, 1_500] {
        let deadline = Instant::now() + Duration::from_micros(micros);
        while wait(&word, 0, Class::ANY, Some(deadline)) != Waited::TimedOut {}
        assert!(Instant::now() >= deadline);
    }
}

#[test]
fn a_deadline_out_of_sight_is_none() {
    let word = AtomicU32::new(0);
    let mut far = Instant::now();
    // As far as an instant goes.
    let mut step = Duration::MAX;
    while step > Duration::from_secs(1) {
        match far.checked_add(step) {
            Some(later) => far = later,
            None => step /= 2,
        }
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            while word.load(Ordering::Acquire) == 0 {
                assert_ne!(wait(&word, 0, Class::ANY, Some(far)), Waited::TimedOut);
            }
        });
        thread::sleep(A_MOMENT);
        word.store(1, Ordering::Release);
        wake_all(Address::of(&word));
    });
}

#[test]
fn a_wake_of_none_wakes_none() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let deadline = Instant::now() + 10 * A_MOMENT;
            while wait(&word, 0, Class::ANY, Some(deadline)) != Waited::TimedOut {}
        });
        while !waiter.is_finished() {
            assert!(!wake(Address::of(&word), 0, Class::ANY), "woken by a wake of none");
            thread::yield_now();
        }
    });
}

/// Sleepers of two classes; wakes of the one reach all of it and none of the other.
#[test]
fn classes_are_kept_apart() {
    const OF_EACH: usize = 3;
    let word = AtomicU32::new(0);
    let awake = [AtomicUsize::new(0), AtomicUsize::new(0)];
    thread::scope(|scope| {
        for class in [0, 1] {
            for _ in 0..OF_EACH {
                let (word, awake) = (&word, &awake);
                scope.spawn(move || {
                    while word.load(Ordering::Acquire) & (1 << class) == 0 {
                        let seen = word.load(Ordering::Acquire);
                        if seen & (1 << class) == 0 {
                            wait(word, seen, Class::new(1 << class), None);
                        }
                    }
                    awake[class].fetch_add(1, Ordering::Relaxed);
                });
            }
        }
        thread::sleep(A_MOMENT);
        word.fetch_or(2, Ordering::Release);
        // The others sleep on a value that is gone, which is no matter to who is asleep already.
        while awake[1].load(Ordering::Relaxed) < OF_EACH {
            wake(Address::of(&word), 1, Class::new(2));
            thread::yield_now();
        }
        assert_eq!(awake[0].load(Ordering::Relaxed), 0, "the wrong class is through");
        word.fetch_or(1, Ordering::Release);
        wake(Address::of(&word), u32::MAX, Class::new(1));
    });
    assert_eq!(awake[0].load(Ordering::Relaxed), OF_EACH);
}

/// A lock of the simplest kind, on which a lost wake is a hang.
#[test]
fn no_wake_is_lost() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 5_000;
    let (free, held, awaited) = (0, 1, 2);
    let word = AtomicU32::new(free);
    // Only who holds the lock loads and stores it.
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let taken =
                        word.compare_exchange(free, held, Ordering::Acquire, Ordering::Relaxed);
                    if taken.is_err() {
                        while word.swap(awaited, Ordering::Acquire) != free {
                            wait(&word, awaited, Class::ANY, None);
                        }
                    }
                    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    if word.swap(free, Ordering::Release) == awaited {
                        wake_one(Address::of(&word));
                    }
                }
            });
        }
    });
    assert_eq!(count.into_inner(), THREADS * ROUNDS);
}

/// The address of a word that is gone may be woken.
#[test]
fn a_word_that_is_gone_is_not_touched() {
    let address = Address::of(&Box::new(AtomicU32::new(0)));
    assert!(!wake_all(address));
}

/// Signals interrupt a wait; the answer is to look again.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_is_a_wake_for_no_reason() {
    static WORD: AtomicU32 = AtomicU32::new(0);

    use std::os::unix::thread::JoinHandleExt;

    extern "C" fn handle(_: libc::c_int) {}

    // SAFETY: all zeros is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // Without SA_RESTART, so that the system call ends.
    action.sa_sigaction = handle as extern "C" fn(libc::c_int) as *const () as usize;
    // SAFETY: `action` is complete, and its handler does nothing.
    let installed =
        unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, core::ptr::null_mut()) };
    assert_eq!(installed, 0);

    let waiter = thread::spawn(move || {
        let deadline = Instant::now() + 5 * A_MOMENT;
        let mut interrupted = 0;
        while wait(&WORD, 0, Class::ANY, Some(deadline)) != Waited::TimedOut {
            interrupted += 1;
        }
        assert!(Instant::now() >= deadline);
        interrupted
    });
    while !waiter.is_finished() {
        // SAFETY: the thread has not been joined.
        unsafe { libc::pthread_kill(waiter.as_pthread_t(), libc::SIGUSR1) };
        thread::sleep(A_MOMENT / 10);
    }
    println!("interrupted {} times", waiter.join().unwrap());
}
