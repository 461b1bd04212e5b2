//! The store: a journal, a scratch, a data file of pages, an index in memory.
//!
//! ```text
//!              bytes                      committed                       copied
//! put ──> scratch (frames) ──> journal, synced ──> index, queue ──> data file ──> checkpoint
//!         mapped, temporary    one writer for all   a snapshot       the copier, in its own time
//! ```
//!
//! A transaction puts one file. Its thread copies the bytes to the scratch, submits, and sleeps;
//! whoever leads the batch appends every transaction in it to the journal in one write past the
//! page cache, syncs once, shows the new index to readers, and each submitter is told. Later a
//! thread in the background copies the pages to the data file, syncs that now and then, and
//! writes a checkpoint; so no transaction waits for the data file. The journal is read after a
//! crash, and only then.
//!
//! A large file is spared the detour: its pages are written to the data file and synced first,
//! and its record in the journal says where they are.
//!
//! Pages are never overwritten while anything leads to them: an entry of the index, a reader, a
//! checkpoint, a record that a crash would bring back (`space.rs`). So readers need no lock.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use latchwork::batch_writer::log::{Log, LogError};
use latchwork::batch_writer::{BatchWriter, Cause, Options, SubmitError};
use latchwork::ringpal::{
    self, AlignedBuf, Alignment, BackendChoice, BatchError, PageRead, PageWrite, Ring,
};
use latchwork::rwlock::probe::{Full, Probed};
use latchwork::rwlock::{Bounded, RawRwLock, RwLock, WritePatiently};

use crate::Layout;
use crate::arguments::BackendName;
use crate::checkpoint::{self, Base};
use crate::commit::{Commit, Queue};
use crate::compact::{Compacted, PATIENCE};
use crate::copier::{Copied, Copier, Stopped};
use crate::failure::{AGAIN, Failure, Result, remedy};
use crate::file::{File, PAGE, Place};
use crate::index::{Index, Update};
use crate::journal::{Journal, system_error};
use crate::name::{self, Name};
use crate::record::{self, Change, Record};
use crate::scratch::Scratch;
use crate::space::{Number, Space};

/// Files that are larger go to the data file at once.
const LARGE: usize = 1 << 20;
/// Pages that one operation of the ring moves at most.
const RUN: usize = 64;

/// What the store's threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) ring: Arc<Ring>,
    data: ringpal::File,
    pub(crate) space: Arc<Space>,
    pub(crate) scratch: Arc<Scratch>,
    pub(crate) index: Arc<Index>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) writer: BatchWriter<Commit>,
    /// The size that no file may exceed. Held for reading by whoever puts something or takes
    /// pages, for writing by whoever changes the shape of the store.
    pub(crate) gate: Gate,
    pub(crate) copied: Copied,
    pub(crate) stopped: Stopped,
}

/// The store's lock, with a probe that tells how long it is held and waited for.
pub(crate) type Gate = RwLock<u64, Bounded, Probed<Full>>;

pub(crate) struct Store {
    copier: Copier,
    pub(crate) shared: Arc<Shared>,
    /// Files of the checkpoint, and records of the journal behind it.
    pub(crate) recovered: (usize, usize),
    /// Held by this process while the store is open.
    _lock: fs::File,
}

