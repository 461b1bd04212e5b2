//! A writer with a thread of its own.
//!
//! - D1: the thread's node is made ready at the beginning of a tenure, while the thread holds the
//!   role: so the next one to give the role finds it ready, however late the thread gets back to
//!   its wait.
//! - D2: the last holder, who sees the gate shut and nothing queued, sends the thread home; it is
//!   never given the role again.

use core::fmt;
use core::ops::Deref;
use std::io;

use latchwork_sync::lock::Arc;
use latchwork_sync::thread::{JoinHandle, spawn_named};

use crate::options::Options;
use crate::sink::Sink;
use crate::submission::Submission;
use crate::writer::BatchWriter;

/// A [`BatchWriter`] with a thread that does the writing: for tasks, which submit without
/// blocking, and for callers that must not do others' I/O.
///
/// A blocking submitter that finds the writer idle still writes for itself, unless
/// [`Options::inline`] says no; whatever is queued is committed by the thread. Tasks never write.
/// All blocking methods are those of [`BatchWriter`].
///
/// Dropping it closes the sink, and waits until the thread has ended.
///
/// ```
/// use latchwork_batch_writer::{Options, sinks::Memory};
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     use std::task::{Context, Poll, Wake, Waker};
/// #     struct Unpark(std::thread::Thread);
/// #     impl Wake for Unpark { fn wake(self: std::sync::Arc<Self>) { self.0.unpark() } }
/// #     let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
/// #     let mut future = std::pin::pin!(future);
/// #     loop {
/// #         match future.as_mut().poll(&mut Context::from_waker(&waker)) {
/// #             Poll::Ready(output) => return output,
/// #             Poll::Pending => std::thread::park(),
/// #         }
/// #     }
/// # }
///
/// let writer = Options::new().build_dedicated(Memory::new())?;
/// let place = block_on(async { writer.submit_async("from a task").await });
/// assert_eq!(place.unwrap(), 0);
/// assert_eq!(writer.submit("from a thread").unwrap(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Without the thread there would be nobody to write for tasks, so a plain writer has no such
/// method:
///
/// ```compile_fail,E0599
/// use latchwork_batch_writer::{BatchWriter, sinks::Memory};
///
/// let writer = BatchWriter::new(Memory::new());
/// let submission = writer.submit_async("from a task");
/// ```
pub struct DedicatedWriter<S: Sink> {
    writer: Arc<BatchWriter<S>>,
    thread: Option<JoinHandle<()>>,
}

impl<S> DedicatedWriter<S>
where
    S: Sink + Send + 'static,
    S::Op: Send,
    S::Output: Send,
    S::Error: Send + Sync,
{
    pub(crate) fn start(sink: S, options: Options) -> io::Result<Self> {
        let writer = Arc::new(BatchWriter(crate::core::Core::new(sink, options, true)));
        let served = Arc::clone(&writer);
        let thread = spawn_named("batch-writer", move || served.0.serve())?;
        Ok(Self { writer, thread: Some(thread) })
    }
}

impl<S: Sink> DedicatedWriter<S> {
    /// Submits from a task: the future is ready when the operation is durable, with the sink's
    /// output. Nothing happens before its first poll.
    ///
    /// Any executor will do. The task is woken by the dedicated thread, which catches a panic of
    /// the waker: the operation's outcome stands, and nobody else is concerned; only the wake is
    /// lost. It may also poll the task from within the wake.
    ///
    /// Dropping the future withdraws the operation if no batch has taken it: it is then never
    /// executed. If one has, the queue owns it, commits it, and drops its outcome.
    /// [`Submission::withdraw`] tells which, and keeps the outcome to be had.
    ///
    /// Cost: one allocation, one exchange to queue and one to be claimed, two a poll.
    ///
    /// # Errors
    ///
    /// See [`SubmitError`](crate::SubmitError); never `Full`, `TimedOut` or `Reentered`.
    pub fn submit_async(&self, op: S::Op) -> Submission<'_, S> {
        Submission(self.writer.0.submit_async(op))
    }
}

impl<S: Sink> Deref for DedicatedWriter<S> {
    type Target = BatchWriter<S>;

    #[inline]
    fn deref(&self) -> &BatchWriter<S> {
        &self.writer
    }
}

impl<S: Sink> Drop for DedicatedWriter<S> {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.writer.0.holder.is_me() {
            // Dropped by a waker, on the dedicated thread: it ends after this tenure, and closes
            // the sink.
            self.writer.0.close_from_within();
            return;
        }
        // Nobody is left to tell an error: who wants to know it calls `close`.
        let _ = self.writer.close();
        // A panic of the sink has been reported by the panic hook, and by poison.
        let _ = thread.join();
    }
}

impl<S: Sink> fmt::Debug for DedicatedWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedicatedWriter").field("writer", &self.writer).finish_non_exhaustive()
    }
}
