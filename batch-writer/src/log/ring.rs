//! A directory whose files are written past the page cache, through a ring.
//!
//! A direct write takes whole blocks, a log appends a few bytes. So each file keeps the blocks that
//! were written and not yet synced in an aligned buffer, which begins with what is durable of its
//! first block already. A sync is one commit of the ring's: all these blocks, then the sync. The
//! last block stays, to be written again with what follows: the same bytes again where it was
//! durable, so that a sector torn by a crash loses nothing of them.
//!
//! A write elsewhere, as recovery and the making of a segment do, sends off what is kept first.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use latchwork_ringpal::{AlignedBuf, Alignment, Cause, File, PageRead, PageWrite, Ring};
use latchwork_sync::lock::{Arc, Mutex, MutexGuard};

use super::error::LogError;
use super::files::{Directory, DirectoryLock};
use super::storage::{Storage, StorageFile};

/// What direct transfers are multiples of, everywhere.
const BLOCK: u64 = Alignment::PAGE.bytes() as u64;
/// Blocks are kept in buffers of this size, each a page of the ring's.
const CHUNK: usize = 64 << 10;
/// When so much is kept, it is sent off before the sync.
const MOST_KEPT: usize = 1 << 20;

/// A directory whose files are read and written by direct I/O, through a ring. Give it to
/// [`LogOptions::open_in`](super::LogOptions::open_in).
///
/// ```no_run
/// use latchwork_batch_writer::{BatchWriter, log::{Log, RingDirectory}};
/// use latchwork_ringpal::Ring;
/// use std::sync::Arc;
///
/// let directory = RingDirectory::new(Arc::new(Ring::new()?), "journal")?;
/// let log = Log::<Vec<u8>>::options().open_in(directory, |record| drop(record))?;
/// let writer = BatchWriter::new(log);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RingDirectory {
    ring: Arc<Ring>,
    names: Directory,
    direct: bool,
}

impl RingDirectory {
    /// The directory at `path`, which is made if it isn't there.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn new(ring: Arc<Ring>, path: impl AsRef<Path>) -> Result<Self, LogError> {
        Ok(Self { ring, names: Directory::new(path)?, direct: true })
    }

    /// Whether files are opened for direct I/O; yes by default. Without, for file systems that
    /// have none, the same calls go through the page cache.
    #[must_use]
    pub fn direct(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }

    fn open(&self, name: &str, write: bool, create: bool) -> io::Result<RingFile> {
        let options = File::options().read(true).write(write).create(create).truncate(create);
        let file = options.direct(self.direct).open(self.names.path(name))?;
        Ok(RingFile { ring: Arc::clone(&self.ring), file, kept: Mutex::new(Kept::default()) })
    }
}

impl fmt::Debug for RingDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingDirectory")
            .field("path", &self.names.path(""))
            .field("direct", &self.direct)
            .finish_non_exhaustive()
    }
}

impl Storage for RingDirectory {
    type File = RingFile;
    type Lock = DirectoryLock;

    fn syncs_for_all_handles(&self) -> bool {
        false
    }

    fn lock(&self) -> Result<DirectoryLock, LogError> {
        self.names.lock()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.names.names()
    }

    fn create(&self, name: &str) -> io::Result<RingFile> {
        self.open(name, true, true)
    }

    fn open(&self, name: &str, write: bool) -> io::Result<RingFile> {
        self.open(name, write, false)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.names.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.names.sync_names()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.names.path(name)
    }
}

/// The blocks that are kept, in chunks one behind the other.
#[derive(Default)]
struct Kept {
    /// Where the first block begins.
    start: u64,
    /// Where the bytes that were written end.
    end: u64,
    /// Whether anything is not yet in the file.
    dirty: bool,
    chunks: Vec<AlignedBuf>,
}

impl Kept {
    /// The bytes from an offset on, up to the end of its chunk.
    fn at(&mut self, offset: u64) -> io::Result<&mut [u8]> {
        let place = (offset - self.start) as usize;
        while self.chunks.len() <= place / CHUNK {
            self.chunks.push(AlignedBuf::zeroed(CHUNK, Alignment::PAGE)?);
        }
        Ok(&mut self.chunks[place / CHUNK][place % CHUNK..])
    }

