//! Readers' pauses over time, while a slow reader holds on and a writer waits: the scene of
//! `pause.rs`, with every read kept.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_benches::{Axis, Chart, Layout, Line, Versus};
use latchwork_reclaim::{Snapshot, epoch};

use super::Words;

const NAME: &str = "reader-pauses";
const EVERY: Duration = Duration::from_micros(100);
const PATIENCE: Duration = Duration::from_millis(1);
/// Columns of the picture: each shows the longest pause of its slice of time.
const SLICES: usize = 160;

/// A way to share the words.
trait Shared: Sync {
    /// Reads, and does something before it lets go.
    fn read(&self, hold: impl FnOnce());
    /// Counts up, however long it takes to get in.
    fn write(&self);
}

fn retry<G>(attempt: impl Fn() -> Option<G>) -> G {
    loop {
        if let Some(guard) = attempt() {
            return guard;
        }
    }
}

macro_rules! shared {
    ($($name:ident($inner:ty), read $(. $unwrap:ident)?: |$it:ident| $write:expr;)*) => {$(
        struct $name($inner);

        impl Shared for $name {
            fn read(&self, hold: impl FnOnce()) {
                let words = self.0.read()$(.$unwrap())?;
                hold();
                black_box(*words);
            }

            fn write(&self) {
                let $it = &self.0;
                super::add($write);
            }
        }
    )*};
}

type Ours = latchwork_rwlock::RwLock<Words>;

shared! {
    Bounded(Ours), read: |it| it.write();
    Retries(Ours), read: |it| retry(|| it.try_write_for(PATIENCE));
    ParkingLot(parking_lot::RwLock<Words>), read: |it| retry(|| it.try_write_for(PATIENCE));
    Std(std::sync::RwLock<Words>), read.unwrap: |it| it.write().unwrap();
}

/// The alternative: readers that never wait.
struct Cell(Snapshot<Words>);

impl Shared for Cell {
    fn read(&self, hold: impl FnOnce()) {
        let guard = epoch::pin();
        black_box(self.0.load(&guard)[0]);
        hold();
    }

    fn write(&self) {
        self.0.update(&epoch::pin(), |words| [words[0] + 1, words[1] + 1]);
    }
}

/// The longest pause of each slice of a scene, in microseconds.
fn play(shared: &impl Shared, length: Duration) -> Vec<f64> {
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let slice =
        |at: Instant| ((at - start).as_nanos() * SLICES as u128 / length.as_nanos()) as usize;
    let often = || {
        let mut longest = vec![Duration::ZERO; SLICES];
        let mut due = Instant::now();
        while !over.load(Ordering::Relaxed) {
            shared.read(|| ());
            let end = Instant::now();
            // A read that waits is seen all the while.
            let last = slice(end).min(SLICES - 1);
            for longest in &mut longest[slice(due).min(last)..=last] {
                *longest = (end - due).max(*longest);
            }
            due += EVERY;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // That the system wakes it late is no pause of the lock's.
            due = due.max(Instant::now());
        }
        longest
    };
    thread::scope(|scope| {
        let readers = [scope.spawn(often), scope.spawn(often)];
        let slow = scope.spawn(|| shared.read(|| thread::sleep(length / 2)));
        thread::sleep(length / 10);
        let writer = scope.spawn(|| shared.write());
        slow.join().expect("the slow reader doesn't panic");
        writer.join().expect("the writer doesn't panic");
        thread::sleep((length).saturating_sub(start.elapsed()));
        over.store(true, Ordering::Relaxed);
        let [first, second] = readers.map(|reader| reader.join().expect("readers don't panic"));
        let both = first.iter().zip(&second);
        both.map(|(a, b)| (*a.max(b)).as_secs_f64() * 1e6).collect()
    })
}

/// Where the slices lie, in milliseconds, with what happened there; those without a read left out.
fn line(name: &str, length: Duration, pauses: &[f64]) -> Line {
    #[allow(clippy::cast_precision_loss, reason = "a position in a picture")]
    let at = |slice: usize| (slice as f64 + 0.5) / SLICES as f64 * length.as_secs_f64() * 1e3;
    let read = pauses.iter().enumerate().filter(|(_, pause)| **pause > 0.0);
    Line {
        name: name.into(),
        points: read.map(|(slice, pause)| (at(slice), pause.max(1.0))).collect(),
    }
}

pub(super) fn curves(versus: &mut Versus) {
    if !versus.wants_chart("rwlock", NAME) {
        return;
    }
    let length = Duration::from_millis(versus.sized(200, 80));
    let words = [0; 2];
    let lines = vec![
        line("ours, write", length, &play(&Bounded(Ours::new(words)), length)),
        line("ours, 1 ms, retry", length, &play(&Retries(Ours::new(words)), length)),
        line("ours, Snapshot", length, &play(&Cell(Snapshot::new(words)), length)),
        line(
            "parking_lot, 1 ms, retry",
            length,
            &play(&ParkingLot(parking_lot::RwLock::new(words)), length),
        ),
        line("std, write", length, &play(&Std(std::sync::RwLock::new(words)), length)),
    ];
    versus.draw(Chart {
        group: "rwlock".into(),
        name: NAME.into(),
        title: "How long readers pause while a slow reader reads for the first half, and a writer waits from a tenth on".into(),
        x: Axis::linear("ms"),
        y: Axis::logarithmic("longest pause, µs"),
        layout: Layout::Strips,
        lines,
    });
}
