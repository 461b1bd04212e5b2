//! The longest pause of a fast reader while a slow one holds on and writers wait.
//!
//! A slow reader holds the lock for the first half of a round; a tenth later writers arrive, and
//! two fast readers read every 100 µs all the while. A pause is counted from when the read was
//! due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_benches::{Contender, Versus};

use super::{Lock, Words, add};

/// How a writer gets in.
trait Writer: Lock {
    fn write(&self);
}

const PATIENCE: Duration = Duration::from_millis(1);

/// Blocks: the lock keeps the patience.
impl Writer for latchwork_rwlock::RwLock<Words> {
    fn write(&self) {
        add(latchwork_rwlock::RwLock::write(self));
    }
}

/// Times out after the patience and tries again at once.
struct Retrying<L>(L);

macro_rules! retrying {
    ($($lock:ty),*) => {$(
        impl Lock for Retrying<$lock> {
            fn new() -> Self {
                Self(Lock::new())
            }

            fn with_read<R>(&self, f: impl FnOnce(&Words) -> R) -> R {
                self.0.with_read(f)
            }

            fn with_write<R>(&self, f: impl FnOnce(&mut Words) -> R) -> R {
                self.0.with_write(f)
            }
        }

        impl Writer for Retrying<$lock> {
            fn write(&self) {
                loop {
                    if let Some(words) = self.0.try_write_for(PATIENCE) {
                        return add(words);
                    }
                }
            }
        }
    )*};
}

retrying!(latchwork_rwlock::RwLock<Words>, parking_lot::RwLock<Words>);

impl Writer for std::sync::RwLock<Words> {
    fn write(&self) {
        add(std::sync::RwLock::write(self).unwrap());
    }
}

#[derive(Clone, Copy)]
struct Scene {
    writers: usize,
    length: Duration,
}

const EVERY: Duration = Duration::from_micros(100);

/// The longest pause of one round, in microseconds.
fn longest_pause<L: Writer>(scene: Scene) -> f64 {
    let lock = L::new();
    let done = AtomicBool::new(false);
    let fast = || {
        let mut longest = Duration::ZERO;
        let mut due = Instant::now();
        while !done.load(Ordering::Relaxed) {
            lock.with_read(|words| std::hint::black_box(words[0]));
            longest = longest.max(due.elapsed());
            due += EVERY;
            // A sleep's own lateness must not be counted as a pause.
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due = due.max(Instant::now());
        }
        longest
    };
    let longest = thread::scope(|scope| {
        let readers = [scope.spawn(fast), scope.spawn(fast)];
        let slow = scope.spawn(|| lock.with_read(|_| thread::sleep(scene.length / 2)));
        thread::sleep(scene.length / 20);
        let writers: Vec<_> = (0..scene.writers).map(|_| scope.spawn(|| lock.write())).collect();
        slow.join().unwrap();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap()).into_iter().max()
    });
    longest.map_or(0.0, |longest| longest.as_secs_f64() * 1e6)
}

pub(super) fn rows(versus: &mut Versus) {
    type Ours = latchwork_rwlock::RwLock<Words>;
    let length = Duration::from_millis(versus.sized(200, 40));
    for (row, blocking, writers) in
        [("pause_1w", "pause_blocking_1w", 1), ("pause_3w", "pause_blocking_3w", 3)]
    {
        let scene = Scene { writers, length };
        let std = || Contender::new("std", || longest_pause::<std::sync::RwLock<Words>>(scene));
        if versus.wants("rwlock", row) {
            let parking_lot = Contender::new("parking_lot", || {
                longest_pause::<Retrying<parking_lot::RwLock<Words>>>(scene)
            });
            let ours = || longest_pause::<Retrying<Ours>>(scene);
            versus.compare(("rwlock", row, "µs"), 15, ours, vec![parking_lot, std()]);
        }
        if versus.wants("rwlock", blocking) {
            let ours = || longest_pause::<Ours>(scene);
            versus.compare(("rwlock", blocking, "µs"), 15, ours, vec![std()]);
        }
    }
}
