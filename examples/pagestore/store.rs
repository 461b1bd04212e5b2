//! The store: a data file of pages, a log of entries, an index in memory.
//!
//! A transaction puts one file. Its thread hands name and bytes to the batch writer and sleeps;
//! whoever leads the batch writes the pages of every transaction in it with one call of the ring,
//! syncs the data file, appends the entries to the log and syncs that; then each submitter is
//! told. So an entry in the log always finds its pages on the disk, and a transaction that was
//! acknowledged is in the log.
//!
//! Pages are never overwritten while an entry in the index leads to them: a new version of a file
//! gets new pages, and the old ones are free when the store is opened the next time. So readers
//! need no lock while they read pages.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use latchwork::batch_writer::log::{Log, LogError};
use latchwork::batch_writer::{BatchWriter, Cause, Metrics, Options, SubmitError};
use latchwork::ringpal::{AlignedBuf, Alignment, BackendChoice, File, PageRead, Ring};

use crate::Layout;
use crate::arguments::BackendName;
use crate::entry::{Entry, PAGE};
use crate::failure::{Failure, Result, remedy};
use crate::name::{self, Name};
use crate::pages::{CHUNK, Index, Pages, Transaction};
use crate::space::Space;

pub(crate) struct Store {
    writer: BatchWriter<Pages>,
    index: Arc<Index>,
    ring: Arc<Ring>,
    data: Arc<File>,
    directory: PathBuf,
    recovered: u64,
    /// Held by this process while the store is open.
    _lock: fs::File,
}

impl Store {
    /// Opens a store, and makes it where there is none.
    pub(crate) fn open_or_create(directory: &Path, backend: BackendName) -> Result<Self> {
        fs::create_dir_all(directory)
            .map_err(|error| Failure::io("make the store", directory, &error))?;
        Self::recover(directory, backend, true)
    }

    /// Opens a store that is there.
    pub(crate) fn open(directory: &Path, backend: BackendName) -> Result<Self> {
        if !Layout::of(directory).lock.exists() {
            return Err(Failure::new(
                format!("there is no store in {}", directory.display()),
                "`pagestore import --store DIR` makes one",
            ));
        }
        Self::recover(directory, backend, false)
    }

    fn recover(directory: &Path, backend: BackendName, create: bool) -> Result<Self> {
        let layout = Layout::of(directory);
        let lock = lock(&layout.lock, create)?;
        let ring = match backend {
            BackendName::Auto => BackendChoice::Auto,
            BackendName::Ring => BackendChoice::IoUring,
            BackendName::Pool => BackendChoice::Pool,
        };
        let ring = Ring::builder().backend(ring).build().map_err(|error| {
            Failure::new(error.to_string(), "`--backend auto` takes what the system allows")
        })?;
        let data = open_data(&layout.data)?;
        let mut entries = HashMap::new();
        let mut recovered = 0;
        let mut foreign = None;
        let log = Log::options()
            .segment_bytes(1 << 20)
            .open(&layout.log, |record| match Entry::decode(record.payload) {
                Some((name, entry)) => {
                    recovered += 1;
                    entries.insert(name, entry);
                }
                None => foreign = Some(record.location),
            })
            .map_err(|error| {
                let remedy = error.io_error().map_or(AGAIN, remedy);
                Failure::new(error.to_string(), remedy)
            })?;
        if let Some(place) = foreign {
            return Err(Failure::new(
                format!("{} holds a record of another program at {place:?}", layout.log.display()),
                "name the directory of a store with --store",
            ));
        }
        let space = Space::between(entries.values().copied());
        let (ring, data) = (Arc::new(ring), Arc::new(data));
        let index = Arc::new(Index::new(entries));
        let pages =
            Pages::new(Arc::clone(&ring), Arc::clone(&data), log, Arc::clone(&index), space);
        let writer = Options::new().batch_bytes(8 << 20).build(pages);
        let directory = directory.to_path_buf();
        Ok(Self { writer, index, ring, data, directory, recovered, _lock: lock })
    }

    /// Puts a file; returns when it is durable.
    pub(crate) fn put(&self, name: Name, bytes: &[u8]) -> Result<()> {
        let pages = padded(bytes.len())?;
        let transaction = Transaction::new(name, bytes, pages);
        let name = transaction.name.clone();
        self.writer.submit(transaction).map(drop).map_err(|error| self.refused(&name, error))
    }

