//! The sink of the batch writer: pages first, then the entries that lead to them.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use latchwork::batch_writer::log::{Location, Log, LogError, Payload};
use latchwork::batch_writer::{Batch, Sink, WriteFailure};
use latchwork::ringpal::{AlignedBuf, File, OpError, PageWrite, Ring};
use latchwork::rwlock::RwLock;

use crate::entry::{Entry, PAGE};
use crate::name::Name;
use crate::space::Space;

/// What readers look names up in: only what is durable.
pub(crate) type Index = RwLock<HashMap<Name, Entry>>;

/// Bytes of the data file that one operation of the ring writes or reads.
pub(crate) const CHUNK: usize = 256 * 1024;

/// A file to put, its bytes padded to whole pages.
pub(crate) struct Transaction {
    pub(crate) name: Name,
    /// The page is chosen when the transaction's batch is written.
    entry: Entry,
    pages: AlignedBuf,
}

impl Transaction {
    pub(crate) fn new(name: Name, bytes: &[u8], mut pages: AlignedBuf) -> Self {
        pages[..bytes.len()].copy_from_slice(bytes);
        let entry = Entry { page: 0, bytes: bytes.len() as u64, checksum: crc32c::crc32c(bytes) };
        Self { name, entry, pages }
    }

    /// The operations that write its pages.
    fn writes(&self) -> impl Iterator<Item = PageWrite<'_>> {
        let start = self.entry.page * PAGE;
        let chunks = self.pages.chunks(CHUNK).enumerate();
        chunks.map(move |(at, data)| PageWrite { offset: start + (at * CHUNK) as u64, data })
    }
}

/// In the log a transaction is its entry.
impl Payload for Transaction {
    fn length(&self) -> usize {
        Entry::encoded_length(&self.name)
    }

    fn write_to(&self, into: &mut Vec<u8>) {
        self.entry.encode(&self.name, into);
    }
}

pub(crate) struct Pages {
    ring: Arc<Ring>,
    data: Arc<File>,
    log: Log<Transaction>,
    index: Arc<Index>,
    space: Space,
    /// The batch at hand, between its writing and its sync.
    written: Vec<(Name, Entry)>,
}

impl Pages {
    pub(crate) fn new(
        ring: Arc<Ring>,
        data: Arc<File>,
        log: Log<Transaction>,
        index: Arc<Index>,
        space: Space,
    ) -> Self {
        Self { ring, data, log, index, space, written: Vec::new() }
    }

    fn failed(action: &'static str, error: &OpError) -> LogError {
        let source = match error.os_code() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::other(error.to_string()),
        };
        let path = PathBuf::from(error.file());
        LogError::Io { action, path, offset: Some(error.offset()), source: Arc::new(source) }
    }

    fn write_pages(
        &mut self,
        batch: &Batch<'_, Transaction, Location, LogError>,
    ) -> Result<(), WriteFailure<LogError>> {
        let writes: Vec<_> = batch.ops().flat_map(Transaction::writes).collect();
        if writes.is_empty() {
            return Ok(());
        }
        // No entry leads to these pages yet, so whatever is left of them can't come back.
        self.ring
            .write_pages(&self.data, &writes)
            .map_err(|error| WriteFailure::Undone(Self::failed("write", &error.failures()[0])))?;
        // A sync that failed is not tried again: the writer is poisoned.
        self.ring
            .fdatasync(&self.data)
            .map_err(|error| WriteFailure::Torn(Self::failed("sync", &error)))
    }
}

impl Sink for Pages {
    type Op = Transaction;
    type Output = Location;
    type Error = LogError;

    fn bytes(transaction: &Transaction) -> usize {
        transaction.pages.len()
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, Transaction, Location, LogError>,
    ) -> Result<(), WriteFailure<LogError>> {
        for at in 0..batch.len() {
            let entry = &mut batch.op_mut(at).entry;
            entry.page = self.space.take(entry.pages());
        }
        let result = self.write_pages(batch).and_then(|()| self.log.write(batch));
        if result.is_ok() {
            let written = batch.ops().map(|op| (op.name.clone(), op.entry));
            self.written.extend(written);
        } else {
            for op in batch.ops() {
                self.space.give_back(op.entry);
            }
        }
        result
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.log.sync()?;
        // Readers see a file from here on: when it is durable, and before it is acknowledged.
        self.index.write().extend(self.written.drain(..));
        Ok(())
    }

    fn position(&self) -> u64 {
        self.log.position()
    }

    fn close(&mut self) -> Result<(), LogError> {
        self.log.close()
    }
}
