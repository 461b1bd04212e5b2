//! Importing: writers take files one by one, each a transaction; readers read what is there.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use latchwork_sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::arguments::Import;
use crate::failure::{Failure, Result};
use crate::name::{self, Name};
use crate::store::Store;
use crate::tree::{Source, Tree};

/// What an import did.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) unchanged: u64,
    pub(crate) took: Duration,
    pub(crate) reads: u64,
    pub(crate) read_latency: Histogram<u64>,
    /// Files that couldn't be read; the others were imported.
    pub(crate) unreadable: Vec<Failure>,
}

/// What the threads of an import share.
struct Work<'a> {
    store: &'a Store,
    tree: &'a Tree,
    /// Names to leave alone, since the store has them with these bytes.
    unchanged: &'a HashSet<Name>,
    next: AtomicUsize,
    bytes: AtomicU64,
    files: AtomicU64,
    stop: AtomicBool,
    failure: Mutex<Option<Failure>>,
    unreadable: Mutex<Vec<Failure>>,
    ack_log: Option<NameLog<'a>>,
    seen_log: Option<NameLog<'a>>,
    /// Those that are in the log of what was seen.
    seen: Mutex<HashSet<Name>>,
    progress: ProgressBar,
}

/// A file that names are appended to, one a line.
struct NameLog<'a>(Mutex<File>, &'a Path);

impl<'a> NameLog<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|error| Failure::io("open the log", path, &error))?;
        Ok(Self(Mutex::new(file), path))
    }

    fn append(&self, name: &[u8]) -> Result<()> {
        let line = name::show(name) + "\n";
        // One write call a line: a kill leaves whole lines, and nothing is buffered here.
        let result = self.0.lock().expect("no thread panicked").write_all(line.as_bytes());
        result.map_err(|error| Failure::io("append to the log", self.1, &error))
    }
}

// A progress bar and counters for a report: none of them publishes anything.
const COUNT: Ordering = Ordering::Relaxed;

/// The names that the store has with the bytes of the input.
pub(crate) fn unchanged(store: &Store, tree: &Tree) -> Result<HashSet<Name>> {
    let mut names = HashSet::new();
    for source in &tree.sources {
        if store.length(&source.name) != Some(source.bytes) {
            continue;
        }
        // A file that can't be read is reported when its turn to be imported comes.
        if let Ok(bytes) = fs::read(&source.path)
            && store.get(&source.name)?.is_some_and(|stored| stored == bytes)
        {
            names.insert(source.name.clone());
        }
    }
    Ok(names)
}

/// Imports every file that isn't in `unchanged`.
pub(crate) fn run<'a>(
    store: &'a Store,
    tree: &'a Tree,
    unchanged: &'a HashSet<Name>,
    options: &'a Import,
) -> Result<Imported> {
    let log = |path: &'a Option<PathBuf>| path.as_deref().map(NameLog::open).transpose();
    let (ack_log, seen_log) = (log(&options.ack_log)?, log(&options.seen_log)?);
    let progress = ProgressBar::new(tree.sources.iter().map(|source| source.bytes).sum());
    let style = "{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg}";
    progress.set_style(ProgressStyle::with_template(style).expect("a valid template"));
    let work = Work {
        store,
        tree,
        unchanged,
        next: AtomicUsize::new(0),
        bytes: AtomicU64::new(0),
        files: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        failure: Mutex::new(None),
        unreadable: Mutex::new(Vec::new()),
        ack_log,
        seen_log,
        seen: Mutex::default(),
        progress,
    };
    let start = Instant::now();
    let (reads, read_latency) = std::thread::scope(|scope| {
        let work = &work;
        let readers: Vec<_> =
            (0..options.readers).map(|seed| scope.spawn(move || work.read(seed))).collect();
        let compacts = options.compact.then(|| scope.spawn(|| work.compact()));
        let writers: Vec<_> =
            (0..options.writers.get()).map(|_| scope.spawn(|| work.write())).collect();
        for writer in writers {
            writer.join().expect("a writer doesn't panic");
        }
        work.stop.store(true, COUNT);
        if let Some(compacts) = compacts {
            compacts.join().expect("compaction doesn't panic");
        }
        let mut all = latencies();
        for reader in readers {
            all.add(reader.join().expect("a reader doesn't panic")).expect("of one shape");
        }
        (all.len(), all)
    });
    let took = start.elapsed();
    work.progress.finish_and_clear();
    if let Some(failure) = work.failure.into_inner().expect("no thread panicked") {
        return Err(failure);
    }
    Ok(Imported {
        files: work.files.load(COUNT),
        bytes: work.bytes.load(COUNT),
        unchanged: u64::try_from(unchanged.len()).expect("fewer than bytes of memory"),
        took,
        reads,
        read_latency,
        unreadable: work.unreadable.into_inner().expect("no thread panicked"),
    })
}

/// An empty histogram of microseconds.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("3 digits of an hour")
}

impl Work<'_> {
    fn write(&self) {
        while !self.stop.load(COUNT) {
            let Some(source) = self.tree.sources.get(self.next.fetch_add(1, COUNT)) else { return };
            if !self.unchanged.contains(&source.name) {
                self.import(source).unwrap_or_else(|failure| self.give_up(failure));
            }
            self.progress.inc(source.bytes);
        }
    }

    fn import(&self, source: &Source) -> Result<()> {
        let bytes = match fs::read(&source.path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let failure = Failure::io("read", &source.path, &error);
                self.unreadable.lock().expect("no thread panicked").push(failure);
                return Ok(());
            }
        };
        let length = bytes.len() as u64;
        self.store.put(&source.name, &bytes)?;
        // From here on it is acknowledged.
        self.files.fetch_add(1, COUNT);
        self.bytes.fetch_add(length, COUNT);
        self.ack_log.as_ref().map_or(Ok(()), |log| log.append(&source.name))
    }

    /// Notes that a reader has found a file.
    fn saw(&self, name: &Name) -> Result<()> {
        let Some(log) = &self.seen_log else { return Ok(()) };
        let first = self.seen.lock().expect("no thread panicked").insert(name.clone());
        if first { log.append(name) } else { Ok(()) }
    }

    /// Closes gaps until the writers are done.
    fn compact(&self) {
        while !self.stop.load(COUNT) {
            if let Err(failure) = self.store.compact() {
                return self.give_up(failure);
            }
        }
    }

    /// Stops the import; the first failure is the one that is told.
    fn give_up(&self, failure: Failure) {
        self.stop.store(true, COUNT);
        self.failure.lock().expect("no thread panicked").get_or_insert(failure);
    }

    /// Reads one stored file after the other until the writers are done.
    fn read(&self, seed: usize) -> Histogram<u64> {
        let mut latency = latencies();
        let mut turn = seed;
        while !self.stop.load(COUNT) {
            turn = turn.wrapping_mul(0x5851_F42D).wrapping_add(0x1405_7B7F);
            let source = self.tree.sources.get(turn % self.tree.sources.len().max(1));
            let Some(source) = source else { return latency };
            let start = Instant::now();
            let found = self.store.get(&source.name);
            match found.and_then(|found| found.map(|_| self.saw(&source.name)).transpose()) {
                Ok(Some(())) => {
                    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                    latency.saturating_record(micros.max(1));
                }
                Ok(None) => std::thread::yield_now(),
                Err(failure) => {
                    self.give_up(failure);
                    break;
                }
            }
        }
        latency
    }
}
