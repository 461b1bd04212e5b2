//! The handle of an operation that is under way.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use latchwork_sync::time::Instant;

use crate::backend::Vector;
use crate::engine::{Ended, Started};
use crate::error::{OpError, Operation};

/// What an operation keeps in place.
pub(super) struct Payload<B> {
    pub(super) buffer: B,
    /// Addresses within `buffer`, of a vectored operation.
    pub(super) vectors: Vec<Vector>,
    /// Open until the end.
    pub(super) _file: Arc<std::fs::File>,
}

/// What errors say of an operation.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) operation: Operation,
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// How an operation ended, with its buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it may say that the operation has failed"]
pub struct Completed<B> {
    /// `Ok` where all of it was done, also where it was cancelled too late. A cancelled one has
    /// [`Cause::Cancelled`](crate::Cause::Cancelled), one out of time
    /// [`Cause::TimedOut`](crate::Cause::TimedOut).
    pub result: Result<(), OpError>,
    /// The buffer, in any case. After a read that failed its first [`OpError::done`] bytes are
    /// those of the file, the others unspecified.
    pub buffer: B,
}

impl<B> Completed<B> {
    /// The buffer, where all went well.
    ///
    /// # Errors
    ///
    /// The operation's; the buffer is dropped.
    pub fn into_result(self) -> Result<B, OpError> {
        self.result.map(|()| self.buffer)
    }
}

/// An operation that owns its buffer and is under way: a future, or a handle to block on.
///
/// It was submitted when it was made; polling only asks how it stands. Dropping it leaves the
/// operation alone: it runs to its end, and its buffer is freed afterwards. Forgetting it leaks
/// its memory and no more.
///
/// - Executors: any; it is woken through the [`Waker`](core::task::Waker) of its last poll, on the
///   thread that drives the ring. That wake must not block on the ring, nor panic, which ends the
///   process: wakers that only queue their task, those of all common executors, do neither.
/// - Progress: `poll` never blocks.
/// - Memory ordering: what the system did to the buffer is visible after the result was taken.
///
/// ```
/// use latchwork_ringpal::{File, Ring};
///
/// let ring = Ring::new()?;
/// let file = File::new(tempfile::tempfile()?, "scratch");
/// let first = ring.on(&file).write(0, vec![1; 4096]);
/// let second = ring.on(&file).write(4096, b"shared bytes");
/// let page = first.wait().into_result()?; // or .await
/// second.wait().into_result()?;
///
/// let read = ring.on(&file).read(0, page).wait();
/// assert_eq!(read.into_result()?, vec![1; 4096]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the result says whether it was done"]
pub struct Pending<B: Send + 'static> {
    started: Started<Payload<B>>,
    named: Named,
}

impl<B: Send + 'static> Pending<B> {
    pub(super) fn new(started: Started<Payload<B>>, named: Named) -> Self {
        Self { started, named }
    }

    /// Whether the result is there.
    pub fn is_done(&self) -> bool {
        self.started.is_done()
    }

    /// Sleeps until the operation has ended.
    ///
    /// # Panics
    ///
    /// When the result was taken by a poll before.
    pub fn wait(self) -> Completed<B> {
        let Self { started, named } = self;
        complete(named, started.wait())
    }

    /// Sleeps until the operation has ended or the time is up.
    ///
    /// # Errors
    ///
    /// The handle, where the time is up; the operation goes on.
    ///
    /// # Panics
    ///
    /// As [`Self::wait`].
    pub fn wait_until(self, deadline: Instant) -> Result<Completed<B>, Self> {
        if self.started.wait_until(deadline) { Ok(self.wait()) } else { Err(self) }
    }

    /// Asks for an early end, and returns at once; the result says what became of it.
    ///
    /// Where the system has not begun it, it ends soon and nothing of it is done. What a device
    /// has in its hands it completes.
    pub fn cancel(&self) {
        self.started.cancel();
    }
}

impl<B: Send + 'static> Future for Pending<B> {
    type Output = Completed<B>;

    /// # Panics
    ///
    /// When it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completed<B>> {
        let Self { started, named } = &mut *self;
        started.poll(context).map(|ended| complete(named.clone(), ended))
    }
}

// Nothing in it is ever pinned: what the system works on lies elsewhere.
impl<B: Send + 'static> Unpin for Pending<B> {}

fn complete<B>(named: Named, (result, payload): Ended<Payload<B>>) -> Completed<B> {
    let Named { operation, file, offset, length } = named;
    let result = result.map_err(|failure| OpError {
        operation,
        file,
        index: 0,
        offset,
        length,
        done: failure.done,
        cause: failure.cause,
    });
    Completed { result, buffer: payload.buffer }
}

impl<B: Send + 'static> fmt::Debug for Pending<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("operation", &self.named.operation)
            .field("file", &self.named.file)
            .field("offset", &self.named.offset)
            .field("length", &self.named.length)
            .finish_non_exhaustive()
    }
}