    /// The bytes of a file, checked.
    pub(crate) fn get(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(entry) = self.index.read().get(name).copied() else { return Ok(None) };
        let length = usize::try_from(entry.bytes).map_err(|_| damaged(name, &self.directory))?;
        let mut pages = padded(length)?;
        let mut offset = entry.page * PAGE;
        let mut reads = Vec::new();
        for chunk in pages.chunks_mut(CHUNK) {
            let length = chunk.len() as u64;
            reads.push(PageRead { offset, data: chunk });
            offset += length;
        }
        self.ring.read_pages(&self.data, &mut reads).map_err(|error| {
            let what = format!("can't read {}: {error}", name::show(name));
            Failure::new(what, "check the disk, then import the file again")
        })?;
        let bytes = pages[..length].to_vec();
        if crc32c::crc32c(&bytes) == entry.checksum {
            Ok(Some(bytes))
        } else {
            Err(damaged(name, &self.directory))
        }
    }

    /// The length of a file, if it is there.
    pub(crate) fn length(&self, name: &[u8]) -> Option<u64> {
        self.index.read().get(name).map(|entry| entry.bytes)
    }

    /// Names and lengths, by name.
    pub(crate) fn list(&self) -> Vec<(Name, u64)> {
        let index = self.index.read();
        let mut list: Vec<_> =
            index.iter().map(|(name, entry)| (name.clone(), entry.bytes)).collect();
        list.sort();
        list
    }

    /// How many records the log held when the store was opened.
    pub(crate) fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Which backend writes the pages, and why it was chosen.
    pub(crate) fn backend(&self) -> String {
        let kind = if self.data.is_direct() { "direct" } else { "buffered" };
        format!("{}; {kind} pages", self.ring.info())
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.writer.metrics()
    }

    /// Ends the store's work; what was acknowledged is durable without it.
    pub(crate) fn close(self) -> Result<()> {
        self.writer.close().map_err(|error| {
            Failure::new(
                format!("closing {} failed: {error}", self.directory.display()),
                "open it again: what was acknowledged is safe",
            )
        })
    }

    /// What a submitter is told when its transaction was not made durable.
    fn refused(&self, name: &[u8], error: SubmitError<Transaction, LogError>) -> Failure {
        let shown = name::show(name);
        let not_stored = format!("{shown} was not stored in {}", self.directory.display());
        let (what, error) = match error {
            SubmitError::Failed(error) => (not_stored, error),
            SubmitError::Unknown(Cause::Write(error) | Cause::Sync(error)) => {
                (format!("it is not known whether {shown} was stored"), error)
            }
            SubmitError::Poisoned(_, poison) => match poison.cause {
                Cause::Write(error) | Cause::Sync(error) => {
                    (format!("{not_stored} after an earlier failure"), error)
                }
                Cause::Panic => return Failure::new(not_stored, AGAIN),
            },
            _ => return Failure::new(not_stored, AGAIN),
        };
        let remedy = error.io_error().map_or(AGAIN, remedy);
        Failure::new(format!("{what}: {error}"), remedy)
    }
}

const AGAIN: &str = "then run it again: what was acknowledged is safe";

/// Zeroed whole pages for so many bytes.
fn padded(bytes: usize) -> Result<AlignedBuf> {
    let page = usize::try_from(PAGE).expect("a small number");
    AlignedBuf::zeroed(bytes.next_multiple_of(page), Alignment::PAGE)
        .map_err(|error| Failure::new(error.to_string(), "import fewer large files at once"))
}

/// The file that only one process may hold.
fn lock(path: &Path, create: bool) -> Result<fs::File> {
    let file = fs::File::options()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(path)
        .map_err(|error| Failure::io("open", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Failure::new(
            format!("another process holds the store: {} is locked", path.display()),
            "wait for it to end, or name another store with --store",
        )),
        Err(fs::TryLockError::Error(error)) => Err(Failure::io("lock", path, &error)),
    }
}

/// The data file, past the page cache where the file system can.
fn open_data(path: &Path) -> Result<File> {
    let options = File::options().read(true).write(true).create(true);
    match options.clone().direct(true).open(path) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            options.open(path)
        }
        opened => opened,
    }
    .map_err(|error| Failure::io("open", path, &error))
}

fn damaged(name: &[u8], directory: &Path) -> Failure {
    Failure::new(
        format!(
            "the bytes of {} in {} don't match their checksum",
            name::show(name),
            Layout::of(directory).data.display()
        ),
        "check the disk, then import the file again",
    )
}
