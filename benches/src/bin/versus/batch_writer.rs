//! `batch-writer` against a mutex, `LevelDB`'s way and a plain dedicated thread, over the same
//! stores. Every operation appends 128 bytes.

mod baselines;
mod latencies;
mod open_loop;
mod peers;
mod stores;

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use latchwork_batch_writer::{BatchWriter, Options};
use latchwork_benches::{Contender, Stopwatch, Versus, thread_cpu, wall};

use baselines::{Channel, LevelDb, PerOperation};
use peers::{Fjall, InFlight, OkayWal, OurLog, RaftEngine};
use stores::{File, Memory, RECORD, Sleep, Store, Stored};

const GROUP: &str = "batch-writer";

/// A way of getting an operation committed.
trait Commit: Sync {
    fn commit(&self, op: [u8; RECORD]);
}

impl<S: Store> Commit for BatchWriter<Stored<S>> {
    #[inline]
    fn commit(&self, op: [u8; RECORD]) {
        self.submit(op).expect("the store works");
    }
}

/// Nanoseconds of wall time an operation, with so many submitters and operations in all.
fn cost(threads: usize, operations: usize, way: &impl Commit) -> f64 {
    let each = operations.div_ceil(threads);
    let (there, start) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let watch = thread::scope(|scope| {
        for number in 0..threads {
            let (there, start) = (&there, &start);
            scope.spawn(move || {
                let op = [number as u8; RECORD];
                there.wait();
                start.wait();
                for _ in 0..each {
                    way.commit(op);
                }
            });
        }
        there.wait();
        // Before the others run: they may be done before this thread runs again.
        let watch = Stopwatch::start(wall);
        start.wait();
        watch
    });
    watch.per((each * threads) as u64)
}

/// As [`cost`], in processor time of the one submitter.
fn cost_alone(operations: usize, way: &impl Commit) -> f64 {
    let op = [7; RECORD];
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..operations {
        // Out of memory, as a record is: the compiler could write a constant in its place.
        way.commit(*black_box(&op));
    }
    watch.per(operations as u64)
}

/// Context switches of all threads so far.
#[allow(clippy::cast_precision_loss, reason = "a count for a ratio")]
fn switches() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for the result.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "the process can ask for its own usage");
    // SAFETY: zeroed is valid, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    (usage.ru_nvcsw + usage.ru_nivcsw) as f64
}

/// Context switches an operation.
#[allow(clippy::cast_precision_loss, reason = "a count for a ratio")]
fn switches_per_operation(threads: usize, operations: usize, way: &impl Commit) -> f64 {
    let before = switches();
    cost(threads, operations, way);
    (switches() - before) / operations as f64
}

/// The rows of this crate.
pub(crate) fn rows(versus: &mut Versus) {
    null(versus);
    real_sync(versus);
    counts(versus);
    logs(versus);
    slow_sync(versus);
    ahead(versus);
    open_loop(versus);
    latencies::curves(versus);
}

fn null(versus: &mut Versus) {
    if versus.wants(GROUP, "null_1") {
        let operations = versus.sized(500_000, 20_000);
        let ours = BatchWriter::new(Stored::new(Memory::new()));
        let mutex = PerOperation::new(Memory::new());
        let leveldb = LevelDb::new(Memory::new());
        versus.compare(
            (GROUP, "null_1", "ns"),
            15,
            || cost_alone(operations, &ours),
            vec![
                Contender::new("mutex", || cost_alone(operations, &mutex)),
                Contender::new("leveldb", || cost_alone(operations, &leveldb)),
            ],
        );
    }
    if versus.wants(GROUP, "null_8") {
        let operations = versus.sized(200_000, 8_000);
        let ours = BatchWriter::new(Stored::new(Memory::new()));
        let mutex = PerOperation::new(Memory::new());
        let leveldb = LevelDb::new(Memory::new());
        let channel = Channel::new(Memory::new());
        versus.compare(
            (GROUP, "null_8", "ns"),
            9,
            || cost(8, operations, &ours),
            vec![
                Contender::new("mutex", || cost(8, operations, &mutex)),
                Contender::new("leveldb", || cost(8, operations, &leveldb)),
                Contender::new("channel", || cost(8, operations / 10, &channel)),
            ],
        );
    }
}

