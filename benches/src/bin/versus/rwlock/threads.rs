//! Several threads on one lock, for a fixed time each round.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_benches::{Contender, Versus};

use super::{Lock, Words, add};

/// Threads, and how many of a hundred operations are writes.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) threads: usize,
    pub(super) writes: u64,
    pub(super) time: Duration,
}

/// On lines of its own, so that nobody's cost depends on where the stack has put what.
#[repr(align(128))]
struct Apart<T>(T);

/// How many operations each thread made, and in what time.
fn play<L: Lock>(load: Load) -> (Vec<u64>, Duration) {
    let (lock, stop) = (Apart(L::new()), Apart(AtomicBool::new(false)));
    let (lock, stop) = (&lock.0, &stop.0);
    let ready = Barrier::new(load.threads + 1);
    let worker = |seed: usize| {
        let mut operations = 0_u64;
        let mut random = seed as u64 * 0x9e37_79b9 + 1;
        ready.wait();
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..64 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                if random % 100 < load.writes {
                    lock.with_write(|words| add(words));
                } else {
                    lock.with_read(|words| black_box(words[0] + words[1]));
                }
            }
            operations += 64;
        }
        operations
    };
    thread::scope(|scope| {
        let worker = &worker;
        let workers: Vec<_> =
            (0..load.threads).map(|seed| scope.spawn(move || worker(seed))).collect();
        ready.wait();
        let start = Instant::now();
        thread::sleep(load.time);
        stop.store(true, Ordering::Relaxed);
        let operations = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        (operations, start.elapsed())
    })
}

/// Nanoseconds of wall time an operation of any thread.
#[allow(clippy::cast_precision_loss, reason = "a measurement has fewer digits than an f64")]
pub(super) fn cost<L: Lock>(load: Load) -> f64 {
    let (operations, elapsed) = play::<L>(load);
    elapsed.as_nanos() as f64 / operations.iter().sum::<u64>() as f64
}

/// How unevenly the threads get the lock: 1 where each makes as many operations, the number of
/// threads where one makes all of them.
///
/// The inverse of the index of Jain, Chiu and Hawe, *A Quantitative Measure of Fairness and
/// Discrimination for Resource Allocation in Shared Computer Systems* (1984).
#[allow(clippy::cast_precision_loss, reason = "a measurement has fewer digits than an f64")]
fn unevenness<L: Lock>(load: Load) -> f64 {
    let (operations, _) = play::<L>(load);
    let sum: f64 = operations.iter().map(|&n| n as f64).sum();
    let squares: f64 = operations.iter().map(|&n| (n as f64).powi(2)).sum();
    operations.len() as f64 * squares / (sum * sum)
}

pub(super) fn rows(versus: &mut Versus) {
    let time = Duration::from_millis(versus.sized(20, 5));
    for (row, threads, writes) in [
        ("read_only_2t", 2, 0),
        ("mix99_2t", 2, 1),
        ("mix99_8t", 8, 1),
        ("mix90_2t", 2, 10),
        ("mix90_8t", 8, 10),
    ] {
        if !versus.wants("rwlock", row) {
            continue;
        }
        let load = Load { threads, writes, time };
        let mut peers = vec![
            Contender::new("parking_lot", || cost::<parking_lot::RwLock<Words>>(load)),
            Contender::new("std", || cost::<std::sync::RwLock<Words>>(load)),
            Contender::new("usync", || cost::<usync::RwLock<Words>>(load)),
            Contender::new("async-lock", || cost::<async_lock::RwLock<Words>>(load)),
            Contender::new("tokio", || cost::<tokio::sync::RwLock<Words>>(load)),
            Contender::new("mutex", || cost::<std::sync::Mutex<Words>>(load)),
        ];
        // With more threads than processors a spinning writer may wait for whole time slices.
        if threads <= 2 {
            peers.push(Contender::new("spin", || cost::<spin::RwLock<Words>>(load)));
        }
        let ours = || cost::<latchwork_rwlock::RwLock<Words>>(load);
        versus.compare(("rwlock", row, "ns/op"), 31, ours, peers);
    }
    if versus.wants("rwlock", "uneven_mix90_8t") {
        // Long enough for the system to give each thread some turns.
        let load =
            Load { threads: 8, writes: 10, time: Duration::from_millis(versus.sized(200, 20)) };
        let peers = vec![
            Contender::new("parking_lot", || unevenness::<parking_lot::RwLock<Words>>(load)),
            Contender::new("std", || unevenness::<std::sync::RwLock<Words>>(load)),
        ];
        let ours = || unevenness::<latchwork_rwlock::RwLock<Words>>(load);
        versus.compare(("rwlock", "uneven_mix90_8t", "n/J"), 11, ours, peers);
    }
}
