//! The check and its report.
//!
//! One thread writes pages, each full of its version; others read the same pages through a map. A
//! page is *stale* when its map shows a version older than one whose write had returned before the
//! read began, and *torn* when a word is newer than a later word of the same page: a page that was
//! seen half written.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use latchwork_ringpal::access::Access;
use latchwork_ringpal::{
    AccessKind, AlignedBuf, Alignment, BufferedFile, DirectFile, DirectSyncFile, File, MappedFile,
    PageWrite, Ring, WriteThroughFile,
};
use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread::{JoinHandle, spawn};
use latchwork_sync::time::{Duration, Instant};

const PAGE: usize = 4096;
const WORDS: usize = PAGE / 8;
/// What fits a processor's cache, so that readers and writer meet often.
const PAGES: usize = 256;

type Failure = Box<dyn std::error::Error>;

struct Arguments {
    seconds: u64,
    directory: PathBuf,
}

const USAGE: &str = "ringpal-coherence [--seconds N] [--dir DIR]: whether a memory map shows what \
                     was written to its file, here; N seconds for each of 6 ways to write";

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments { seconds: 5, directory: PathBuf::from(".") };
    let mut given = std::env::args_os().skip(1);
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{} wants a value", name.display()));
        match name.to_str() {
            Some("--seconds") => {
                let value = value()?;
                found.seconds = value
                    .to_str()
                    .and_then(|number| number.parse().ok())
                    .ok_or_else(|| format!("{} is no number of seconds", value.display()))?;
            }
            Some("--dir") => found.directory = value()?.into(),
            _ => return Err(format!("{} is not known", name.display())),
        }
    }
    Ok(found)
}

/// Small random numbers (an LCG, Knuth's constants).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// What the threads share.
struct Board {
    /// By page: the version whose write has returned.
    published: Vec<AtomicU64>,
    stop: AtomicBool,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    writes: u64,
    reads: u64,
    stale_to_writer: u64,
    stale_to_readers: u64,
    torn: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, reads, stale_to_writer, stale_to_readers, torn } = self;
        write!(f, "{writes:>10} {reads:>12} {stale_to_writer:>8} {stale_to_readers:>8} {torn:>8}")
    }
}

fn words(page: &[u8]) -> impl Iterator<Item = u64> {
    page.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("8 bytes")))
}

/// Whether a word is newer than one behind it.
fn is_torn(page: &[u8]) -> bool {
    let mut last = 0;
    words(page).any(|word| {
        let earlier = core::mem::replace(&mut last, word);
        earlier > word
    })
}

fn read(map: &MappedFile, board: &Board, seed: u64) -> Counts {
    let (mut random, mut counts) = (Random(seed), Counts::default());
    let mut page = vec![0; PAGE];
    while !board.stop.load(Ordering::Relaxed) {
        let number = random.below(PAGES);
        // Acquire: pairs with the writer's store after its write has returned.
        let promised = board.published[number].load(Ordering::Acquire);
        map.read_at(number * PAGE, &mut page);
        counts.reads += 1;
        counts.stale_to_readers += u64::from(words(&page).any(|version| version < promised));
        counts.torn += u64::from(is_torn(&page));
    }
    counts
}

/// Writes batches of pages until the time is up.
fn write(
    (ring, file): (&Ring, &File),
    map: &MappedFile,
    board: &Board,
    (batch, deadline): (usize, Instant),
) -> Result<Counts, Failure> {
    let (mut random, mut counts) = (Random(1), Counts::default());
    let mut buffers = Vec::new();
    for _ in 0..batch {
        buffers.push(AlignedBuf::zeroed(PAGE, Alignment::PAGE)?);
    }
    let mut seen = vec![0; PAGE];
    for version in 2_u64.. {
        if Instant::now() >= deadline {
            break;
        }
        // Pages of one batch are all different.
        let first = random.below(PAGES);
        let number = |index: usize| (first + index * 7) % PAGES;
        for buffer in &mut buffers {
            for word in buffer.chunks_exact_mut(8) {
                word.copy_from_slice(&version.to_ne_bytes());
            }
        }
        let pages: Vec<_> = buffers
            .iter()
            .enumerate()
            .map(|(index, data)| PageWrite { offset: (number(index) * PAGE) as u64, data })
            .collect();
        ring.write_pages(file, &pages)?;
        for index in 0..batch {
            // Release: pairs with the readers' load.
            board.published[number(index)].store(version, Ordering::Release);
            map.read_at(number(index) * PAGE, &mut seen);
            counts.stale_to_writer += u64::from(words(&seen).any(|word| word != version));
        }
        counts.writes += batch as u64;
    }
    Ok(counts)
}

