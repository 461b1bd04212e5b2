//! Deadlocks are found before they happen, and nothing else is taken for one.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use latchwork_rwlock::probe::DebugAids;
use latchwork_rwlock::{Policy, RwLock, RwLockUpgradableReadGuard, WriterPriority};

type Lock<T> = RwLock<T, WriterPriority, DebugAids>;

fn state<T, P: Policy>(lock: &RwLock<T, P, DebugAids>) -> String {
    // SAFETY: only looked at.
    format!("{:?}", unsafe { lock.raw() }.core())
}

/// What a panic says.
fn panic_of(body: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn a_read_inside_a_read_panics_when_a_writer_waits_between() {
    let lock = Lock::new(0);
    let outer = lock.read();
    let line = line!() - 1;
    // Nobody waits: there is no harm in it yet.
    drop(lock.read());
    thread::scope(|scope| {
        let writer = scope.spawn(|| *lock.write() = 1);
        // SAFETY: only looked at.
        while unsafe { lock.raw() }.core().waiting_writers() == 0 {
            thread::yield_now();
        }
        let said = panic_of(|| drop(lock.read()));
        assert!(said.contains("waits for itself"), "{said}");
        for line in [line, line!() - 2] {
            assert!(said.contains(&format!("debug_aids.rs:{line}:")), "{said}");
        }
        drop(outer);
        writer.join().unwrap();
    });
    assert_eq!(*lock.read(), 1);
    assert_eq!(state(&lock), "Core { state: 0 active, 0 blocked, 0 waiting, .. }");
}

#[test]
fn a_write_inside_a_read_panics() {
    let lock = Lock::new(0);
    let read = lock.read();
    let said = panic_of(|| drop(lock.write()));
    assert!(said.contains("write lock"), "{said}");
    drop(read);
    drop(lock.write());
}

#[test]
fn an_upgrade_is_no_deadlock_unless_its_thread_reads_besides() {
    let lock = Lock::new(0);
    let upgradable = lock.upgradable_read();
    drop(RwLockUpgradableReadGuard::upgrade(upgradable));
    let upgradable = lock.upgradable_read();
    let read = lock.read();
    let said = panic_of(|| drop(RwLockUpgradableReadGuard::upgrade(upgradable)));
    assert!(said.contains("waits for itself"), "{said}");
    drop(read);
    // The one that panicked has given its share back.
    assert!(lock.try_write().is_some());
}

#[test]
fn two_orders_panic_though_the_threads_never_meet() {
    let (one, two) = (Lock::new(1), Lock::new(2));
    let (first, second) = (one.read(), two.read());
    let line = line!() - 1;
    drop((first, second));
    let said = panic_of(|| {
        let _two = two.write();
        drop(one.write());
    });
    assert!(said.contains("orders"), "{said}");
    for line in [line, line!() - 3, line!() - 4] {
        assert!(said.contains(&format!("debug_aids.rs:{line}:")), "{line} {said}");
    }
    // The one that panicked has let go.
    assert!(two.try_write().is_some() && one.try_write().is_some());
}

#[test]
fn a_cycle_over_three_locks_is_found() {
    let locks = [Lock::new(0), Lock::new(1), Lock::new(2)];
    for pair in locks.windows(2) {
        let _held = pair[0].read();
        drop(pair[1].read());
    }
    let said = panic_of(|| {
        let _held = locks[2].read();
        drop(locks[0].read());
    });
    assert_eq!(said.matches("elsewhere").count(), 2, "{said}");
}

#[test]
fn one_order_is_fine_in_many_threads() {
    let locks = [Lock::new(0), Lock::new(0), Lock::new(0)];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let one = locks[0].read();
                    let two = locks[1].write();
                    drop(one);
                    *locks[2].write() += 1;
                    drop(two);
                }
            });
        }
    });
    assert_eq!(*locks[2].read(), 800);
}

#[test]
fn a_lock_that_is_gone_is_in_no_order() {
    let kept = Lock::new(0);
    for _ in 0..3 {
        let one = Lock::new(0);
        let _one = one.read();
        drop(kept.read());
    }
    let one = Lock::new(0);
    let _kept = kept.read();
    drop(one.read());
}
