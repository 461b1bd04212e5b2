//! The snapshot cell on real threads, over every scheme.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use latchwork_reclaim::snapshot::Changed;
use latchwork_reclaim::{Epoch, Handle, Hazard, Interval, Leak, Scheme, Snapshot, epoch};

fn no_update_is_lost<S: Scheme>(domain: S) {
    let cell = Snapshot::new_in(0_u64, domain);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut handle = cell.domain().register();
                for _ in 0..1_000 {
                    cell.update(&handle.pin(), |value| value + 1);
                }
            });
        }
    });
    let mut handle = cell.domain().register();
    assert_eq!(*cell.load(&handle.pin()), 4_000);
}

#[test]
fn updates_are_not_lost() {
    no_update_is_lost(Epoch::new());
    no_update_is_lost(Interval::new());
    no_update_is_lost(Hazard::new());
    no_update_is_lost(Leak::new());
}

fn held_value_outlives_all<S: Scheme>(domain: S) {
    let value = Arc::new(7);
    let (held, swapped) = {
        let cell = Snapshot::new_in(Arc::clone(&value), domain);
        let mut handle = cell.domain().register();
        let held = cell.load_full(&handle.pin());
        let swapped = cell.swap(Arc::new(8), &handle.pin());
        cell.store(Arc::new(9), &handle.pin());
        handle.barrier();
        (held, swapped)
    };
    assert_eq!((**held, **swapped.clone()), (7, 7));
    assert_eq!(Arc::strong_count(&value), 2);
    drop((held, swapped));
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn held_value_outlives_guard_cell_and_domain() {
    held_value_outlives_all(Epoch::new());
    held_value_outlives_all(Interval::new());
    held_value_outlives_all(Hazard::new());
}

#[test]
fn exchange_succeeds_only_against_the_present_value() {
    let cell = Snapshot::new(1);
    let guard = epoch::pin();
    let seen = cell.load(&guard);
    assert_eq!(cell.compare_exchange(&seen, 2, &guard), Ok(()));
    assert_eq!(cell.compare_exchange(&seen, 3, &guard), Err(Changed { new: 3 }));
    // An equal value in its place is another value.
    cell.store(1, &guard);
    assert!(cell.compare_exchange(&seen, 4, &guard).is_err());
    assert_eq!((*seen, *cell.load(&guard)), (1, 1));
    let error = cell.try_update(&guard, |value| {
        cell.store(9, &guard);
        value + 10
    });
    assert_eq!(error, Err(Changed { new: 11 }));
}

#[test]
fn guard_of_another_domain_is_refused() {
    let cell = Snapshot::new_in(1, Epoch::new());
    assert!(catch_unwind(AssertUnwindSafe(|| *cell.load(&epoch::pin()))).is_err());
}
