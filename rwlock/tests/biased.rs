//! The biased lock on real threads.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use latchwork_rwlock::biased::{RawReadBiased, ReadBiased};
use latchwork_rwlock::registry::Block;
use latchwork_rwlock::{Bounded, Policy, WriterPriority};
use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[path = "stress/pair.rs"]
mod pair;

use pair::Pair;

/// Reads until the lock is biased.
fn bias<T, P: Policy>(lock: &ReadBiased<T, P>) {
    // SAFETY: only looked at.
    while !unsafe { lock.raw() }.is_biased() {
        drop(lock.read());
    }
}

#[test]
fn readers_share_and_writers_exclude() {
    let lock = ReadBiased::<u32>::new(1);
    bias(&lock);
    let (one, two) = (lock.read(), lock.try_read().unwrap());
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    assert!(lock.try_write().is_none());
    assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
    drop((one, two));
    assert!(!lock.is_locked());
    *lock.write() = 2;
    // SAFETY: only looked at.
    assert!(!unsafe { lock.raw() }.is_biased(), "inhibited for a while");
    assert_eq!(*lock.read(), 2);
    bias(&lock);
    let write = lock.try_write().unwrap();
    assert!(lock.try_read().is_none());
    assert!(lock.try_read_for(Duration::from_millis(1)).is_none());
    let read = lock_api::RwLockWriteGuard::downgrade(write);
    assert_eq!(*lock.read(), *read);
}

#[test]
fn a_biased_lock_is_as_small_as_it_says() {
    assert_eq!(size_of::<RawReadBiased>(), 96);
    assert!(size_of::<Block>() < 512);
}

#[test]
fn more_shares_than_slots_are_shares_all_the_same() {
    let lock = ReadBiased::<u32>::new(1);
    bias(&lock);
    let shares: Vec<_> = (0..10).map(|_| lock.read()).collect();
    assert!(lock.try_write().is_none());
    drop(shares);
    assert!(lock.try_write().is_some());
}

#[test]
fn several_biased_locks_share_a_threads_slots() {
    let locks = [ReadBiased::<u32>::new(0), ReadBiased::new(1)];
    locks.iter().for_each(bias);
    let one = locks[0].read();
    drop(locks[1].write());
    assert!(locks[0].try_write().is_none());
    drop(one);
}

#[test]
fn a_share_may_be_given_back_by_another_thread() {
    let lock = ReadBiased::<u32>::new(1);
    bias(&lock);
    let share = lock.read();
    thread::scope(|scope| {
        scope.spawn(move || drop(share));
    });
    assert!(lock.try_write().is_some());
}

fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

/// T1 holds a slot, T2 wants to write, T3 comes when T2 has come so `far`: T2's patience lets T3
/// in although T1 stays.
fn writer_gives_way<P>(lock: ReadBiased<u32, P>, far: impl FnOnce(&ReadBiased<u32, P>))
where
    P: Policy + Send + Sync + 'static,
{
    let lock = Arc::new(lock);
    bias(&lock);
    let slow = lock.read();
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    far(&lock);
    assert_eq!(*lock.read(), 0);
    drop(slow);
    writer.join().unwrap();
    assert_eq!(*lock.read(), 1);
}

/// The writer comes again and again.
#[test]
fn a_revocation_that_is_held_up_lets_readers_in() {
    let policy = Bounded::new().longest_writer_wait(None);
    let lock = ReadBiased::<u32>::from_raw(RawReadBiased::with_policy(policy), 0);
    writer_gives_way(lock, |lock| {
        // SAFETY: only looked at.
        let core = unsafe { lock.raw() }.core();
        until(|| core.is_locked_exclusive());
    });
}

/// Whether a writer of a lock with the policy [`Patience`] has given way: the lock asks for the
/// cool-down then.
static GAVE_WAY: AtomicBool = AtomicBool::new(false);

/// The cool-down is longer than anyone waits.
struct Patience;

impl Policy for Patience {
    const DEFAULT: Self = Self;
    const GATES: bool = true;
    const PHASES: bool = false;

    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }

    fn cool_down(&self) -> Duration {
        GAVE_WAY.store(true, Ordering::Relaxed);
        Duration::from_hours(1)
    }

    fn longest_writer_wait(&self) -> Option<Duration> {
        None
    }
}

/// Only the reader that was in the way can wake the writer.
#[test]
fn a_writer_that_gave_way_is_woken_by_the_reader_that_was_in_its_way() {
    let lock = ReadBiased::<u32, Patience>::new(0);
    writer_gives_way(lock, |_| until(|| GAVE_WAY.load(Ordering::Relaxed)));
}

/// A share that is forgotten holds its lock wherever that is moved, and no other lock in its place;
/// its slot is free again when the lock is dropped.
#[test]
fn a_forgotten_share_holds_its_own_lock() {
    let mut place = Some(ReadBiased::<u32>::new(0));
    bias(place.as_ref().unwrap());
    core::mem::forget(place.as_ref().unwrap().read());
    let moved = Box::new(place.take().unwrap());
    assert!(moved.is_locked() && moved.try_write().is_none());
    place = Some(ReadBiased::new(0));
    bias(place.as_ref().unwrap());
    assert!(place.as_ref().unwrap().try_write().is_some());
    drop(moved);
    assert!(!place.unwrap().is_locked());
}

#[test]
fn a_revocation_that_times_out_leaves_the_bias() {
    let lock = ReadBiased::<u32, WriterPriority>::new(0);
    bias(&lock);
    let slow = lock.read();
    let before = Instant::now();
    assert!(lock.try_write_for(Duration::from_millis(3)).is_none());
    assert!(before.elapsed() >= Duration::from_millis(3));
    // SAFETY: only looked at.
    assert!(unsafe { lock.raw() }.is_biased());
    assert!(lock.try_read().is_some());
    drop(slow);
    assert!(lock.try_write_for(Duration::from_millis(3)).is_some());
}

#[test]
fn stress() {
    let lock = ReadBiased::<Pair>::new(Pair::default());
    let (writes, over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    lock.read().look();
                }
            });
        }
        for writer in 0..2_u64 {
            let (lock, writes, over) = (&lock, &writes, &over);
            scope.spawn(move || {
                for turn in 0..400 {
                    let pair = if turn % 3 == writer {
                        lock.try_write_for(Duration::from_micros(50))
                    } else {
                        Some(lock.write())
                    };
                    if let Some(mut pair) = pair {
                        pair.count();
                        writes.fetch_add(1, Ordering::Relaxed);
                    }
                    thread::sleep(Duration::from_micros(300));
                }
                over.store(true, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(lock.read().writes(), writes.into_inner());
    assert!(lock.try_write().is_some());
}