    /// Appends at the end.
    fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.at(self.end)?;
            let length = room.len().min(bytes.len());
            room[..length].copy_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
            self.end += length as u64;
            self.dirty = true;
        }
        Ok(())
    }

    /// Whole blocks, up to the last that has something in it.
    fn pages(&self) -> Vec<PageWrite<'_>> {
        let mut left = (self.end - self.start).next_multiple_of(BLOCK) as usize;
        let mut offset = self.start;
        let mut pages = Vec::new();
        for chunk in &self.chunks {
            let length = left.min(CHUNK);
            if length > 0 {
                pages.push(PageWrite { offset, data: &chunk[..length] });
            }
            offset += length as u64;
            left -= length;
        }
        pages
    }

    /// All of it is in the file; the last block, if it isn't full, is kept to be written again.
    fn keep_last(&mut self) -> io::Result<()> {
        self.dirty = false;
        let last = self.end - self.end % BLOCK;
        let mut block = [0; BLOCK as usize];
        let length = (self.end - last) as usize;
        if length > 0 {
            block[..length].copy_from_slice(&self.at(last)?[..length]);
        }
        self.start = last;
        self.chunks.truncate(1);
        if let Some(first) = self.chunks.first_mut() {
            first.fill(0);
            first[..block.len()].copy_from_slice(&block);
        }
        Ok(())
    }
}

/// A file of a [`RingDirectory`]. What lies in the last block behind an append becomes zeros.
pub struct RingFile {
    ring: Arc<Ring>,
    file: File,
    kept: Mutex<Kept>,
}

impl RingFile {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // After a panic in the middle of a write what is kept is any part of it, as in a file.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends off what is kept.
    fn flush(&self, kept: &mut Kept) -> io::Result<()> {
        if kept.dirty {
            self.ring.write_pages(&self.file, &kept.pages())?;
            kept.keep_last()?;
        }
        Ok(())
    }

    /// Whole blocks from `offset` on, as far as the file goes; returns how many bytes there were.
    fn read_blocks(&self, data: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = data.len();
        match self.ring.read_pages(&self.file, &mut [PageRead { offset, data }]) {
            Ok(()) => Ok(length),
            Err(error) => match error.failures() {
                [one] if one.cause() == Cause::EndOfFile => Ok(one.done()),
                _ => Err(error.into()),
            },
        }
    }
}

impl StorageFile for RingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.flush(&mut self.kept())?;
        let mut chunk = AlignedBuf::zeroed(CHUNK, Alignment::PAGE)?;
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let skipped = (at % BLOCK) as usize;
            let wanted = (skipped + buffer.len() - done).next_multiple_of(BLOCK as usize);
            let wanted = wanted.min(CHUNK);
            let read = self.read_blocks(&mut chunk[..wanted], at - skipped as u64)?;
            let length = read.saturating_sub(skipped).min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&chunk[skipped..skipped + length]);
            done += length;
            if read < wanted {
                break;
            }
        }
        Ok(done)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut kept = self.kept();
        if offset != kept.end {
            self.flush(&mut kept)?;
            let start = offset - offset % BLOCK;
            *kept = Kept { start, end: start, dirty: false, chunks: Vec::new() };
            if start < offset {
                self.read_blocks(&mut kept.at(start)?[..BLOCK as usize], start)?;
                kept.end = offset;
                let before = (offset - start) as usize;
                kept.at(start)?[before..].fill(0);
            }
        }
        for part in bytes.chunks(MOST_KEPT) {
            kept.append(part)?;
            if kept.end - kept.start >= MOST_KEPT as u64 {
                self.flush(&mut kept)?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut kept = self.kept();
        if kept.dirty {
            self.ring.commit(&self.file, &kept.pages())?;
            kept.keep_last()
        } else {
            Ok(self.ring.fdatasync(&self.file)?)
        }
    }

    fn length(&self) -> io::Result<u64> {
        self.flush(&mut self.kept())?;
        Ok(self.file.as_std().metadata()?.len())
    }
}

impl fmt::Debug for RingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingFile").field("file", &self.file).finish_non_exhaustive()
    }
}
