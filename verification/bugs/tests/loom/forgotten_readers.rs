//! A writer that times out must let the readers go that it kept out.
//!
//! A reader holds the lock, a writer waits, a second reader is blocked behind the writer. The
//! writer's time runs out and it leaves. The second reader is now blocked behind nobody, and no
//! release will wake it: the first reader's release looks for a writer.
//!
//! The fix: giving up is a transition like a release. The step that takes the writer out also moves
//! the readers it blocked to active, and then they are woken.
//!
//! Reference: dotnet/corefx #3364 (`ReaderWriterLockSlim`), microsoft/vs-threading #252,
//! StephenCleary/AsyncEx #134, ClickHouse #38864.

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::advance;
use latchwork_sync::thread;
use latchwork_sync::time::{Duration, Instant};

use super::{Bug, DEADLOCK};

pub(super) const BUG: Bug = Bug {
    name: "forgotten_readers",
    twin: "writer_only_leaves",
    fails_with: DEADLOCK,
    bound: Some(2),
    fixed: scene::<true>,
    broken: scene::<false>,
};

const READER: u32 = 1;
const READERS: u32 = 3;
/// The writer waits.
const WAITING: u32 = 4;
/// The writer holds the lock.
const WRITER: u32 = 8;
/// The second reader is blocked behind the writer.
const BLOCKED: u32 = 16;

/// A lock for one writer and two readers, the first of which holds it from the beginning.
struct Lock {
    state: AtomicU32,
    writer: Event,
    reader: Event,
}

impl Lock {
    /// Exchanges the state as `step` says; returns what it was and what it is.
    fn step(&self, step: impl Fn(u32) -> u32) -> (u32, u32) {
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let new = step(seen);
            match self.state.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return (seen, new),
                Err(now) => seen = now,
            }
        }
    }

    /// The blocked reader becomes active.
    fn grant(state: u32) -> u32 {
        if state & BLOCKED == 0 { state } else { (state & !BLOCKED) + READER }
    }

    fn read(&self) {
        let (_, new) = self.step(|state| match state & (WAITING | WRITER) {
            0 => state + READER,
            _ => state | BLOCKED,
        });
        if new & BLOCKED != 0 {
            self.reader.wait();
        }
    }

    fn end_read(&self) {
        let (_, new) = self.step(|state| {
            let state = state - READER;
            let hands_over = state & READERS == 0 && state & WAITING != 0;
            if hands_over { (state & !WAITING) | WRITER } else { state }
        });
        if new & WRITER != 0 {
            self.writer.set();
        }
    }

    fn write_until<const GRANTS: bool>(&self, deadline: Instant) -> bool {
        let (_, new) = self.step(|state| match state & READERS {
            0 => state | WRITER,
            _ => state | WAITING,
        });
        if new & WRITER != 0 || self.writer.wait_until(deadline) {
            return true;
        }
        let (old, _) = self.step(|state| match state & WRITER {
            0 if GRANTS => Self::grant(state & !WAITING),
            0 => state & !WAITING,
            _ => state,
        });
        if GRANTS && old & (WRITER | BLOCKED) == BLOCKED {
            self.reader.set();
        }
        // Handed over in the last moment: it holds the lock.
        old & WRITER != 0
    }

    fn end_write(&self) {
        let (old, _) = self.step(|state| Self::grant(state & !WRITER));
        if old & BLOCKED != 0 {
            self.reader.set();
        }
    }
}

fn scene<const GRANTS: bool>() -> String {
    let lock = Arc::new(Lock {
        state: AtomicU32::new(READER),
        writer: Event::new(),
        reader: Event::new(),
    });
    let deadline = Instant::now() + Duration::from_millis(1);
    let writers = Arc::clone(&lock);
    let writer = thread::spawn(move || {
        let acquired = writers.write_until::<GRANTS>(deadline);
        if acquired {
            writers.end_write();
        }
        acquired
    });
    let readers = Arc::clone(&lock);
    let reader = thread::spawn(move || {
        readers.read();
        readers.end_read();
    });
    advance(1);
    lock.end_read();
    let acquired = writer.join().unwrap();
    reader.join().unwrap();
    assert_eq!(lock.state.load(Ordering::Relaxed), 0, "the lock is not free at the end");
    acquired.to_string()
}
