//! The scene: T1 reads for long, T2 wants to write, T3 and T4 read often.

use latchwork_sync::atomic::{AtomicBool, Ordering};
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// How often T3 and T4 read.
pub(crate) const EVERY: Duration = Duration::from_micros(100);

/// A lock around a number, and a way to write it.
pub(crate) trait Table: Sync {
    /// Reads, and calls `hold` before it lets go.
    fn read(&self, hold: impl FnOnce()) -> u64;

    /// Counts up, however long it takes to get in.
    fn write(&self);
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) writers: usize,
    pub(crate) hold: Duration,
}

/// A read of T3 or T4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    /// When it was due, from the beginning of the scene.
    pub(crate) due: Duration,
    /// How long after that it had read.
    pub(crate) pause: Duration,
}

#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) reads: Vec<Read>,
    /// How long each writer waited.
    pub(crate) writes: Vec<Duration>,
}

impl Played {
    pub(crate) fn longest_pause(&self) -> Duration {
        self.reads.iter().map(|read| read.pause).max().unwrap_or_default()
    }
}

/// T3, T4: reads when it is due until the scene is over. A read that comes late because the one
/// before it was kept waiting counts from when it was due.
fn read_often(table: &impl Table, start: Instant, over: &AtomicBool) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut due = start;
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        black_box(table.read(|| ()));
        let end = Instant::now();
        reads.push(Read { due: due - start, pause: end - due.min(asked) });
        due += EVERY;
        if due > end {
            thread::sleep(due - end);
            // That the system wakes it late is no pause of the lock's.
            due = Instant::now();
        }
    }
    reads
}

/// T2: wants to write a tenth into the slow read; how long it waited.
fn write_once(table: &impl Table, scene: Scene) -> Duration {
    thread::sleep(scene.hold / 10);
    let asked = Instant::now();
    table.write();
    asked.elapsed()
}

pub(crate) fn play(table: &impl Table, scene: Scene) -> Played {
    let over = AtomicBool::new(false);
    let start = Instant::now();
    thread::scope(|scope| {
        let slow = scope.spawn(|| table.read(|| thread::sleep(scene.hold)));
        let often = [(); 2].map(|()| scope.spawn(|| read_often(table, start, &over)));
        let writers: Vec<_> =
            (0..scene.writers).map(|_| scope.spawn(|| write_once(table, scene))).collect();
        slow.join().expect("the slow reader doesn't panic");
        let waits =
            writers.into_iter().map(|writer| writer.join().expect("writers don't panic")).collect();
        thread::sleep(scene.hold / 10);
        over.store(true, Ordering::Relaxed);
        let reads = often.map(|reader| reader.join().expect("readers don't panic")).concat();
        Played { reads, writes: waits }
    })
}
