//! Asymmetric fences on the real machine.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::thread;

use latchwork_sync::asym::{self, Asymmetric, Barriers, Fences, Kind};
use latchwork_sync::atomic::{AtomicUsize, Ordering};

/// Store buffering: of a light and a heavy at least one sees the other's store.
#[test]
fn light_against_heavy() {
    const ROUNDS: usize = 5_000;
    let (x, y) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (start, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let seen = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                while start.load(Ordering::Acquire) < round {
                    thread::yield_now();
                }
                x.store(round, Ordering::Relaxed);
                asym::light();
                seen.store(y.load(Ordering::Relaxed), Ordering::Relaxed);
                done.store(round, Ordering::Release);
            }
        });
        for round in 1..=ROUNDS {
            start.store(round, Ordering::Release);
            y.store(round, Ordering::Relaxed);
            asym::heavy();
            let saw = x.load(Ordering::Relaxed);
            while done.load(Ordering::Acquire) < round {
                thread::yield_now();
            }
            assert!(saw == round || seen.load(Ordering::Relaxed) == round, "both missed");
        }
    });
}

#[test]
fn barriers_are_combined() {
    const THREADS: usize = 6;
    const EACH: u64 = 500;
    let barriers = Barriers::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let barriers = &barriers;
            scope.spawn(move || {
                for _ in 0..EACH {
                    let number = barriers.next();
                    match thread % 3 {
                        0 => assert!(barriers.run() >= number),
                        1 => barriers.complete(number),
                        _ => {
                            if let Some(ran) = barriers.try_run() {
                                assert!(ran >= number);
                            } else {
                                barriers.complete(number);
                            }
                        }
                    }
                    assert!(barriers.ended(Ordering::Acquire) >= number);
                }
            });
        }
    });
    let ended = barriers.ended(Ordering::Acquire);
    assert_eq!(barriers.next(), ended + 1);
    println!("{ended} barriers for {} calls, by {}", EACH * THREADS as u64, asym::describe());
}

#[test]
#[should_panic(expected = "is not the next")]
fn a_number_that_nobody_gave_out() {
    Barriers::new().complete(2);
}

#[test]
fn the_decision_is_reported() {
    let kind = asym::kind();
    assert_eq!(Asymmetric::proven().is_some(), kind != Kind::Symmetric);
    assert_eq!(Fences::decided().is_asymmetric(), kind != Kind::Symmetric);
    Fences::decided().light();
    match asym::use_symmetric() {
        Ok(()) => assert_eq!(kind, Kind::Symmetric),
        Err(error) => {
            assert_eq!(error.kind, kind);
            assert!(error.to_string().contains("choose before"), "{error}");
        }
    }
    println!("{kind:?}: {}", asym::describe());
    if std::env::var_os("LATCHWORK_ASYM").is_some_and(|value| value == "symmetric") {
        assert!(asym::describe().starts_with("sequentially consistent fences"));
    }
}

/// The same tests again with the fallback chosen by the environment.
#[test]
fn the_environment_chooses() {
    if std::env::var_os("LATCHWORK_ASYM").is_some() {
        return;
    }
    // Where cargo starts tests through an emulator, so must we.
    let is_runner = |name: &str| name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER");
    let runner = std::env::vars().find(|(name, _)| is_runner(name)).map(|(_, runner)| runner);
    let words = runner.iter().flat_map(|runner| runner.split_whitespace()).map(Into::into);
    let mut words = words.chain([std::env::current_exe().unwrap()]);
    let again = std::process::Command::new(words.next().unwrap())
        .args(words)
        .env("LATCHWORK_ASYM", "symmetric")
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
}

/// In the child of a fork the fences work, though another thread of the parent was in the middle
/// of a barrier.
#[cfg(target_os = "linux")]
#[test]
fn fork_in_the_middle_of_a_barrier() {
    use latchwork_sync::atomic::AtomicBool;

    let stop = AtomicBool::new(false);
    let barriers = Barriers::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    barriers.run();
                    asym::heavy();
                }
            });
        }
        for _ in 0..50 {
            // SAFETY: the child calls nothing that allocates or locks, and ends by `_exit`.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                // A child that hangs is ended by a signal, which the parent reports.
                // SAFETY: `alarm` has no preconditions.
                unsafe { libc::alarm(600) };
                asym::light();
                asym::heavy();
                let number = barriers.run();
                let ended = barriers.ended(Ordering::Acquire);
                // SAFETY: ends the child without running the parent's destructors.
                unsafe { libc::_exit(i32::from(ended < number)) };
            }
            let mut status = 0;
            // SAFETY: `status` is a valid place for the child's status.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!((waited, status), (child, 0), "the child hangs or fails");
        }
        stop.store(true, Ordering::Relaxed);
    });
}
