//! The sink of the batch writer: the journal, then the index, then the queue of the copier.

use std::sync::Arc;

use latchwork::batch_writer::log::{Location, Log, LogError, Payload};
use latchwork::batch_writer::{Batch, Sink, WriteFailure};
use latchwork::treiber::Mailbox;
use latchwork_sync::Event;

use crate::index::{Publisher, Update};
use crate::journal::Journal;
use crate::record::Change;

/// A change that is durable, and how far the journal is with it.
pub(crate) type Committed = (Change, u64);

/// What the copier is to do, in the order of the journal.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    committed: Mailbox<Committed>,
    pub(crate) bell: Event,
}

impl Queue {
    /// Hands changes over; wakes the copier if there were none.
    pub(crate) fn push_all(&self, changes: impl IntoIterator<Item = Committed>) {
        if self.committed.push_all(changes) {
            self.bell.set();
        }
    }

    /// Everything there is, oldest first.
    pub(crate) fn take(&self) -> Vec<Committed> {
        self.committed.drain_fifo().collect()
    }
}

/// One batch at a time: written to the journal, made durable, shown to readers.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) journal: Log<Change, Journal>,
    pub(crate) publisher: Publisher,
    queue: Arc<Queue>,
    /// The batch at hand, between its writing and its sync.
    written: Vec<Committed>,
}

impl Commit {
    pub(crate) fn new(
        journal: Log<Change, Journal>,
        publisher: Publisher,
        queue: Arc<Queue>,
    ) -> Self {
        Self { journal, publisher, queue, written: Vec::new() }
    }

    /// Shows readers what is durable, and hands it to the copier.
    pub(crate) fn show(&mut self, changes: impl IntoIterator<Item = Committed>) {
        let changes: Vec<_> = changes.into_iter().collect();
        self.publisher.publish(changes.iter().filter_map(|(change, _)| match change {
            Change::Put(name, file) => Some(Update::Set(name.clone(), Some(Arc::clone(file)))),
            Change::Remove(name) => Some(Update::Set(name.clone(), None)),
            Change::Limit(_) => None,
        }));
        self.queue.push_all(changes);
    }
}

impl Sink for Commit {
    type Op = Change;
    type Output = Location;
    type Error = LogError;

    fn bytes(change: &Change) -> usize {
        change.length()
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, Change, Location, LogError>,
    ) -> Result<(), WriteFailure<LogError>> {
        let first = self.journal.position();
        self.journal.write(batch)?;
        // No change is too large for a record, so each has one, in this order.
        self.written.extend(batch.ops().cloned().zip(first + 1..));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.journal.sync()?;
        let mut written = std::mem::take(&mut self.written);
        // Readers see a change from here on: when it is durable, and before it is acknowledged.
        self.show(written.drain(..));
        self.written = written;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.journal.position()
    }

    fn close(&mut self) -> Result<(), LogError> {
        self.journal.close()
    }
}
