//! Reading a log beside its writer.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::PoisonError;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::{Arc, Mutex, MutexGuard};

use super::error::LogError;
use super::frame::{FRAME, Location, decode, framed};
use super::recover::scan;
use super::segment::{HEADER, Header, Name, load};
use super::storage::{Storage, StorageFile};

/// Segments that a reader keeps open.
const KEPT_OPEN: usize = 64;

struct Opened<F> {
    name: Name,
    salt: u64,
    file: F,
}

type OpenedByNumber<D> = BTreeMap<u64, Arc<Opened<<D as Storage>::File>>>;

/// Reads durable records, from any thread, while the log is written.
pub struct Reader<D: Storage> {
    storage: Arc<D>,
    durable: Arc<AtomicU64>,
    opened: Arc<Mutex<OpenedByNumber<D>>>,
}

impl<D: Storage> Clone for Reader<D> {
    fn clone(&self) -> Self {
        Self {
            storage: Arc::clone(&self.storage),
            durable: Arc::clone(&self.durable),
            opened: Arc::clone(&self.opened),
        }
    }
}

impl<D: Storage> Reader<D> {
    pub(crate) fn new(storage: Arc<D>, durable: Arc<AtomicU64>) -> Self {
        Self { storage, durable, opened: Arc::default() }
    }

    /// Records before this sequence number are durable.
    pub fn durable_upto(&self) -> u64 {
        // Acquire: pairs with the Release store after a sync: what was written is in the file.
        self.durable.load(Ordering::Acquire)
    }

    /// The payload of one record, checked.
    ///
    /// # Errors
    ///
    /// When the system refuses, the record is damaged, or its segment was removed.
    pub fn read(&self, location: Location) -> Result<Vec<u8>, LogError> {
        let segment = self.segment(location.segment)?;
        let path = || self.storage.path(&segment.name.text());
        let mut bytes = vec![0; framed(location.length as usize)];
        let read = segment.file.read_at(&mut bytes, location.offset);
        let read = read.map_err(|error| LogError::io_at("read", path(), location.offset, error))?;
        bytes.truncate(read);
        let intact = decode(&bytes, segment.salt).is_some_and(|frame| {
            frame.sequence == location.sequence && frame.payload.len() == location.length as usize
        });
        if !intact {
            let why = "the record is not intact";
            let error = LogError::Corrupt { path: path(), offset: location.offset, why };
            return Err(self.or_missing(location.segment, error));
        }
        bytes.drain(..FRAME);
        bytes.truncate(location.length as usize);
        Ok(bytes)
    }

    /// The durable records from a sequence number on, in order, up to what is durable when the
    /// iterator gets there.
    pub fn records_from(&self, sequence: u64) -> Records<D> {
        Records { reader: self.clone(), next: sequence, loaded: Vec::new().into_iter() }
    }

    fn opened(&self) -> MutexGuard<'_, OpenedByNumber<D>> {
        // The map is whole between any two of its operations.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> Result<Vec<Name>, LogError> {
        let names = self.storage.names();
        let names = names.map_err(|error| LogError::io("list", self.storage.path(""), error))?;
        Ok(Name::sorted(&names))
    }

    fn segment(&self, number: u64) -> Result<Arc<Opened<D::File>>, LogError> {
        if let Some(opened) = self.opened().get(&number) {
            return Ok(Arc::clone(opened));
        }
        let name = self.names()?.into_iter().find(|name| name.number == number);
        let missing = || LogError::Missing { directory: self.storage.path(""), segment: number };
        let name = name.ok_or_else(missing)?;
        let path = || self.storage.path(&name.text());
        let file = self.storage.open(&name.text(), false);
        let file = file.map_err(|error| LogError::io("open", path(), error))?;
        let mut bytes = [0; HEADER as usize];
        file.read_at(&mut bytes, 0).map_err(|error| LogError::io("read", path(), error))?;
        let header = Header::decode(&bytes).map_err(|why| LogError::Corrupt {
            path: path(),
            offset: 0,
            why,
        })?;
        let opened = Arc::new(Opened { name, salt: header.salt, file });
        let mut kept = self.opened();
        if kept.len() >= KEPT_OPEN {
            kept.pop_first();
        }
        kept.insert(number, Arc::clone(&opened));
        Ok(opened)
    }

    /// The error, unless the segment was forgotten meanwhile, and perhaps written again.
    fn or_missing(&self, number: u64, error: LogError) -> LogError {
        match self.names() {
            Ok(names) if names.iter().all(|name| name.number != number) => {
                self.opened().remove(&number);
                LogError::Missing { directory: self.storage.path(""), segment: number }
            }
            _ => error,
        }
    }

    /// The records of the segment that holds `sequence`, from it on.
    fn load_from(&self, sequence: u64) -> Result<Vec<(Location, Vec<u8>)>, LogError> {
        let upto = self.durable_upto();
        let names = self.names()?;
        let after = names.partition_point(|name| name.first <= sequence);
        let Some(name) = after.checked_sub(1).map(|at| names[at]).filter(|_| sequence < upto)
        else {
            return Ok(Vec::new());
        };
        let opened = self.segment(name.number)?;
        let (header, bytes) = load(&*self.storage, name, &opened.file)
            .map_err(|error| self.or_missing(name.number, error))?;
        let mut found = Vec::new();
        let (offset, end) = scan(&bytes, header.salt, name, |record| {
            let at = record.location.sequence;
            if at >= sequence && at < upto {
                found.push((record.location, record.payload.to_vec()));
            }
            at < upto
        });
        let next = names.get(after).map_or(upto, |next| next.first.min(upto));
        if end < next {
            let path = self.storage.path(&name.text());
            let why = "a record that was durable is not intact";
            return Err(LogError::Corrupt { path, offset: offset as u64, why });
        }
        Ok(found)
    }
}

impl<D: Storage> fmt::Debug for Reader<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("directory", &self.storage.path(""))
            .field("durable_upto", &self.durable_upto())
            .finish_non_exhaustive()
    }
}

/// An iterator over durable records; it holds one segment's records in memory.
pub struct Records<D: Storage> {
    reader: Reader<D>,
    next: u64,
    loaded: std::vec::IntoIter<(Location, Vec<u8>)>,
}

impl<D: Storage> Iterator for Records<D> {
    type Item = Result<(Location, Vec<u8>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.loaded.len() == 0 {
            match self.reader.load_from(self.next) {
                Ok(loaded) => self.loaded = loaded.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        let (location, payload) = self.loaded.next()?;
        self.next = location.sequence + 1;
        Some(Ok((location, payload)))
    }
}

impl<D: Storage> fmt::Debug for Records<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("next", &self.next).finish_non_exhaustive()
    }
}
