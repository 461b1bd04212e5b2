//! Threads that read, hold, replace and retire, with objects that know when they are dead.
//!
//! Run under the address sanitizer it also reports a read after the free; without, the poison does as
//! long as the memory is not yet reused.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use latchwork_sync::atomic::Ordering::{AcqRel, Relaxed};
use latchwork_sync::atomic::{AtomicU64, AtomicUsize};
use std::thread;

use latchwork_reclaim::{
    Atomic, Config, Epoch, Guard, Handle, Hazard, Interval, Owned, Scheme, Shield,
};

const ALIVE: u64 = 0x600D_600D_600D_600D;
const DEAD: u64 = 0xDDDD_DDDD_DDDD_DDDD;

struct Canary {
    state: AtomicU64,
    value: u64,
}

static LIVE: AtomicUsize = AtomicUsize::new(0);

impl Canary {
    fn new(value: u64) -> Self {
        LIVE.fetch_add(1, Relaxed);
        Self { state: AtomicU64::new(ALIVE), value }
    }

    fn check(&self) -> u64 {
        assert_eq!(self.state.load(Relaxed), ALIVE, "used after it was freed");
        self.value
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.check();
        self.state.store(DEAD, Relaxed);
        LIVE.fetch_sub(1, Relaxed);
    }
}

/// A small generator of our own, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn run<S: Scheme>(domain: S, threads: u64, steps: u64) {
    let cells: Vec<Atomic<Canary, S::Header>> = {
        let mut handle = domain.register();
        let guard = handle.pin();
        (0..4).map(|index| Atomic::new(guard.own(Canary::new(index)))).collect()
    };
    thread::scope(|scope| {
        for seed in 1..=threads {
            let (cells, domain) = (&cells, &domain);
            scope.spawn(move || {
                let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                let mut handle = domain.register();
                for step in 0..steps {
                    if step % 500 == 0 {
                        // Registrations come and go.
                        handle = domain.register();
                    }
                    let guard = handle.pin();
                    let cell = &cells[random.below(4) as usize];
                    if random.below(3) == 0 {
                        let new = guard.own(Canary::new(step));
                        let old = cell.swap(new, AcqRel, &guard);
                        // SAFETY: the cell was the only way to it.
                        unsafe { guard.retire(old) };
                        continue;
                    }
                    let (mut first, mut second) = (guard.shield(), guard.shield());
                    // SAFETY: protected by shields, from cells at the root.
                    let one = unsafe { first.protect(cell).deref() };
                    let other = &cells[random.below(4) as usize];
                    // SAFETY: as above.
                    let two = unsafe { second.protect(other).deref() };
                    let value = one.check() + two.check();
                    // Long holds are what finds a missing protection.
                    for _ in 0..random.below(40) {
                        thread::yield_now();
                        assert_eq!(one.check() + two.check(), value);
                    }
                }
            });
        }
    });
    for mut cell in cells {
        // SAFETY: the threads have ended.
        drop(unsafe { cell.take() }.map(Owned::into_inner));
    }
    domain.register().barrier();
    drop(domain);
    assert_eq!(LIVE.load(Relaxed), 0, "every retired object was freed");
}

#[test]
fn nobody_sees_a_freed_object() {
    run(Epoch::with_config(Config::DEFAULT.batch(8)), 6, 4_000);
    run(Epoch::new(), 4, 4_000);
    run(Interval::with_config(Config::DEFAULT.batch(8)), 6, 4_000);
    run(Hazard::with_config(Config::DEFAULT.batch(8)), 6, 4_000);
    #[cfg(feature = "haphazard")]
    run(latchwork_reclaim::adapters::haphazard::Haphazard::new(), 4, 4_000);
}
