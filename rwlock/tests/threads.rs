//! The lock on real threads: what its guards promise, and stress with every operation mixed.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use core::time::Duration;
use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use latchwork_rwlock::{
    Bounded, Patient, PhaseFair, Policy, RawRwLock, ReaderPriority, RwLock,
    RwLockUpgradableReadGuard, RwLockWriteGuard, WritePatiently, WriterPriority,
};

mod stress;

use stress::pair::Pair;
use stress::{EAGER, Random, SHORT};

const IDLE: &str = "Core { state: 0 active, 0 blocked, 0 waiting, .. }";

fn state<T, P: Policy>(lock: &RwLock<T, P>) -> String {
    // SAFETY: only looked at.
    format!("{:?}", unsafe { lock.raw() }.core())
}

/// Waits until the lock's counts are as expected.
fn until<T, P: Policy>(lock: &RwLock<T, P>, blocked: usize, waiting: usize) {
    until_unless(lock, blocked, waiting, || false);
}

/// Waits until the lock's counts are as expected, or will no longer be; whether they were.
fn until_unless<T, P: Policy>(
    lock: &RwLock<T, P>,
    blocked: usize,
    waiting: usize,
    over: impl Fn() -> bool,
) -> bool {
    // SAFETY: only looked at.
    let core = unsafe { lock.raw() }.core();
    while core.blocked_readers() != blocked || core.waiting_writers() != waiting {
        if over() {
            return false;
        }
        thread::yield_now();
    }
    true
}

#[test]
fn readers_share_and_writers_exclude() {
    let lock = RwLock::<_>::new(1);
    let one = lock.read();
    let two = lock.try_read().unwrap();
    assert!(lock.try_write().is_none());
    assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
    drop((one, two));
    let mut write = lock.try_write().unwrap();
    *write = 2;
    assert!(lock.try_read().is_none());
    assert!(lock.try_read_for(Duration::from_millis(1)).is_none());
    assert!(lock.try_upgradable_read().is_none());
    drop(write);
    assert_eq!(*lock.read(), 2);
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn deadline_in_the_past_still_tries() {
    let lock = RwLock::<_>::new(());
    let past = Instant::now();
    thread::sleep(Duration::from_millis(1));
    assert!(lock.try_read_until(past).is_some());
    assert!(lock.try_write_until(past).is_some());
    assert!(lock.try_upgradable_read_until(past).is_some());
    assert!(lock.try_write_for(Duration::ZERO).is_some());
    assert!(lock.try_write_for(Duration::MAX).is_some());
    let read = lock.read();
    assert!(lock.try_write_until(past).is_none());
    drop(read);
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn upgradable_share_is_one_beside_readers() {
    let lock = RwLock::<_>::new(0);
    let upgradable = lock.upgradable_read();
    assert!(lock.try_upgradable_read().is_none());
    assert!(lock.try_upgradable_read_for(Duration::from_millis(1)).is_none());
    let read = lock.read();
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
    let timeout = Duration::from_millis(1);
    let upgradable = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, timeout).unwrap_err();
    assert_eq!(*lock.read(), 0, "a cancelled upgrade leaves the gate open");
    drop(read);
    let mut write = RwLockUpgradableReadGuard::upgrade(upgradable);
    *write = 1;
    assert!(lock.try_read().is_none());
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(write);
    assert_eq!(*lock.read(), 1);
    assert!(lock.try_upgradable_read().is_none());
    let read = RwLockUpgradableReadGuard::downgrade(upgradable);
    drop(lock.try_upgradable_read().unwrap());
    drop(read);
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn downgrade_lets_readers_in_and_writers_not() {
    let lock = RwLock::<_>::new(0);
    let mut write = lock.write();
    *write = 1;
    let read = RwLockWriteGuard::downgrade(write);
    assert_eq!(*lock.read(), 1);
    assert!(lock.try_write().is_none());
    drop(read);
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn waiting_writer_keeps_new_readers_out() {
    let lock: Arc<RwLock<u32, WriterPriority>> = Arc::default();
    let read = lock.read();
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    until(&lock, 0, 1);
    assert!(lock.try_read().is_none());
    assert!(lock.try_read_for(Duration::from_millis(2)).is_none());
    drop(read);
    writer.join().unwrap();
    assert_eq!(state(&lock), IDLE);
}

/// R1 holds, W2 waits and times out, R3 came between: R3 goes on although R1 holds still.
#[test]
fn timed_out_writer_releases_blocked_readers() {
    let lock: Arc<RwLock<u32, WriterPriority>> = Arc::default();
    let read = lock.read();
    let mut timeout = Duration::from_millis(50);
    let writer = loop {
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.try_write_for(timeout).is_none())
        };
        // Where this thread sleeps for longer than the writer waits, once more.
        if until_unless(&lock, 0, 1, || writer.is_finished()) {
            break writer;
        }
        assert!(writer.join().unwrap());
        timeout *= 2;
    };
    assert_eq!(*lock.read(), 0);
    assert!(writer.join().unwrap());
    drop(read);
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn reader_opens_the_gate_after_its_patience() {
    // However late this thread reads, the writer hasn't waited for too long.
    let policy = Bounded::new().longest_writer_wait(None);
    let lock = Arc::new(RwLock::<u32>::from_raw(RawRwLock::with_policy(policy), 0));
    let read = lock.read();
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    until(&lock, 0, 1);
    assert_eq!(*lock.read(), 0, "the writer can't have come first: a share is held");
    drop(read);
    writer.join().unwrap();
    assert_eq!(*lock.read(), 1);
    assert_eq!(state(&lock), "Core { state: 0 active, 0 blocked, 0 waiting, .. }");
}

/// With overlapping readers that hold longer than the patience a writer still comes in, after its
/// longest wait.
#[test]
fn urgent_writer_holds_the_gate_shut() {
    let policy = Bounded::new()
        .patience(Duration::from_micros(100))
        .cool_down(Duration::from_hours(1))
        .longest_writer_wait(Some(Duration::from_millis(20)));
    let lock = Arc::new(RwLock::<u32>::from_raw(RawRwLock::with_policy(policy), 0));
    let done = Arc::new(AtomicBool::new(false));
    let (ready, started) = channel();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (lock, done, ready) = (Arc::clone(&lock), Arc::clone(&done), ready.clone());
            thread::spawn(move || {
                let mut overlapping = lock.read();
                ready.send(()).unwrap();
                while !done.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                    drop(overlapping);
                    overlapping = lock.read();
                }
            })
        })
        .collect();
    (0..3).for_each(|_| started.recv().unwrap());
    *lock.write() = 1;
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(state(&lock).matches("urgent").count(), 0);
}