impl Store {
    /// Opens a store, and makes it where there is none.
    pub(crate) fn open_or_create(directory: &Path, backend: BackendName) -> Result<Self> {
        let make = || {
            if directory.is_dir() {
                return Ok(());
            }
            fs::create_dir_all(directory)?;
            // Its own name is as important as those in it.
            let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
            checkpoint::sync_directory(parent.unwrap_or(Path::new(".")))
        };
        make().map_err(|error| Failure::io("make the store", directory, &error))?;
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
        let ring = Arc::new(ring(backend)?);
        let options = ringpal::File::options().read(true).write(true).create(true);
        let data = open_unbuffered(&options, &layout.data)
            .map_err(|error| Failure::io("open", &layout.data, &error))?;
        let found = checkpoint::read(&layout)?;
        let position = found.as_ref().map_or(0, |found| found.position);
        let limit = found.as_ref().map_or(u64::MAX, |found| found.limit);
        let entries = found.map_or_else(Vec::new, |found| found.records);
        let (journal, replay) = open_journal(&layout, &ring, position)?;
        let known = entries.iter().chain(replay.iter().map(|(record, _)| record));
        let space = Space::between(known.flat_map(Record::pages).collect());
        let files = entries.into_iter().filter_map(|record| record.into_file(&space)).collect();
        let base = Base { position, limit, files };
        let (index, queue) = (Index::new(), Arc::new(Queue::default()));
        let commit = Commit::new(journal, index.publisher(), Arc::clone(&queue));
        let shared = Arc::new(Shared {
            layout,
            ring,
            data,
            space,
            scratch: Scratch::new()?,
            index,
            queue,
            writer: Options::new().batch_bytes(8 << 20).build(commit),
            gate: Gate::from_raw(RawRwLock::with_probe(Bounded::new(), Probed::new()), limit),
            copied: Copied::default(),
            stopped: Stopped::default(),
        });
        let recovered = (base.files.len(), replay.len());
        let files = base.files.iter();
        let updates = files.map(|(name, file)| Update::Set(name.clone(), Some(Arc::clone(file))));
        shared.in_turn(|commit| commit.publisher.publish(updates))?;
        let copier = Copier::start(Arc::clone(&shared), base);
        let store = Self { copier, shared, recovered, _lock: lock };
        store.replay(replay)?;
        Ok(store)
    }

    /// Commits once more what the journal has and the checkpoint has not.
    fn replay(&self, records: Replay) -> Result<()> {
        let shared = &self.shared;
        let mut changes = Vec::new();
        for (record, after) in records {
            let change = match record {
                Record::Image { name, checksum, bytes } => {
                    let file =
                        File { bytes: bytes.len() as u64, checksum, place: shared.hold(&bytes)? };
                    Change::Put(name, Arc::new(file))
                }
                Record::Remove(name) => Change::Remove(name),
                Record::Limit(limit) => {
                    *shared.gate.write() = limit;
                    Change::Limit(limit)
                }
                entry @ Record::Entry { .. } => {
                    let (name, file) = entry.into_file(&shared.space).expect("an entry");
                    Change::Put(name, file)
                }
            };
            changes.push((change, after));
            // A few at a time: together they might not fit into the scratch.
            if changes.len() == 16 {
                shared.in_turn(|commit| commit.show(changes.drain(..)))?;
            }
        }
        shared.in_turn(|commit| commit.show(changes.drain(..)))
    }

    /// Puts a file; returns when it is durable.
    pub(crate) fn put(&self, name: &Name, bytes: &[u8]) -> Result<()> {
        let shared = &self.shared;
        shared.stopped.failure().map_or(Ok(()), Err)?;
        let checksum = crc32c::crc32c(bytes);
        let large = bytes.len() > LARGE;
        // Before the gate: who waits for room must not keep maintenance waiting.
        let held = if large { None } else { Some(shared.hold(bytes)?) };
        let gate = shared.gate.read();
        if bytes.len() as u64 > *gate {
            return Err(Failure::new(
                format!(
                    "{} has {} bytes, and the store takes {gate} at most",
                    name::show(name),
                    bytes.len()
                ),
                "`pagestore limit none` takes all",
            ));
        }
        let place = match held {
            Some(place) => place,
            None => shared.write_large(bytes)?,
        };
        let file = File { bytes: bytes.len() as u64, checksum, place };
        self.submit(name, Change::Put(name.clone(), Arc::new(file)))
    }

    /// Removes a file; returns when that is durable.
    pub(crate) fn remove(&self, name: &Name) -> Result<()> {
        let _gate = self.shared.gate.read();
        self.submit(name, Change::Remove(name.clone()))
    }

    fn submit(&self, name: &[u8], change: Change) -> Result<()> {
        let result = self.shared.writer.submit(change);
        result.map(drop).map_err(|error| self.shared.refused(name, error))
    }

