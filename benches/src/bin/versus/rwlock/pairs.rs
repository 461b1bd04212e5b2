//! One thread: acquire and release.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use latchwork_benches::{Contender, Stopwatch, Versus, thread_cpu};

use super::{Lock, Words, add};

fn reads<L: Lock>(pairs: u64) -> f64 {
    let lock = L::new();
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        black_box(&lock).with_read(|words| black_box(words[0]));
    }
    watch.per(pairs)
}

fn writes<L: Lock>(pairs: u64) -> f64 {
    let lock = L::new();
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        black_box(&lock).with_write(|words| add(words));
    }
    watch.per(pairs)
}

/// The least that a counted reader can cost: one addition in, one out.
fn two_additions(pairs: u64) -> f64 {
    let word = AtomicU64::new(0);
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        black_box(black_box(&word).fetch_add(1, Ordering::Acquire));
        black_box(black_box(&word).fetch_sub(1, Ordering::Release));
    }
    watch.per(pairs)
}

pub(super) fn rows(versus: &mut Versus) {
    let pairs = versus.sized(500_000, 10_000);
    if versus.wants("rwlock", "read_pair") {
        let peers = vec![
            Contender::new("parking_lot", || reads::<parking_lot::RwLock<Words>>(pairs)),
            Contender::new("std", || reads::<std::sync::RwLock<Words>>(pairs)),
            Contender::new("usync", || reads::<usync::RwLock<Words>>(pairs)),
            Contender::new("spin", || reads::<spin::RwLock<Words>>(pairs)),
            Contender::new("async-lock", || reads::<async_lock::RwLock<Words>>(pairs)),
            Contender::new("tokio", || reads::<tokio::sync::RwLock<Words>>(pairs)),
            Contender::new("fetch_add", || two_additions(pairs)),
        ];
        let ours = || reads::<latchwork_rwlock::RwLock<Words>>(pairs);
        versus.compare(("rwlock", "read_pair", "ns/pair"), 31, ours, peers);
    }
    if versus.wants("rwlock", "write_pair") {
        let peers = vec![
            Contender::new("parking_lot", || writes::<parking_lot::RwLock<Words>>(pairs)),
            Contender::new("std", || writes::<std::sync::RwLock<Words>>(pairs)),
            Contender::new("usync", || writes::<usync::RwLock<Words>>(pairs)),
            Contender::new("spin", || writes::<spin::RwLock<Words>>(pairs)),
            Contender::new("async-lock", || writes::<async_lock::RwLock<Words>>(pairs)),
            Contender::new("tokio", || writes::<tokio::sync::RwLock<Words>>(pairs)),
        ];
        let ours = || writes::<latchwork_rwlock::RwLock<Words>>(pairs);
        versus.compare(("rwlock", "write_pair", "ns/pair"), 31, ours, peers);
    }
}
