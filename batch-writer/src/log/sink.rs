//! Writing to a log.

use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::Arc;

use super::error::LogError;
use super::files::Directory;
use super::frame::{Location, MOST_PAYLOAD, encode, framed};
use super::options::LogOptions;
use super::payload::Payload;
use super::reader::Reader;
use super::recover::{Record, Recovery, recover};
use super::segment::{HEADER, MakeFailure, Name, Segment, spare};
use super::storage::{Storage, StorageFile};
use crate::batch::Batch;
use crate::sink::{Sink, WriteFailure};

/// A buffer larger than this is given back after its batch.
const KEPT_BUFFER: usize = 4 << 20;

/// A segmented log in a directory, as a sink: an operation is a payload, its output the
/// [`Location`] of its record.
///
/// The directory is locked as long as the log is open. Positions and watermarks are sequence
/// numbers: the number of the next record.
pub struct Log<P = Vec<u8>, D: Storage = Directory> {
    storage: Arc<D>,
    lock: Option<D::Lock>,
    segment: Segment<D::File>,
    segment_bytes: u64,
    /// Forgotten segments that may be written again, and how many are kept.
    spares: Vec<String>,
    recycled: usize,
    /// The sequence number of the next record.
    next: u64,
    /// Records before this one are durable; shared with the readers.
    durable: Arc<AtomicU64>,
    buffer: Vec<u8>,
    recovery: Recovery,
    payload: PhantomData<fn(P)>,
}

impl<P: Payload> Log<P> {
    /// The default options.
    pub const fn options() -> LogOptions<P> {
        LogOptions::new()
    }
}

impl<P: Payload, D: Storage> Log<P, D> {
    pub(crate) fn recover(
        storage: D,
        options: &LogOptions<P>,
        show: impl FnMut(Record<'_>),
    ) -> Result<Self, LogError> {
        let lock = storage.lock()?;
        let (segment, next, recovery) = recover(&storage, options.segment_bytes, show)?;
        Ok(Self {
            storage: Arc::new(storage),
            lock: Some(lock),
            segment,
            segment_bytes: options.segment_bytes,
            spares: Vec::new(),
            recycled: options.recycled,
            next,
            durable: Arc::new(AtomicU64::new(next)),
            buffer: Vec::new(),
            recovery,
            payload: PhantomData,
        })
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// A reader of what is durable, for any thread, beside the writer.
    pub fn reader(&self) -> Reader<D> {
        Reader::new(Arc::clone(&self.storage), Arc::clone(&self.durable))
    }

    /// Forgets the segments all of whose records come before `sequence`; returns how many. Some
    /// are kept to be written again ([`LogOptions::recycled`]), the others removed.
    ///
    /// # Errors
    ///
    /// When one can't be removed; those before it are gone.
    pub fn forget_before(&mut self, sequence: u64) -> Result<u64, LogError> {
        let failed = |error| LogError::io("list", self.storage.path(""), error);
        let segments = Name::sorted(&self.storage.names().map_err(failed)?);
        let mut forgotten = 0;
        for pair in segments.windows(2).take_while(|pair| pair[1].first <= sequence) {
            self.forget(pair[0]).map_err(|error| {
                LogError::io("remove", self.storage.path(&pair[0].text()), error)
            })?;
            forgotten += 1;
        }
        Ok(forgotten)
    }

    /// Each is gone for good before the next one goes, so that a crash leaves no gap; and before
    /// it is written again, so that a crash doesn't bring it back under its old name.
    fn forget(&mut self, name: Name) -> std::io::Result<()> {
        let text = name.text();
        let keep = self.spares.len() < self.recycled
            && self.storage.open(&text, false)?.length()? == self.segment_bytes;
        if keep {
            let spare = spare(name.number);
            self.storage.rename(&text, &spare)?;
            self.storage.sync_names()?;
            self.spares.push(spare);
            Ok(())
        } else {
            self.storage.remove(&text)?;
            self.storage.sync_names()
        }
    }

    /// Goes on to a new segment with room for so many bytes.
    fn rotate(&mut self, needed: u64) -> Result<(), WriteFailure<LogError>> {
        let name = Name { number: self.segment.name.number + 1, first: self.next };
        let capacity = self.segment_bytes.max((HEADER + needed).next_multiple_of(HEADER));
        let spare = if capacity == self.segment_bytes { self.spares.pop() } else { None };
        self.segment =
            Segment::make(&*self.storage, name, capacity, spare).map_err(
                |failure| match failure {
                    MakeFailure::Undone(error) => WriteFailure::Undone(error),
                    MakeFailure::Unknown(error) => WriteFailure::Torn(error),
                },
            )?;
        Ok(())
    }

    /// Takes back a write that failed: nothing of it may come back after a crash either.
    fn cut_back(&mut self, length: usize, error: std::io::Error) -> WriteFailure<LogError> {
        let offset = self.segment.offset;
        let path = self.storage.path(&self.segment.name.text());
        let error = LogError::io_at("write", path, offset, error);
        let zeros = vec![0; length];
        match self.segment.file.write_all_at(&zeros, offset).and_then(|()| self.segment.file.sync())
        {
            Ok(()) => WriteFailure::Undone(error),
            Err(_) => WriteFailure::Torn(error),
        }
    }
}

impl<P: Payload, D: Storage> Sink for Log<P, D> {
    type Op = P;
    type Output = Location;
    type Error = LogError;

    fn bytes(op: &P) -> usize {
        framed(op.length().min(MOST_PAYLOAD))
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, P, Location, LogError>,
    ) -> Result<(), WriteFailure<LogError>> {
        let lengths = batch.ops().map(Payload::length).filter(|length| *length <= MOST_PAYLOAD);
        let total: u64 = lengths.map(|length| framed(length) as u64).sum();
        if self.segment.offset + total > self.segment.capacity {
            self.rotate(total)?;
        }
        self.buffer.clear();
        let mut sequence = self.next;
        for index in 0..batch.len() {
            let length = batch.op(index).length();
            if length > MOST_PAYLOAD {
                batch.reject(index, LogError::TooLarge { bytes: length });
                continue;
            }
            let location = Location {
                sequence,
                segment: self.segment.name.number,
                offset: self.segment.offset + self.buffer.len() as u64,
                length: length as u32,
            };
            let durable = self.next;
            encode(&mut self.buffer, self.segment.salt, sequence, durable, batch.op(index));
            batch.accept(index, location);
            sequence += 1;
        }
        if let Err(error) = self.segment.file.write_all_at(&self.buffer, self.segment.offset) {
            return Err(self.cut_back(self.buffer.len(), error));
        }
        self.segment.offset += self.buffer.len() as u64;
        self.next = sequence;
        if self.buffer.capacity() > KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.segment.file.sync().map_err(|error| {
            LogError::io("sync", self.storage.path(&self.segment.name.text()), error)
        })?;
        // Release: a reader that sees the number sees what was written.
        self.durable.store(self.next, Ordering::Release);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.next
    }

    fn close(&mut self) -> Result<(), LogError> {
        self.lock = None;
        Ok(())
    }
}

impl<P, D: Storage> fmt::Debug for Log<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("directory", &self.storage.path(""))
            .field("next", &self.next)
            .field("segment", &self.segment.name.number)
            .finish_non_exhaustive()
    }
}