    /// The bytes of a file, checked.
    pub(crate) fn get(&self, name: &Name) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.shared.index.find(name) else { return Ok(None) };
        let bytes = self.shared.read(name, &file)?;
        if crc32c::crc32c(&bytes) == file.checksum {
            Ok(Some(bytes))
        } else {
            Err(self.shared.damaged(name))
        }
    }

    /// The length of a file, if it is there.
    pub(crate) fn length(&self, name: &Name) -> Option<u64> {
        self.shared.index.find(name).map(|file| file.bytes)
    }

    /// Names and lengths, by name.
    pub(crate) fn list(&self) -> Vec<(Name, u64)> {
        let all = self.shared.index.all().into_iter();
        let mut list: Vec<_> = all.map(|(name, file)| (name, file.bytes)).collect();
        list.sort();
        list
    }

    /// Closes the gaps in the data file.
    pub(crate) fn compact(&self) -> Result<Compacted> {
        self.copier.compact()
    }

    /// From here on no file may be larger; fails if one is.
    pub(crate) fn set_limit(&self, limit: u64) -> Result<()> {
        let mut gate = self.shared.gate.write_patiently(PATIENCE).map_err(|gave_up| {
            Failure::new(format!("transactions are under way: {gave_up}"), "try again later")
        })?;
        let all = self.shared.index.all().into_iter();
        if let Some((name, file)) = all.into_iter().find(|(_, file)| file.bytes > limit) {
            return Err(Failure::new(
                format!("{} has {} bytes, more than {limit}", name::show(&name), file.bytes),
                "choose a higher limit",
            ));
        }
        self.submit(b"the limit", Change::Limit(limit))?;
        *gate = limit;
        Ok(())
    }

    /// Which backend writes the pages, and why it was chosen.
    pub(crate) fn backend(&self) -> String {
        let kind = if self.shared.data.is_direct() { "direct" } else { "buffered" };
        format!("{}; {kind} pages", self.shared.ring.info())
    }

    /// Copies what is left to the data file and writes a checkpoint, so that the next opening has
    /// nothing to replay. What was acknowledged is durable without it.
    pub(crate) fn close(self) -> Result<()> {
        self.copier.finish()?;
        self.shared.writer.close().map_err(|error| {
            let place = self.shared.layout.directory.display();
            Failure::new(format!("closing {place} failed: {error}"), AGAIN)
        })
    }
}

impl Shared {
    /// Bytes in the scratch; waits for room.
    fn hold(&self, bytes: &[u8]) -> Result<Place> {
        let held = self.scratch.hold(bytes, || self.queue.bell.set());
        held.map(Place::Scratch).ok_or_else(|| self.stopped())
    }

    /// Uses the sink between two batches.
    pub(crate) fn in_turn<R>(&self, act: impl FnOnce(&mut Commit) -> R) -> Result<R> {
        self.writer.with_sink(act).map_err(|error| Failure::new(error.to_string(), AGAIN))
    }

    /// Why nothing is copied any more.
    pub(crate) fn stopped(&self) -> Failure {
        self.stopped.failure().unwrap_or_else(|| Failure::new("the store was closed", AGAIN))
    }

    /// Writes a file to new pages and makes them durable. Nothing leads to them yet, so whatever
    /// is left of them after a crash can't come back.
    fn write_large(&self, bytes: &[u8]) -> Result<Place> {
        let pages = self.space.take(bytes.len().div_ceil(PAGE));
        let mut padded = zeroed(pages.numbers().len())?;
        padded[..bytes.len()].copy_from_slice(bytes);
        let mut rest = &padded[..];
        let mut writes = Vec::new();
        for (first, count) in pages.runs(RUN) {
            let (data, behind) = rest.split_at(count * PAGE);
            writes.push(PageWrite { offset: offset(first), data });
            rest = behind;
        }
        self.write_data(&writes)?;
        self.sync_data()?;
        Ok(Place::Data(pages))
    }

    fn read(&self, name: &[u8], file: &File) -> Result<Vec<u8>> {
        let length = usize::try_from(file.bytes).map_err(|_| self.damaged(name))?;
        let mut bytes = match &file.place {
            Place::Scratch(held) => held.pages().flatten().copied().collect(),
            Place::Data(pages) => {
                let mut padded = zeroed(pages.numbers().len())?;
                let mut rest = &mut padded[..];
                let mut reads = Vec::new();
                for (first, count) in pages.runs(RUN) {
                    let (data, behind) = rest.split_at_mut(count * PAGE);
                    reads.push(PageRead { offset: offset(first), data });
                    rest = behind;
                }
                self.read_data(&mut reads)?;
                padded.to_vec()
            }
        };
        bytes.truncate(length);
        Ok(bytes)
    }