fn real_sync(versus: &mut Versus) {
    let sizes: [(usize, _); 5] =
        [(1, "submit_1"), (2, "submit_2"), (8, "submit_8"), (32, "submit_32"), (128, "submit_128")];
    for (threads, row) in sizes {
        if !versus.wants(GROUP, row) {
            continue;
        }
        // About as long for each: the ways that share syncs do more operations.
        let alone = versus.sized(400, 40).max(threads);
        let shared = alone * threads.div_ceil(2).min(16);
        let ours = BatchWriter::new(Stored::new(File::new("ours")));
        let mutex = PerOperation::new(File::new("mutex"));
        let leveldb = LevelDb::new(File::new("leveldb"));
        let channel = Channel::new(File::new("channel"));
        versus.compare(
            (GROUP, row, "ns"),
            11,
            || cost(threads, shared, &ours),
            vec![
                Contender::new("mutex", || cost(threads, alone, &mutex)),
                Contender::new("leveldb", || cost(threads, shared, &leveldb)),
                Contender::new("channel", || cost(threads, shared, &channel)),
            ],
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts for ratios")]
fn counts(versus: &mut Versus) {
    let operations = versus.sized(4_000, 400);
    if versus.wants(GROUP, "wakes_8") {
        let ours = BatchWriter::new(Stored::new(File::new("ours")));
        let wakes = || {
            let before = ours.metrics();
            cost(8, operations, &ours);
            let after = ours.metrics();
            (after.wakes - before.wakes) as f64 / (after.operations - before.operations) as f64
        };
        versus.compare((GROUP, "wakes_8", "wakes/op"), 9, wakes, Vec::new());
    }
    if versus.wants(GROUP, "switches_8") {
        let ours = BatchWriter::new(Stored::new(File::new("ours")));
        let leveldb = LevelDb::new(File::new("leveldb"));
        let switched = || switches_per_operation(8, operations, &leveldb);
        versus.compare(
            (GROUP, "switches_8", "switches/op"),
            9,
            || switches_per_operation(8, operations, &ours),
            vec![Contender::new("leveldb", switched)],
        );
    }
    if versus.wants(GROUP, "syncs_8") {
        let ours = BatchWriter::new(Stored::new(File::new("ours")));
        let syncs = || {
            let before = ours.metrics();
            cost(8, operations, &ours);
            let after = ours.metrics();
            (after.batches - before.batches) as f64 / (after.operations - before.operations) as f64
        };
        versus.compare((GROUP, "syncs_8", "syncs/op"), 9, syncs, Vec::new());
    }
}

fn slow_sync(versus: &mut Versus) {
    const SYNC: Duration = Duration::from_millis(1);
    let sizes = [(2, "sync1ms_2"), (8, "sync1ms_8"), (32, "sync1ms_32"), (128, "sync1ms_128")];
    for (threads, row) in sizes {
        if !versus.wants(GROUP, row) {
            continue;
        }
        let batches = versus.sized(60, 10);
        let ours = BatchWriter::new(Stored::new(Sleep::new(SYNC)));
        let leveldb = LevelDb::new(Sleep::new(SYNC));
        // The limit: everybody in every sync, and nothing but the sync.
        #[allow(clippy::cast_precision_loss, reason = "a handful of threads")]
        let limit = || {
            let mut sleep = Sleep::new(SYNC);
            let watch = Stopwatch::start(wall);
            (0..batches).for_each(|_| sleep.sync());
            watch.per(batches as u64) / threads as f64
        };
        versus.compare(
            (GROUP, row, "ns"),
            9,
            || cost(threads, batches * threads, &ours),
            vec![
                Contender::new("limit", limit),
                Contender::new("leveldb", || cost(threads, batches * threads, &leveldb)),
            ],
        );
    }
}

/// Our log against those of others, each with its own files.
fn logs(versus: &mut Versus) {
    for (threads, row) in [(8, "log_8"), (32, "log_32"), (128, "log_128")] {
        if !versus.wants(GROUP, row) {
            continue;
        }
        let operations = versus.sized(100 * threads, 10 * threads);
        let (ours, okaywal) = (OurLog::new(), OkayWal::new());
        let (raft_engine, fjall) = (RaftEngine::new(), Fjall::new());
        versus.compare(
            (GROUP, row, "ns"),
            7,
            || cost(threads, operations, &ours),
            vec![
                Contender::new("okaywal", || cost(threads, operations, &okaywal)),
                Contender::new("raft-engine", || cost(threads, operations, &raft_engine)),
                // It syncs for each.
                Contender::new("fjall", || cost(threads, operations / 4, &fjall)),
            ],
        );
    }
}

/// Syncs in flight against none, on a log with records that take some time to be encoded.
fn ahead(versus: &mut Versus) {
    let rows = [(8, 128, "ahead_8"), (32, 128, "ahead_32"), (8, 65_536, "ahead_64k_8")];
    for (threads, bytes, row) in rows {
        if !versus.wants(GROUP, row) {
            continue;
        }
        let operations = versus.sized(100 * threads, 10 * threads);
        let none = InFlight::new(0, bytes);
        let (one, two) = (InFlight::new(1, bytes), InFlight::new(2, bytes));
        versus.compare(
            (GROUP, row, "ns"),
            7,
            || cost(threads, operations, &none),
            vec![
                Contender::new("one_in_flight", || cost(threads, operations, &one)),
                Contender::new("two_in_flight", || cost(threads, operations, &two)),
            ],
        );
    }
}

/// Arrivals that don't wait for answers, where waiting for siblings can gain nothing.
#[allow(clippy::cast_precision_loss, reason = "counts for ratios")]
fn open_loop(versus: &mut Versus) {
    const SYNC: Duration = Duration::from_millis(1);
    let loads = [(0.3, "open_loop_p99_30"), (0.6, "open_loop_p99_60"), (0.9, "open_loop_p99_90")];
    for (load, row) in loads {
        if !versus.wants(GROUP, row) {
            continue;
        }
        let ours = BatchWriter::new(Stored::new(Sleep::new(SYNC)));
        let never = Options::new().sibling_wait(Duration::ZERO);
        let never = never.build(Stored::new(Sleep::new(SYNC)));
        let operations = versus.sized(4_000, 400);
        // What 32 submitters in a closed loop get through without the wait.
        let gap = cost(32, operations, &never) / load;
        versus.compare(
            (GROUP, row, "ns"),
            5,
            || open_loop::p99(operations, gap, &ours),
            vec![Contender::new("no_sibling_wait", || open_loop::p99(operations, gap, &never))],
        );
    }
    if versus.wants(GROUP, "open_loop_waits") {
        let writer = || BatchWriter::new(Stored::new(Sleep::new(SYNC)));
        let (open, closed) = (writer(), writer());
        let operations = versus.sized(4_000, 400);
        let gap = cost(32, operations, &writer()) / 0.6;
        let waits = |writer: &BatchWriter<_>, act: &dyn Fn() -> f64| {
            let before = writer.metrics();
            act();
            let after = writer.metrics();
            let batches = after.batches - before.batches;
            (after.sibling_waits - before.sibling_waits) as f64 / batches as f64
        };
        versus.compare(
            (GROUP, "open_loop_waits", "waits/batch"),
            5,
            || waits(&open, &|| open_loop::p99(operations, gap, &open)),
            vec![Contender::new("closed_loop", || {
                waits(&closed, &|| cost(32, operations, &closed))
            })],
        );
    }
}
