//! Timed operations without end, on every policy: no hang, no lost write, an idle word at the end.
//!
//! usage: cargo run --release -p latchwork-rwlock --example stress -- [OPERATIONS]
//!
//! 10^8 operations unless told otherwise, shared among the policies. A run that stands still for a
//! minute ends with the state of the lock.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use latchwork_rwlock::{
    Bounded, PhaseFair, Policy, RawRwLock, ReaderPriority, RwLock, RwLockUpgradableReadGuard,
    RwLockWriteGuard, WriterPriority,
};
use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[path = "../tests/stress/mod.rs"]
mod stress;

use stress::pair::Pair;
use stress::{EAGER, Random, SHORT};

const THREADS: u64 = 6;
/// A thread tells of its progress every so many operations.
const BATCH: u64 = 1_000;
const IDLE: &str = "Core { state: 0 active, 0 blocked, 0 waiting, .. }";

/// Writes, and says how often.
fn count(mut pair: impl std::ops::DerefMut<Target = Pair>) -> u64 {
    pair.count();
    1
}

#[derive(Default)]
struct Tally {
    operations: AtomicU64,
    writes: AtomicU64,
    timeouts: AtomicU64,
}

/// One operation with a deadline: how many writes it made, and whether it gave up.
fn operate<P: Policy>(lock: &RwLock<Pair, P>, random: &mut Random) -> (u64, bool) {
    let timeout = Duration::from_nanos(random.below(40_000));
    match random.below(16) {
        0..=8 => (0, lock.try_read_for(timeout).map(|pair| pair.look()).is_none()),
        9..=12 => lock.try_write_for(timeout).map_or((0, true), |pair| (count(pair), false)),
        13 => {
            let Some(pair) = lock.try_upgradable_read_for(timeout) else { return (0, true) };
            pair.look();
            RwLockUpgradableReadGuard::try_upgrade_for(pair, timeout)
                .map_or((0, true), |pair| (count(pair), false))
        }
        14 => {
            let Some(mut pair) = lock.try_write_for(timeout) else { return (0, true) };
            pair.count();
            RwLockWriteGuard::downgrade(pair).look();
            (1, false)
        }
        _ => {
            let Some(mut pair) = lock.try_write_for(timeout) else { return (0, true) };
            pair.count();
            RwLockWriteGuard::unlock_fair(pair);
            (1, false)
        }
    }
}

/// Ends the process when the operations stand still.
fn watch<P: Policy>(lock: &RwLock<Pair, P>, tally: &Tally, over: &AtomicBool) {
    let (mut seen, mut since) = (0, Instant::now());
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
        let now = tally.operations.load(Ordering::Relaxed);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() > Duration::from_mins(10) {
            // SAFETY: only looked at.
            let core = unsafe { lock.raw() }.core();
            eprintln!("stress: nothing moves after {now} operations: {core:?}");
            std::process::exit(1);
        }
    }
}

fn stress<P: Policy>(name: &str, policy: P, operations: u64) {
    let lock = RwLock::<Pair, P>::from_raw(RawRwLock::with_policy(policy), Pair::default());
    let (tally, over) = (Tally::default(), AtomicBool::new(false));
    let start = Instant::now();
    thread::scope(|scope| {
        let (lock, tally, over) = (&lock, &tally, &over);
        scope.spawn(move || watch(lock, tally, over));
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut random = Random(thread * 2 + 1);
                    for _ in 0..operations.div_ceil(THREADS * BATCH) {
                        for _ in 0..BATCH {
                            let (writes, gave_up) = operate(lock, &mut random);
                            tally.writes.fetch_add(writes, Ordering::Relaxed);
                            tally.timeouts.fetch_add(gave_up.into(), Ordering::Relaxed);
                        }
                        tally.operations.fetch_add(BATCH, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let results: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "{name}: a thread has panicked");
    });
    let Tally { operations, writes, timeouts } = tally;
    assert_eq!(lock.read().writes(), writes.into_inner(), "{name}: a write was lost");
    drop(lock.write());
    // SAFETY: only looked at.
    assert_eq!(format!("{:?}", unsafe { lock.raw() }.core()), IDLE, "{name}");
    println!(
        "{name:<24} {:>11} operations, {:>9} gave up, {:.1?}",
        operations.into_inner(),
        timeouts.into_inner(),
        start.elapsed()
    );
}

fn main() -> ExitCode {
    let operations = match std::env::args().nth(1).map(|text| text.parse::<u64>()) {
        None => 100_000_000,
        Some(Ok(operations)) => operations,
        Some(Err(error)) => {
            eprintln!("stress: how many operations? {error}");
            return ExitCode::FAILURE;
        }
    };
    let each = operations / 6;
    stress("bounded", Bounded::new(), each);
    stress("bounded, short times", SHORT, each);
    stress("bounded, no cool-down", EAGER, each);
    stress("writer priority", WriterPriority, each);
    stress("phase-fair", PhaseFair, each);
    stress("reader priority", ReaderPriority, each);
    ExitCode::SUCCESS
}
