//! The log's files, written past the page cache, in whole pages, through the ring.
//!
//! A log appends where it likes; a disk without a cache above it takes whole pages. So the page
//! in which the last append ended is kept, and written again with what comes next: in normal
//! operation nothing is ever read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use latchwork::batch_writer::log::{Directory, LogError, Storage, StorageFile};
use latchwork::ringpal::{AlignedBuf, Alignment, File, OpError, PageRead, PageWrite, Ring};

use crate::file::PAGE;
use crate::store::open_unbuffered;

/// Bytes of one operation of the ring.
const CHUNK: usize = 256 * 1024;

/// A directory of the log's segments.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: Directory,
    ring: Arc<Ring>,
}

#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    ring: Arc<Ring>,
    edge: Mutex<Edge>,
}

/// What is known of the file without reading it.
#[derive(Debug)]
struct Edge {
    /// The page that the last write ended in, and its number.
    page: AlignedBuf,
    number: u64,
    /// From here on there are zeros.
    zeros: u64,
}

impl Journal {
    pub(crate) fn new(path: &Path, ring: Arc<Ring>) -> Result<Self, LogError> {
        Ok(Self { directory: Directory::new(path)?, ring })
    }

    fn segment(&self, file: File, zeros: u64) -> io::Result<Segment> {
        let edge = Edge { page: buffer(PAGE)?, number: u64::MAX, zeros };
        Ok(Segment { file, ring: Arc::clone(&self.ring), edge: Mutex::new(edge) })
    }
}

fn buffer(bytes: usize) -> io::Result<AlignedBuf> {
    AlignedBuf::zeroed(bytes, Alignment::PAGE).map_err(io::Error::other)
}

/// The system's own error, where there is one.
pub(crate) fn system_error(error: &OpError) -> io::Error {
    match error.os_code() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::other(error.to_string()),
    }
}

impl Segment {
    fn read_pages(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let chunks = into.chunks_mut(CHUNK).enumerate();
        let mut reads: Vec<_> = chunks
            .map(|(at, data)| PageRead { offset: offset + (at * CHUNK) as u64, data })
            .collect();
        let result = self.ring.read_pages(&self.file, &mut reads);
        result.map_err(|error| system_error(&error.failures()[0]))
    }

    /// Puts what the file has around `range` at both ends of `pages`, which begin at `start`.
    fn fill_edges(
        &self,
        edge: &Edge,
        pages: &mut [u8],
        start: u64,
        range: std::ops::Range<u64>,
    ) -> io::Result<()> {
        let last = pages.len() - PAGE;
        let last_start = start + last as u64;
        if range.end < edge.zeros && !range.end.is_multiple_of(PAGE as u64) {
            self.read_pages(&mut pages[last..], last_start)?;
        }
        if range.start == start || start >= edge.zeros {
            return Ok(());
        }
        if edge.number == start {
            pages[..PAGE].copy_from_slice(&edge.page);
            return Ok(());
        }
        self.read_pages(&mut pages[..PAGE], start)
    }
}

impl StorageFile for Segment {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = self.length()?;
        let end = length.min(offset + into.len() as u64);
        let bytes = usize::try_from(end.saturating_sub(offset)).map_err(io::Error::other)?;
        let skip = (offset % PAGE as u64) as usize;
        let mut pages = buffer((skip + bytes).next_multiple_of(PAGE))?;
        if bytes > 0 {
            self.read_pages(&mut pages, offset - skip as u64)?;
        }
        into[..bytes].copy_from_slice(&pages[skip..skip + bytes]);
        if offset == 0 && end == length {
            // All of it: appends from here on need read nothing.
            let used = into[..bytes].iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
            let mut edge = self.edge.lock().unwrap_or_else(PoisonError::into_inner);
            edge.zeros = used as u64;
            let start = used - used % PAGE;
            if start < bytes {
                edge.page.copy_from_slice(&pages[start..start + PAGE]);
                edge.number = start as u64;
            }
        }
        Ok(bytes)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut edge = self.edge.lock().unwrap_or_else(PoisonError::into_inner);
        let end = offset + bytes.len() as u64;
        let skip = (offset % PAGE as u64) as usize;
        let start = offset - skip as u64;
        let mut pages = buffer((skip + bytes.len()).next_multiple_of(PAGE))?;
        self.fill_edges(&edge, &mut pages, start, offset..end)?;
        pages[skip..skip + bytes.len()].copy_from_slice(bytes);
        let chunks = pages.chunks(CHUNK).enumerate();
        let writes: Vec<_> = chunks
            .map(|(at, data)| PageWrite { offset: start + (at * CHUNK) as u64, data })
            .collect();
        let result = self.ring.write_pages(&self.file, &writes);
        result.map_err(|error| system_error(&error.failures()[0]))?;
        if bytes.iter().any(|byte| *byte != 0) {
            edge.zeros = edge.zeros.max(end);
        }
        let last = pages.len() - PAGE;
        edge.page.copy_from_slice(&pages[last..]);
        edge.number = start + last as u64;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.ring.fdatasync(&self.file).map_err(|error| system_error(&error))
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.as_std().metadata()?.len())
    }
}

impl Storage for Journal {
    type File = Segment;
    type Lock = <Directory as Storage>::Lock;

    fn lock(&self) -> Result<Self::Lock, LogError> {
        self.directory.lock()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.directory.names()
    }

    fn create(&self, name: &str) -> io::Result<Segment> {
        let options = File::options().read(true).write(true).create(true).truncate(true);
        self.segment(open_unbuffered(&options, &self.path(name))?, 0)
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Segment> {
        let options = File::options().read(true).write(write);
        self.segment(open_unbuffered(&options, &self.path(name))?, u64::MAX)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.directory.sync_names()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }
}
