//! Defects that were reported of other timed or cancellable reader/writer locks, one test each.
//!
//! | test | reported of |
//! | --- | --- |
//! | `timed_out_writers_leave_the_counts_as_they_were` | `parking_lot` #465 |
//! | `a_writer_that_retries_at_once_gets_in` | risingwave #23902 |
//! | `a_timed_out_writer_lets_the_reader_behind_it_go` | .NET corefx #3364, vs-threading #252, `AsyncEx` #134 |
//! | `a_failed_write_tells_every_reader_behind_it` | `ClickHouse` #38864, #57454, #57733 |
//! | `a_timed_out_writer_passes_the_wake_on` | LLVM libc #201937 |
//! | `readers_that_leave_while_an_upgrade_times_out_are_counted` | Boost.Thread `upgrade_mutex` |
//! | `a_timed_out_reader_is_not_counted` | brpc #3051 |
//! | `a_timed_out_reader_leaves_no_flag_that_hides_the_writer` | FreeBSD r304808 |
//! | `four_writers_are_all_woken` | folly b927c055 |
//! | `a_downgrade_lets_no_writer_between` | std's queue lock, rust #128219 |
//! | `a_share_is_shared` | Windows' SRWLOCK, rust #121949 |
//!
//! Two more can't be put into a test of this lock: it takes no count of woken threads from the
//! system (microsoft/litebox #809), and has no queue that a cancelled waiter could stay in
//! (futures-locks #24).

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::sync::{Arc, Barrier};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use latchwork_rwlock::{
    Policy, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard, WriterPriority,
};

const IDLE: &str = "Core { state: 0 active, 0 blocked, 0 waiting, .. }";
const SHORT: Duration = Duration::from_micros(100);
/// Longer than any test waits for what must come.
const LONG: Duration = Duration::from_mins(10);

type Lock = RwLock<u64, WriterPriority>;

fn state<P: Policy>(lock: &RwLock<u64, P>) -> String {
    // SAFETY: only looked at.
    format!("{:?}", unsafe { lock.raw() }.core())
}

/// Waits until the lock's counts are as expected.
fn until(lock: &Lock, blocked: usize, waiting: usize) {
    // SAFETY: only looked at.
    let core = unsafe { lock.raw() }.core();
    while core.blocked_readers() != blocked || core.waiting_writers() != waiting {
        thread::yield_now();
    }
}

/// Starts writers that give up after these numbers of milliseconds, and returns when all of them
/// wait. Where this thread sleeps for longer than one of them waits, they are given more time.
fn impatient_writers<'scope, const WRITERS: usize>(
    scope: &'scope Scope<'scope, '_>,
    lock: &'scope Lock,
    mut timeouts: [u64; WRITERS],
) -> [ScopedJoinHandle<'scope, bool>; WRITERS] {
    // SAFETY: only looked at.
    let core = unsafe { lock.raw() }.core();
    loop {
        let writers = timeouts.map(|timeout| {
            scope.spawn(move || lock.try_write_for(Duration::from_millis(timeout)).is_none())
        });
        while !writers.iter().any(ScopedJoinHandle::is_finished) {
            if core.waiting_writers() == WRITERS {
                return writers;
            }
            thread::yield_now();
        }
        for writer in writers {
            assert!(writer.join().unwrap());
        }
        timeouts = timeouts.map(|timeout| timeout * 2);
    }
}

#[test]
fn timed_out_writers_leave_the_counts_as_they_were() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    drop(lock.try_write_for(Duration::from_micros(1)));
                    drop(lock.read());
                }
            });
        }
    });
    drop(lock.write());
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn a_writer_that_retries_at_once_gets_in() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        let slow = lock.read();
        let writer = scope.spawn(|| {
            loop {
                if let Some(mut value) = lock.try_write_for(SHORT) {
                    *value = 1;
                    return;
                }
            }
        });
        // Readers come through between the writer's tries.
        (0..20).for_each(|_| assert_eq!(*lock.read(), 0));
        drop(slow);
        writer.join().unwrap();
    });
    assert_eq!(*lock.read(), 1);
}

