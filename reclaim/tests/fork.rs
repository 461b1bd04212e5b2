//! The child of a `fork` has a copy of the domain, in which the parent's other threads stand still
//! for ever.
// The thread sanitizer doesn't follow a process with threads into a fork.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle, latchwork_tsan))))]

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use latchwork_reclaim::{Config, Epoch, Guard, Handle, Hazard, Interval, Scheme, epoch, interval};

/// Runs `inside` in a child of this process, where it must give true.
fn in_a_fork(inside: impl FnOnce() -> bool) {
    // SAFETY: the child has one thread, touches nothing that the other threads may have held but
    // the C library's allocator, which works in it, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // A child that hangs is ended by a signal, which the parent reports.
        // SAFETY: `alarm` has no preconditions.
        unsafe { libc::alarm(600) };
        // A panic that left this thread, the child's only one, would end it well.
        let right = catch_unwind(AssertUnwindSafe(inside)).unwrap_or(false);
        let code = i32::from(!right);
        // SAFETY: ends the child without running the parent's destructors.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for the child's status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0), "the child hangs or fails");
}

/// Runs `inside` while another thread stands still in the middle of `task`, where it was told to
/// go on by what `task` is given.
fn beside_a_thread(task: impl FnOnce(&dyn Fn()) + Send, inside: impl FnOnce()) {
    thread::scope(|scope| {
        let (here, arrived) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        scope.spawn(move || {
            task(&|| {
                here.send(()).unwrap();
                may_go.recv().unwrap_err();
            });
        });
        arrived.recv().unwrap();
        inside();
        drop(go);
    });
}

/// Retires so many objects that count themselves when they are freed.
fn retire<G: Guard>(guard: &G, objects: usize, freed: &Arc<AtomicUsize>) {
    for _ in 0..objects {
        let freed = Arc::clone(freed);
        guard.defer(move || {
            freed.fetch_add(1, Ordering::Relaxed);
        });
    }
}

fn frees_what_an_idle_thread_left<S: Scheme>(domain: &S) {
    let freed = Arc::new(AtomicUsize::new(0));
    let idle = |stand_still: &dyn Fn()| {
        let mut handle = domain.register();
        retire(&handle.pin(), 10, &freed);
        stand_still();
    };
    beside_a_thread(idle, || {
        let mut handle = domain.register();
        retire(&handle.pin(), 10, &freed);
        in_a_fork(|| {
            retire(&handle.pin(), 10, &freed);
            handle.barrier();
            freed.load(Ordering::Relaxed) == 30
        });
    });
}

#[test]
fn child_frees_what_an_idle_thread_left() {
    frees_what_an_idle_thread_left(&Epoch::new());
    frees_what_an_idle_thread_left(&Interval::new());
    frees_what_an_idle_thread_left(&Hazard::new());
}

#[test]
fn child_uses_the_global_domains() {
    let idle = |stand_still: &dyn Fn()| {
        drop((epoch::pin(), interval::pin()));
        stand_still();
    };
    beside_a_thread(idle, || {
        let freed = Arc::new(AtomicUsize::new(0));
        in_a_fork(|| {
            retire(&epoch::pin(), 10, &freed);
            epoch::barrier();
            retire(&interval::pin(), 10, &freed);
            interval::barrier();
            freed.load(Ordering::Relaxed) == 20
        });
    });
}

/// A child makes and retires 1,000 objects while a guard of another thread stands for ever: whether
/// the number that it frees is right.
fn freed_beside_a_guard<S: Scheme>(domain: &S, right: impl Fn(usize) -> bool) {
    let reader = |stand_still: &dyn Fn()| {
        let mut handle = domain.register();
        let _guard = handle.pin();
        stand_still();
    };
    beside_a_thread(reader, || {
        let freed = Arc::new(AtomicUsize::new(0));
        let mut handle = domain.register();
        in_a_fork(|| {
            for _ in 0..1_000 {
                retire(&handle.pin(), 1, &freed);
            }
            handle.flush();
            right(freed.load(Ordering::Relaxed))
        });
    });
}

#[test]
fn guard_of_a_thread_that_is_gone_holds_back_what_a_stalled_one_does() {
    let config = Config::DEFAULT.batch(8);
    freed_beside_a_guard(&Epoch::with_config(config), |freed| freed == 0);
    freed_beside_a_guard(&Interval::with_config(config), |freed| freed >= 900);
    freed_beside_a_guard(&Hazard::with_config(config), |freed| freed == 1_000);
}
