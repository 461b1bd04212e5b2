//! What every scheme keeps, on real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;

use latchwork_reclaim::{
    Atomic, Config, Epoch, Guard, Handle, Hazard, Interval, Leak, Scheme, Tagged,
};

/// Counts how many of it were dropped, and panics in doing so if it is told to.
struct Counted(Arc<AtomicUsize>, bool);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(!self.1, "a destructor's own panic");
    }
}

fn retire_new<T, G: Guard>(guard: &G, value: T) {
    let object = guard.own(value).into_tagged();
    // SAFETY: never shared, retired once; the tests' values may be dropped anywhere.
    unsafe { guard.retire(object.as_shared()) };
}

fn barrier_covers_others<S: Scheme>(domain: &S) {
    let freed = Arc::new(AtomicUsize::new(0));
    let mut others: Vec<_> = (0..3).map(|_| domain.register()).collect();
    for other in &mut others {
        for _ in 0..10 {
            retire_new(&other.pin(), Counted(Arc::clone(&freed), false));
        }
    }
    domain.register().barrier();
    assert_eq!(freed.load(Ordering::Relaxed), 30, "{}", S::NAME);
}

#[test]
fn barrier_frees_what_idle_threads_have_retired() {
    barrier_covers_others(&Epoch::new());
    barrier_covers_others(&Interval::new());
    barrier_covers_others(&Hazard::new());
}

/// Threads retire and ask for barriers: after each, everything that its thread retired before, and
/// what it was told that others did, is gone.
fn barriers_at_once<S: Scheme>(domain: &S) {
    let freed: [_; 3] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    let step = Barrier::new(3);
    thread::scope(|scope| {
        for own in &freed {
            let (freed, step) = (&freed, &step);
            scope.spawn(move || {
                let mut handle = domain.register();
                for round in 1..=20 {
                    for _ in 0..7 {
                        retire_new(&handle.pin(), Counted(Arc::clone(own), false));
                    }
                    step.wait();
                    handle.barrier();
                    for count in freed {
                        assert!(count.load(Ordering::Relaxed) >= 7 * round, "{}", S::NAME);
                    }
                    step.wait();
                    if round % 5 == 0 {
                        handle = domain.register();
                    }
                }
            });
        }
    });
}

#[test]
fn barriers_of_many_threads_each_cover_all() {
    for batch in [2, 512] {
        let config = Config::DEFAULT.batch(batch);
        barriers_at_once(&Epoch::with_config(config));
        barriers_at_once(&Interval::with_config(config));
        barriers_at_once(&Hazard::with_config(config));
    }
}

fn panic_loses_no_other<S: Scheme>(domain: S) {
    let freed = Arc::new(AtomicUsize::new(0));
    let mut handle = domain.register();
    let mut other = domain.register();
    for index in 0..10 {
        retire_new(&handle.pin(), Counted(Arc::clone(&freed), index == 5));
        retire_new(&other.pin(), Counted(Arc::clone(&freed), false));
    }
    let mut panics = 0;
    while freed.load(Ordering::Relaxed) < 20 {
        panics += usize::from(catch_unwind(AssertUnwindSafe(|| handle.barrier())).is_err());
    }
    assert_eq!(panics, 1, "{}", S::NAME);
    retire_new(&handle.pin(), Counted(Arc::clone(&freed), true));
    retire_new(&other.pin(), Counted(Arc::clone(&freed), false));
    drop((domain, other));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
    assert_eq!(freed.load(Ordering::Relaxed), 22, "{}", S::NAME);
}

#[test]
fn panic_in_a_destructor_loses_no_other_object() {
    panic_loses_no_other(Epoch::new());
    panic_loses_no_other(Interval::new());
    panic_loses_no_other(Hazard::new());
}

/// Every destructor panics, with bags so small that seals and scans come in between.
fn every_destructor_panics<S: Scheme>(domain: &S) {
    let freed = Arc::new(AtomicUsize::new(0));
    let mut handle = domain.register();
    for _ in 0..200 {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            retire_new(&handle.pin(), Counted(Arc::clone(&freed), true));
        }));
    }
    while freed.load(Ordering::Relaxed) < 200 {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.barrier()));
    }
}

#[test]
fn panics_in_all_destructors_keep_the_bags_whole() {
    let config = Config::DEFAULT.batch(3);
    every_destructor_panics(&Epoch::with_config(config));
    every_destructor_panics(&Interval::with_config(config));
    every_destructor_panics(&Hazard::with_config(config));
}

/// An object whose destructor retires the next, and asks for a flush and a barrier.
struct Chain<S: Scheme> {
    left: usize,
    domain: S,
    freed: Arc<AtomicUsize>,
}

// SAFETY: the tests' domains may be shared.
unsafe impl<S: Scheme> Send for Chain<S> {}

impl<S: Scheme> Drop for Chain<S> {
    fn drop(&mut self) {
        self.freed.fetch_add(1, Ordering::Relaxed);
        if self.left > 0 {
            let mut handle = self.domain.register();
            let next = Self {
                left: self.left - 1,
                domain: self.domain.clone(),
                freed: Arc::clone(&self.freed),
            };
            retire_new(&handle.pin(), next);
            handle.flush();
        }
    }
}

fn chain<S: Scheme>(domain: &S) {
    let freed = Arc::new(AtomicUsize::new(0));
    let first = Chain { left: 20, domain: domain.clone(), freed: Arc::clone(&freed) };
    let mut handle = domain.register();
    retire_new(&handle.pin(), first);
    while freed.load(Ordering::Relaxed) < 21 {
        handle.barrier();
    }
}

#[test]
fn destructors_may_register_retire_and_flush() {
    chain(&Epoch::new());
    chain(&Interval::new());
    chain(&Hazard::new());
}

fn outlives<S: Scheme>(domain: S) {
    // A handle keeps its domain, a guard its handle.
    let mut handle = domain.register();
    drop(domain);
    let guard = handle.pin();
    retire_new(&guard, 1);
    let _shield = guard.shield();
}

#[test]
fn handle_outlives_every_other_reference_to_its_domain() {
    outlives(Epoch::new());
    outlives(Interval::new());
    outlives(Hazard::new());
    outlives(Leak::new());
}

#[test]
fn printing_a_pointer_does_not_look_behind_it() {
    let mut handle = Epoch::new().register();
    let guard = handle.pin();
    let dangling: Tagged<u64> = Tagged::null().with_tag(3);
    let cell: Atomic<u64> = Atomic::null();
    cell.store(dangling, Ordering::Relaxed);
    let shared = cell.load(&guard);
    let text = format!("{cell:?} {dangling:?} {shared:?}");
    assert!(text.contains("tag: 3"), "{text}");
}