#[test]
fn a_timed_out_writer_lets_the_reader_behind_it_go() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        let first = lock.read();
        let [writer] = impatient_writers(scope, &lock, [30]);
        let reader = scope.spawn(|| *lock.read());
        assert!(writer.join().unwrap());
        // The first reader holds still.
        assert_eq!(reader.join().unwrap(), 0);
        drop(first);
    });
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn a_failed_write_tells_every_reader_behind_it() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        let first = lock.read();
        let writers = impatient_writers(scope, &lock, [30, 60]);
        let readers = [(); 4].map(|()| scope.spawn(|| *lock.read()));
        for writer in writers {
            assert!(writer.join().unwrap());
        }
        for reader in readers {
            assert_eq!(reader.join().unwrap(), 0);
        }
        drop(first);
    });
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn a_timed_out_writer_passes_the_wake_on() {
    for turn in 0..200 {
        let lock = Lock::new(0);
        thread::scope(|scope| {
            let first = lock.write();
            let timeout = Duration::from_micros(50 + turn);
            scope.spawn({
                let lock = &lock;
                move || drop(lock.try_write_for(timeout))
            });
            let patient = scope.spawn(|| lock.try_write_for(LONG).is_some());
            thread::sleep(timeout);
            drop(first);
            assert!(patient.join().unwrap());
        });
        assert_eq!(state(&lock), IDLE);
    }
}

#[test]
fn readers_that_leave_while_an_upgrade_times_out_are_counted() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..2_000).for_each(|_| drop(lock.read())));
        }
        for _ in 0..500 {
            let upgradable = lock.upgradable_read();
            let timeout = Duration::from_micros(1);
            match RwLockUpgradableReadGuard::try_upgrade_for(upgradable, timeout) {
                Ok(write) => drop(write),
                Err(upgradable) => drop(upgradable),
            }
        }
    });
    drop(lock.write());
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn a_timed_out_reader_is_not_counted() {
    let lock = Lock::new(0);
    let write = lock.write();
    thread::scope(|scope| {
        scope.spawn(|| assert!(lock.try_read_for(SHORT).is_none()));
    });
    drop(write);
    assert!(lock.try_write().is_some());
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn a_timed_out_reader_leaves_no_flag_that_hides_the_writer() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        let write = lock.write();
        let writer = scope.spawn(|| lock.try_write_for(LONG).is_some());
        until(&lock, 0, 1);
        scope.spawn(|| assert!(lock.try_read_for(SHORT).is_none())).join().unwrap();
        drop(write);
        assert!(writer.join().unwrap());
    });
}

#[test]
fn four_writers_are_all_woken() {
    for writers in [3, 4] {
        let lock = Lock::new(0);
        thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| (0..3_000).for_each(|_| *lock.write() += 1));
            }
        });
        assert_eq!(*lock.read(), writers * 3_000);
    }
}

#[test]
fn a_downgrade_lets_no_writer_between() {
    let lock = Lock::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let mut write = lock.write();
                    *write += 1;
                    let written = *write;
                    assert_eq!(*RwLockWriteGuard::downgrade(write), written);
                }
            });
        }
    });
    assert_eq!(*lock.read(), 6_000);
}

#[test]
fn a_share_is_shared() {
    let (lock, both) = (Arc::new(Lock::new(0)), Arc::new(Barrier::new(2)));
    let write = lock.write();
    let readers = [(); 2].map(|()| {
        let (lock, both) = (Arc::clone(&lock), Arc::clone(&both));
        thread::spawn(move || {
            let _read = lock.read();
            // Each holds its share until the other has one.
            both.wait();
        })
    });
    until(&lock, 2, 0);
    drop(write);
    for reader in readers {
        reader.join().unwrap();
    }
}