#[test]
fn reader_priority_may_read_again_behind_a_writer() {
    let lock: Arc<RwLock<u32, ReaderPriority>> = Arc::default();
    let outer = lock.read();
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    until(&lock, 0, 1);
    assert_eq!(*lock.read(), 0);
    drop(outer);
    writer.join().unwrap();
}

#[test]
fn phase_fair_lets_the_readers_it_held_back_go_first() {
    let lock: Arc<RwLock<u32, PhaseFair>> = Arc::default();
    let write = lock.write();
    let reader = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.read())
    };
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    until(&lock, 1, 1);
    drop(write);
    assert_eq!(reader.join().unwrap(), 0);
    writer.join().unwrap();
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn guards_travel_to_other_threads() {
    let lock: Arc<RwLock<u32>> = Arc::default();
    thread::scope(|scope| {
        let mut write = lock.write();
        scope.spawn(move || *write = 1).join().unwrap();
        let read = lock.read();
        scope.spawn(move || assert_eq!(*read, 1)).join().unwrap();
    });
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn panic_in_a_write_section_frees_the_lock() {
    let lock: Arc<RwLock<u32>> = Arc::default();
    let other = Arc::clone(&lock);
    let result = thread::spawn(move || {
        let _write = other.write();
        panic!("on purpose");
    })
    .join();
    assert!(result.is_err());
    assert!(lock.try_write().is_some());
}

#[test]
fn forgotten_guards_stop_writers_and_nothing_else() {
    let lock = RwLock::<_>::new(0);
    core::mem::forget(lock.read());
    assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
    assert_eq!(*lock.read(), 0);
}

#[test]
fn forgotten_guards_without_end_panic_before_the_count_carries() {
    let lock = Arc::new(RwLock::<_>::new(0));
    for _ in 0..1 << 19 {
        core::mem::forget(lock.read());
    }
    assert!(lock.try_read().is_none());
    let other = Arc::clone(&lock);
    assert!(thread::spawn(move || drop(other.read())).join().is_err());
    assert!(lock.try_write().is_none());
}

/// Every operation, timed and not, on one lock; the writes are counted.
fn stress<P: Policy>(policy: P, threads: u64, operations: u64) {
    let lock = RwLock::<Pair, P>::from_raw(RawRwLock::with_policy(policy), Pair::default());
    let writes = AtomicU64::new(0);
    let write = |mut pair: RwLockWriteGuard<'_, Pair, P>| {
        pair.count();
        writes.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for thread in 0..threads {
            let (lock, write) = (&lock, &write);
            scope.spawn(move || {
                let mut random = Random(thread * 2 + 1);
                for _ in 0..operations {
                    let timeout = Duration::from_micros(random.below(60));
                    match random.below(16) {
                        0..=5 => lock.read().look(),
                        6..=8 => {
                            let _ = lock.try_read_for(timeout).map(|pair| pair.look());
                        }
                        9 => write(lock.write()),
                        10..=11 => {
                            let _ = lock.try_write_for(timeout).map(write);
                        }
                        12 => {
                            let pair = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
                            RwLockWriteGuard::downgrade(pair).look();
                        }
                        13 => {
                            let pair = lock.try_upgradable_read_for(timeout);
                            let upgrade = |pair| {
                                RwLockUpgradableReadGuard::try_upgrade_for(pair, timeout).ok()
                            };
                            let _ = pair.and_then(upgrade).map(write);
                        }
                        14 => {
                            let pair = RwLockWriteGuard::downgrade_to_upgradable(lock.write());
                            thread::yield_now();
                            RwLockUpgradableReadGuard::downgrade(pair).look();
                        }
                        _ => RwLockWriteGuard::unlock_fair(lock.write()),
                    }
                }
            });
        }
    });
    assert_eq!(lock.read().writes(), writes.into_inner());
    drop(lock.write());
    assert_eq!(state(&lock), IDLE);
}