fn run(
    (ring, file): (&Ring, &File),
    path: &Path,
    (batch, seconds): (usize, u64),
) -> Result<Counts, Failure> {
    let map = Arc::new(MappedFile::open(path)?);
    let board = Arc::new(Board {
        published: (0..PAGES).map(|_| AtomicU64::new(1)).collect(),
        stop: AtomicBool::new(false),
    });
    // One processor is left to the writer.
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let readers: Vec<JoinHandle<Counts>> = (0..(processors - 1).clamp(1, 4))
        .map(|number| {
            let (map, board) = (Arc::clone(&map), Arc::clone(&board));
            spawn(move || read(&map, &board, number as u64 + 2))
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let written = write((ring, file), &map, &board, (batch, deadline));
    board.stop.store(true, Ordering::Relaxed);
    let mut all = Counts::default();
    for reader in readers {
        let counts = reader.join().map_err(|_| "a reader has panicked")?;
        all.reads += counts.reads;
        all.stale_to_readers += counts.stale_to_readers;
        all.torn += counts.torn;
    }
    let written = written?;
    Ok(Counts { writes: written.writes, stale_to_writer: written.stale_to_writer, ..all })
}

/// One way to write: a type of file, one page a call or a batch through the ring.
fn way<T: Access + core::ops::Deref<Target = File>>(
    ring: &Ring,
    arguments: &Arguments,
    batch: usize,
    open: fn() -> latchwork_ringpal::Opening<T>,
) -> Result<u64, Failure> {
    let path = arguments.directory.join(format!("ringpal-coherence-{}", std::process::id()));
    let first: Vec<u8> = (0..PAGES * WORDS).flat_map(|_| 1_u64.to_ne_bytes()).collect();
    std::fs::write(&path, first)?;
    std::fs::File::open(&path)?.sync_all()?;
    let kind: AccessKind = T::KIND;
    let result = match open().read(true).write(true).open(&path) {
        Ok(file) => run((ring, &file), &path, (batch, arguments.seconds)),
        Err(error) => Err(error.into()),
    };
    std::fs::remove_file(&path)?;
    let name = format!("{kind:?}, {}", if batch == 1 { "single" } else { "batches of 32" });
    match result {
        Ok(counts) => {
            println!("{name:<28}{counts}");
            Ok(counts.stale_to_writer + counts.stale_to_readers)
        }
        Err(error) => {
            println!("{name:<28} skipped: {error}");
            Ok(0)
        }
    }
}

fn check(arguments: &Arguments) -> Result<u64, Failure> {
    let ring = Ring::new()?;
    println!("{}; files in {}", ring.info(), arguments.directory.display());
    println!(
        "{:<28}{:>10} {:>12} {:>8} {:>8} {:>8}",
        "", "writes", "map reads", "stale", "stale", "torn"
    );
    println!("{:<28}{:>10} {:>12} {:>8} {:>8} {:>8}", "", "", "", "writer", "readers", "");
    let mut stale = 0;
    for batch in [1, 32] {
        stale += way(&ring, arguments, batch, DirectFile::options)?;
        stale += way(&ring, arguments, batch, DirectSyncFile::options)?;
    }
    stale += way(&ring, arguments, 1, BufferedFile::options)?;
    stale += way(&ring, arguments, 1, WriteThroughFile::options)?;
    Ok(stale)
}

pub(crate) fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match check(&arguments) {
        Ok(0) => {
            println!("nothing was stale: on this system and file system the map kept up");
            ExitCode::SUCCESS
        }
        Ok(stale) => {
            println!("{stale} stale reads: never read through a map what was written like that");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
