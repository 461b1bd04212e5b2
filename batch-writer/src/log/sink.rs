//! Writing to a log.

use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::Arc;

use super::ahead::{Ahead, Fetched};
use super::error::LogError;
use super::files::Directory;
use super::frame::{Location, MOST_PAYLOAD, encode, framed};
use super::options::LogOptions;
use super::payload::Payload;
use super::reader::Reader;
use super::recover::{Record, Recovery, recover};
use super::segment::{HEADER, MakeFailure, Name, Prepared, Request, Segment, spare};
use super::storage::{Storage, StorageFile};
use crate::batch::Batch;
use crate::sink::{DetachedSync, Sink, WriteFailure};

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
    /// Syncs that may be in flight.
    lanes: usize,
    /// Whether segments are made ahead, by whom, and whether one was asked for.
    makes_ahead: bool,
    ahead: Option<Ahead<D>>,
    asked: bool,
    segments_ahead: u64,
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
        let mut options = options.clone();
        if !storage.syncs_for_all_handles() {
            options.lanes = 0;
        }
        let (segment, next, recovery) = recover(&storage, &options, show)?;
        Ok(Self {
            storage: Arc::new(storage),
            lock: Some(lock),
            segment,
            segment_bytes: options.segment_bytes,
            spares: Vec::new(),
            recycled: options.recycled,
            lanes: options.lanes,
            makes_ahead: options.ahead,
            ahead: None,
            asked: false,
            segments_ahead: 0,
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
        if self.lanes > 0 {
            // Syncs may be in flight, or a part of the batch not yet synced: a segment is begun
            // only when everything before it is durable.
            self.sync_file().map_err(WriteFailure::Torn)?;
        }
        let prepared = self.prepared(name.number, capacity);
        let segment = if let Some(prepared) = prepared {
            self.segments_ahead += 1;
            Segment::begin(&*self.storage, name, prepared)
        } else {
            let request = self.request(name.number, capacity);
            Segment::make(&*self.storage, name, request)
        };
        self.segment = segment.map_err(|failure| match failure {
            MakeFailure::Undone(error) => WriteFailure::Undone(error),
            MakeFailure::Unknown(error) => WriteFailure::Torn(error),
        })?;
        Ok(())
    }

    fn request(&mut self, number: u64, capacity: u64) -> Request {
        let spare = if capacity == self.segment_bytes { self.spares.pop() } else { None };
        Request { number, capacity, spare, lanes: self.lanes }
    }

    /// The segment that was made ahead, if it is the one that is needed.
    fn prepared(&mut self, number: u64, capacity: u64) -> Option<Prepared<D::File>> {
        let fetched = self.ahead.as_ref().filter(|_| self.asked)?.fetch();
        self.asked = false;
        match fetched {
            Fetched::Prepared(prepared) if prepared.is(number, capacity) => Some(prepared),
            Fetched::Prepared(_) => None,
            Fetched::Nothing(spare) => {
                self.spares.extend(spare);
                None
            }
        }
    }

    /// Asks for the next segment once this one is half full.
    fn ask_ahead(&mut self) {
        let half = HEADER.midpoint(self.segment.capacity);
        if !self.makes_ahead || self.asked || self.segment.offset < half {
            return;
        }
        if self.ahead.is_none() {
            match Ahead::start(&self.storage) {
                Ok(ahead) => self.ahead = Some(ahead),
                // Then whoever needs a segment makes it.
                Err(_) => self.makes_ahead = false,
            }
        }
        let request = self.request(self.segment.name.number + 1, self.segment_bytes);
        if let Some(ahead) = &self.ahead {
            ahead.ask(request);
            self.asked = true;
        }
    }

    /// Whether the next segment has been made, or tried to be, while this one is written.
    pub fn is_next_prepared(&self) -> bool {
        self.asked && self.ahead.as_ref().is_some_and(Ahead::is_ready)
    }

    /// How many segments since the opening were made ahead, and only named by a writer.
    pub fn segments_prepared(&self) -> u64 {
        self.segments_ahead
    }

    fn sync_file(&self) -> Result<(), LogError> {
        self.segment.file.sync().map_err(|error| {
            LogError::io("sync", self.storage.path(&self.segment.name.text()), error)
        })
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
        // Relaxed: a number too low only tells less.
        let durable = self.durable.load(Ordering::Relaxed);
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
        self.ask_ahead();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.sync_file()?;
        // Release: a reader that sees the number sees what was written.
        self.durable.store(self.next, Ordering::Release);
        Ok(())
    }

    fn detach_sync(&mut self, lane: usize) -> Option<Box<dyn DetachedSync<LogError>>> {
        Some(Box::new(LogSync {
            storage: Arc::clone(&self.storage),
            file: Arc::clone(self.segment.lanes.get(lane)?),
            name: self.segment.name,
            upto: self.next,
            durable: Arc::clone(&self.durable),
        }))
    }

    fn position(&self) -> u64 {
        self.next
    }

    fn close(&mut self) -> Result<(), LogError> {
        // Before another log may have the directory.
        if let Some(ahead) = self.ahead.take() {
            ahead.end();
        }
        self.lock = None;
        Ok(())
    }
}

impl<P, D: Storage> Drop for Log<P, D> {
    fn drop(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            ahead.end();
        }
        self.lock = None;
    }
}

/// The sync of a log's segment.
struct LogSync<D: Storage> {
    storage: Arc<D>,
    file: Arc<D::File>,
    name: Name,
    upto: u64,
    durable: Arc<AtomicU64>,
}

impl<D: Storage> DetachedSync<LogError> for LogSync<D> {
    fn sync(&mut self) -> Result<(), LogError> {
        let path = || self.storage.path(&self.name.text());
        self.file.sync().map_err(|error| LogError::io("sync", path(), error))
    }

    fn landed(&mut self) {
        // Release: a reader that sees the number sees what was written. One after the other: the
        // flights land in order.
        self.durable.store(self.upto, Ordering::Release);
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
