//! How a writer is set up.

use std::io;

use latchwork_sync::time::Duration;

use crate::core::Core;
use crate::dedicated::DedicatedWriter;
use crate::flights::LANES;
use crate::sink::Sink;
use crate::writer::BatchWriter;

/// Settings of a [`BatchWriter`]; the defaults suit a log on a disk.
///
/// ```
/// use latchwork_batch_writer::{Options, sinks::Memory};
/// use std::time::Duration;
///
/// let writer = Options::new()
///     .batch_operations(64)
///     .sibling_wait(Duration::ZERO)
///     .build(Memory::<u32>::new());
/// assert_eq!(writer.submit(7).unwrap(), 0);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) batch_operations: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) queue_operations: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) sibling_wait: Duration,
    pub(crate) never_inline: bool,
    pub(crate) syncs_in_flight: usize,
}

impl Options {
    /// Batches of at most 1,024 operations and 1 MiB; at most 65,536 operations and 64 MiB
    /// queued; sibling waits of at most 10 ms (and of a sync).
    pub const fn new() -> Self {
        Self {
            batch_operations: 1024,
            batch_bytes: 1 << 20,
            queue_operations: 1 << 16,
            queue_bytes: 64 << 20,
            sibling_wait: Duration::from_millis(10),
            never_inline: false,
            syncs_in_flight: 0,
        }
    }

    /// The most operations in a batch; at least 1.
    pub const fn batch_operations(mut self, most: usize) -> Self {
        self.batch_operations = if most == 0 { 1 } else { most };
        self
    }

    /// The most bytes in a batch, as [`Sink::bytes`] counts them. A larger operation is a batch
    /// of its own.
    pub const fn batch_bytes(mut self, most: usize) -> Self {
        self.batch_bytes = most;
        self
    }

    /// The most operations queued; at least 1, at most 8,388,607. Further submitters wait for
    /// room.
    pub const fn queue_operations(mut self, most: usize) -> Self {
        self.queue_operations = most;
        self
    }

    /// The most bytes queued, up to 256 GiB. A larger operation is let in when nothing else is
    /// queued.
    pub const fn queue_bytes(mut self, most: usize) -> Self {
        self.queue_bytes = most;
        self
    }

    /// The longest that a leader waits for the last batch's submitters to come back, before it
    /// commits what there is; zero switches the wait off. It is never longer than a sync,
    /// never done for a lone submitter, and given up while it doesn't pay.
    pub const fn sibling_wait(mut self, longest: Duration) -> Self {
        self.sibling_wait = longest;
        self
    }

    /// Whether a submitter that finds the role free writes for itself, on its own thread; yes by
    /// default. Without, in a [`DedicatedWriter`], no submitter ever calls the sink, except by
    /// turns such as [`with_sink`](BatchWriter::with_sink). A plain writer always writes inline.
    pub const fn inline(mut self, inline: bool) -> Self {
        self.never_inline = !inline;
        self
    }

    /// How many syncs may go on while the next batch is written; 0 by default, at most 2. It
    /// takes a sink that can [detach its syncs](Sink::detach_sync). Operations are acknowledged in
    /// order all the same, and a failed sync makes the later batches
    /// [`Unknown`](crate::SubmitError::Unknown) with it.
    ///
    /// With 1, a leader writes what is queued while the sync before goes on, and what has come
    /// meanwhile after it: that gains the time that encoding takes, and costs a wake more. With 2,
    /// the next sync begins at once, and nobody waits for siblings. A writer with a dedicated thread
    /// has nobody to write meanwhile, and ignores it.
    pub const fn syncs_in_flight(mut self, most: usize) -> Self {
        self.syncs_in_flight = if most > LANES { LANES } else { most };
        self
    }

    /// A writer over this sink.
    pub fn build<S: Sink>(mut self, sink: S) -> BatchWriter<S> {
        self.never_inline = false;
        BatchWriter(Core::new(sink, self, false))
    }

    /// A writer over this sink with a thread of its own, which can also serve tasks.
    ///
    /// # Errors
    ///
    /// When the system can't start another thread.
    pub fn build_dedicated<S>(self, sink: S) -> io::Result<DedicatedWriter<S>>
    where
        S: Sink + Send + 'static,
        S::Op: Send,
        S::Output: Send,
        S::Error: Send + Sync,
    {
        DedicatedWriter::start(sink, self)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
