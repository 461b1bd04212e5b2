//! How a log is opened.

use core::marker::PhantomData;
use std::path::Path;

use super::error::LogError;
use super::files::Directory;
use super::payload::Payload;
use super::recover::Record;
use super::segment::HEADER;
use super::sink::Log;
use super::storage::Storage;
use crate::flights::LANES;

/// Settings of a [`Log`].
#[derive(Debug)]
#[must_use]
pub struct LogOptions<P> {
    pub(crate) segment_bytes: u64,
    pub(crate) recycled: usize,
    pub(crate) lanes: usize,
    pub(crate) ahead: bool,
    payload: PhantomData<fn(P)>,
}

impl<P: Payload> LogOptions<P> {
    /// Segments of 16 MiB, made ahead, two forgotten ones kept to be written again.
    pub const fn new() -> Self {
        Self { segment_bytes: 16 << 20, recycled: 2, lanes: 0, ahead: true, payload: PhantomData }
    }

    /// How large a segment is; at least 8 KiB, rounded up to 4 KiB. A batch that is larger gets a
    /// segment of its own size.
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        let least = 2 * HEADER;
        self.segment_bytes = if bytes < least { least } else { bytes.next_multiple_of(HEADER) };
        self
    }

    /// How many forgotten segments are kept to be written again: that spares the filling with
    /// zeros. Their old records can't come back: those of each life of a file have another salt.
    pub const fn recycled(mut self, most: usize) -> Self {
        self.recycled = most;
        self
    }

    /// Whether the next segment is made on a thread of the log's while this one is written; yes by
    /// default. The thread is started when half of the first segment is written. Without, whoever
    /// writes the batch that needs a new segment makes it.
    pub const fn prepare_ahead(mut self, ahead: bool) -> Self {
        self.ahead = ahead;
        self
    }

    /// Lets the writer sync while it writes the next batch, for
    /// [`Options::syncs_in_flight`](crate::Options::syncs_in_flight): each segment is opened as many
    /// times more, at most twice, so that each of two syncs learns of every error by itself.
    pub const fn syncs_in_flight(mut self, most: usize) -> Self {
        self.lanes = if most > LANES { LANES } else { most };
        self
    }

    /// Opens the log in a directory of the file system, or makes it, and shows every record.
    ///
    /// # Errors
    ///
    /// When another process has the log, the system refuses something, or what was durable is
    /// damaged.
    pub fn open(
        self,
        directory: impl AsRef<Path>,
        show: impl FnMut(Record<'_>),
    ) -> Result<Log<P>, LogError> {
        self.open_in(Directory::new(directory)?, show)
    }

    /// As [`open`](Self::open), in any storage.
    ///
    /// # Errors
    ///
    /// As `open`.
    pub fn open_in<D: Storage>(
        self,
        storage: D,
        show: impl FnMut(Record<'_>),
    ) -> Result<Log<P, D>, LogError> {
        Log::recover(storage, &self, show)
    }
}

impl<P> Clone for LogOptions<P> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<P: Payload> Default for LogOptions<P> {
    fn default() -> Self {
        Self::new()
    }
}