#[test]
fn stress_bounded() {
    stress(Bounded::new(), 4, 20_000);
}

#[test]
fn stress_bounded_with_short_times() {
    stress(SHORT, 6, 10_000);
}

#[test]
fn stress_bounded_without_cool_down() {
    stress(EAGER, 3, 20_000);
}

#[test]
fn stress_writer_priority() {
    stress(WriterPriority, 4, 20_000);
}

#[test]
fn stress_phase_fair() {
    stress(PhaseFair, 4, 5_000);
}

#[test]
fn stress_reader_priority() {
    stress(ReaderPriority, 4, 20_000);
}

#[test]
fn patient_write_gives_way_and_gets_in_when_the_last_reader_leaves() {
    let lock: Arc<RwLock<u32, WriterPriority>> = Arc::default();
    let plan = Patient::within(Duration::from_millis(20))
        .patience(Duration::from_millis(1))
        .cool_down(Duration::from_millis(3));
    let read = lock.read();
    let error = lock.write_patiently(plan).unwrap_err();
    assert_eq!(error.readers, 1);
    assert!(error.attempts >= 1, "{error}");
    assert!(error.gate_shut <= error.waited, "{error}");
    assert!(lock.try_read().is_some());

    // One that waits longer is woken by the reader that leaves, well before its cool-down ends.
    let plan = Patient::within(Duration::from_mins(10)).cool_down(Duration::from_mins(5));
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || lock.write_patiently(plan).map(|mut value| *value = 1))
    };
    until(&lock, 0, 1);
    assert_eq!(*lock.read(), 0, "let in when the writer steps back");
    drop(read);
    writer.join().unwrap().unwrap();
    assert_eq!(*lock.read(), 1);
    assert_eq!(state(&lock), IDLE);
}
