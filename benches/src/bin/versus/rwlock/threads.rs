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

/// Nanoseconds of wall time an operation of any thread.
pub(super) fn cost<L: Lock>(load: Load) -> f64 {
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
    let (operations, elapsed) = thread::scope(|scope| {
        let worker = &worker;
        let workers: Vec<_> =
            (0..load.threads).map(|seed| scope.spawn(move || worker(seed))).collect();
        ready.wait();
        let start = Instant::now();
        thread::sleep(load.time);
        stop.store(true, Ordering::Relaxed);
        let total: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        (total, start.elapsed())
    });
    #[allow(clippy::cast_precision_loss, reason = "a measurement has fewer digits than an f64")]
    let cost = elapsed.as_nanos() as f64 / operations as f64;
    cost
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
}