    pub(crate) fn write_data(&self, pages: &[PageWrite<'_>]) -> Result<()> {
        let result = self.ring.write_pages(&self.data, pages);
        result.map_err(|error| self.data_failed("write", &error))
    }

    pub(crate) fn read_data(&self, pages: &mut [PageRead<'_>]) -> Result<()> {
        let result = self.ring.read_pages(&self.data, pages);
        result.map_err(|error| self.data_failed("read", &error))
    }

    pub(crate) fn sync_data(&self) -> Result<()> {
        let result = self.ring.fdatasync(&self.data);
        result.map_err(|error| Failure::io("sync", &self.layout.data, &system_error(&error)))
    }

    /// Ends the data file at a page.
    pub(crate) fn cut_data(&self, end: Number) -> Result<()> {
        let result = self.data.as_std().set_len(offset(end));
        result.map_err(|error| Failure::io("cut", &self.layout.data, &error))
    }

    fn data_failed(&self, action: &str, error: &BatchError) -> Failure {
        Failure::io(action, &self.layout.data, &system_error(&error.failures()[0]))
    }

    fn damaged(&self, name: &[u8]) -> Failure {
        let (name, data) = (name::show(name), self.layout.data.display());
        Failure::new(
            format!("the bytes of {name} in {data} don't match their checksum"),
            "check the disk, then import the file again",
        )
    }

    /// What a submitter is told when its transaction was not made durable.
    fn refused(&self, name: &[u8], error: SubmitError<Change, LogError>) -> Failure {
        let shown = name::show(name);
        let not_stored = format!("{shown} was not stored in {}", self.layout.directory.display());
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

/// Where a page begins.
pub(crate) fn offset(page: Number) -> u64 {
    u64::from(page) * PAGE as u64
}

/// So many pages of zeros.
pub(crate) fn zeroed(pages: usize) -> Result<AlignedBuf> {
    AlignedBuf::zeroed(pages * PAGE, Alignment::PAGE)
        .map_err(|error| Failure::new(error.to_string(), "import fewer large files at once"))
}

fn ring(backend: BackendName) -> Result<Ring> {
    let backend = match backend {
        BackendName::Auto => BackendChoice::Auto,
        BackendName::Ring => BackendChoice::IoUring,
        BackendName::Pool => BackendChoice::Pool,
    };
    let remedy = "`--backend auto` takes what the system allows";
    Ring::builder()
        .backend(backend)
        .build()
        .map_err(|error| Failure::new(error.to_string(), remedy))
}

/// Records of the journal, each with the position behind it.
type Replay = Vec<(Record, u64)>;

/// Opens the journal; what it has from a position on.
fn open_journal(
    layout: &Layout,
    ring: &Arc<Ring>,
    position: u64,
) -> Result<(Log<Change, Journal>, Replay)> {
    let mut replay = Vec::new();
    let mut foreign = None;
    let files = Journal::new(&layout.log, Arc::clone(ring));
    let opened = files.and_then(|files| {
        Log::<Change>::options().segment_bytes(2 << 20).open_in(files, |found| {
            let sequence = found.location.sequence;
            match record::decode(&mut { found.payload }) {
                Some(_) if sequence < position => {}
                Some(record) => replay.push((record, sequence + 1)),
                None => foreign = Some(found.location),
            }
        })
    });
    let journal = opened.map_err(|error| Failure::log(&error))?;
    match foreign {
        None => Ok((journal, replay)),
        Some(place) => Err(Failure::new(
            format!("{} holds a record of another program at {place:?}", layout.log.display()),
            "name the directory of a store of this version with --store",
        )),
    }
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

/// Opens a file past the page cache, where its file system can.
pub(crate) fn open_unbuffered(
    options: &ringpal::OpenOptions,
    path: &Path,
) -> io::Result<ringpal::File> {
    match options.clone().direct(true).open(path) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            options.open(path)
        }
        opened => opened,
    }
}
