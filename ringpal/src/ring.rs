//! The ring: what a storage engine calls.

use alloc::vec::Vec;
use core::fmt;
use std::io::IoSlice;
use std::thread::ThreadId;

use latchwork_sync::lock::{Arc, Mutex};
use latchwork_sync::thread::JoinHandle;

use crate::backend::{RawOp, Vector};
use crate::builder::{BuildError, Builder};
use crate::engine::{Core, Failure, Refused, Started, Work};
use crate::error::{BatchError, Cause, OpError, Operation};
use crate::file::{File, Policy};
use crate::fork::Birth;
use crate::info::RingInfo;
use crate::inline::perform_all;
use crate::metrics::Metrics;
use crate::owned::Requests;
use crate::page::{PageRead, PageWrite};

/// A submission ring, or the pool in its place; shared by any number of threads.
///
/// Every call blocks until the last of its operations has ended, so borrowed memory is enough.
/// Dropping the ring closes it. Offsets and lengths are in bytes; a batch of no pages does nothing.
///
/// Cost: nothing is allocated for a batch of which nothing fails. Through the ring it takes a
/// submission by the calling thread, or a wake of the ring's thread and one of the caller
/// ([`Drive`](crate::Drive)).
///
/// Progress: blocking. A submission is lock-free up to the wake of a sleeping driver. Memory
/// ordering: what a thread did before a call is visible to the system's transfer, and a transfer
/// to what follows the call.
pub struct Ring {
    core: Arc<Core>,
    /// Taken by whoever closes.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Whose it is.
    thread_id: ThreadId,
    info: RingInfo,
    birth: Birth,
}

impl Ring {
    /// A ring with the default options.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Options for a ring.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn assemble(core: Arc<Core>, thread: JoinHandle<()>, info: RingInfo) -> Self {
        let thread_id = thread.thread().id();
        let thread = Mutex::new(Some(thread));
        Self { core, thread, thread_id, info, birth: Birth::here() }
    }

    /// What the ring turned out to be.
    pub fn info(&self) -> &RingInfo {
        &self.info
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        self.core.counts().snapshot()
    }

    /// Writes every page, and returns when the last write has ended.
    ///
    /// Short writes are completed. The pages go in no particular order. Written is not durable:
    /// see [`Self::commit`].
    ///
    /// # Errors
    ///
    /// The pages that failed, each with its own error; the others were written in full.
    pub fn write_pages(&self, file: &File, pages: &[PageWrite<'_>]) -> Result<(), BatchError> {
        let work = Work::Write(file.raw(), pages.as_ptr().cast(), pages.len());
        let inline = match file.policy() {
            Policy::Auto => !file.is_direct() || pages.len() < 2,
            policy => policy == Policy::Sync,
        };
        // SAFETY: the pages and the file are borrowed for this call.
        let result = unsafe { self.run(work, Way::of(file, inline)) };
        let place = |index: usize| (pages[index].offset, pages[index].data.len());
        result.map_err(|failed| failed.explain(file, Operation::Write, pages.len(), place))
    }

    /// Fills every buffer, and returns when the last read has ended.
    ///
    /// # Errors
    ///
    /// The pages that failed, each with its own error; the others were read in full. To read
    /// beyond the end of the file is an error ([`Cause::EndOfFile`]) that says how much was there.
    pub fn read_pages(&self, file: &File, pages: &mut [PageRead<'_>]) -> Result<(), BatchError> {
        let work = Work::Read(file.raw(), pages.as_mut_ptr().cast(), pages.len());
        let inline = match file.policy() {
            Policy::Auto => pages.len() < 2,
            policy => policy == Policy::Sync,
        };
        // SAFETY: the pages, their buffers exclusively, and the file are borrowed for this call.
        let result = unsafe { self.run(work, Way::of(file, inline)) };
        let place = |index: usize| (pages[index].offset, pages[index].data.len());
        result.map_err(|failed| failed.explain(file, Operation::Read, pages.len(), place))
    }

    /// Makes the data of all writes that have returned durable, with the metadata that is needed
    /// to read it back.
    ///
    /// # Errors
    ///
    /// The system's. Afterwards nothing written since the last good sync may be trusted: many
    /// systems drop the pages that they could not write, and a second sync says nothing of them.
    pub fn fdatasync(&self, file: &File) -> Result<(), OpError> {
        self.sync(file, Operation::SyncData)
    }

    /// As [`Self::fdatasync`], with all metadata.
    ///
    /// # Errors
    ///
    /// As [`Self::fdatasync`].
    pub fn fsync(&self, file: &File) -> Result<(), OpError> {
        self.sync(file, Operation::SyncAll)
    }

    fn sync(&self, file: &File, operation: Operation) -> Result<(), OpError> {
        // A sync blocks the thread that asks for it in any case; io_uring would only hand it to a
        // worker of the kernel's.
        let inline = file.policy() != Policy::Ring;
        let work = Work::One(RawOp::plain(operation, file.raw()));
        // SAFETY: the file is borrowed for this call.
        let result = unsafe { self.run(work, Way::of(file, inline)) };
        result.map_err(|failed| failed.first(file, operation, (0, 0)))
    }

    /// Writes the buffers one behind the other from `offset` on, as one operation, and returns when
    /// it has ended. Short writes are completed, wherever in the buffers they ended.
    ///
    /// Cost: a list of the buffers is allocated.
    ///
    /// # Errors
    ///
    /// The operation's own, with the bytes that were done before it failed.
    ///
    /// # Panics
    ///
    /// With 2^32 buffers or more.
    pub fn write_vectored(
        &self,
        file: &File,
        offset: u64,
        buffers: &[IoSlice<'_>],
    ) -> Result<(), OpError> {
        let vector = |buffer: &IoSlice<'_>| Vector {
            address: buffer.as_ptr().cast_mut(),
            length: buffer.len(),
        };
        let mut vectors: Vec<Vector> = buffers.iter().map(vector).collect();
        let op = RawOp {
            address: vectors.as_mut_ptr().cast(),
            length: vectors.iter().map(|vector| vector.length).sum(),
            offset,
            vectors: u32::try_from(vectors.len()).expect("fewer than 2^32 buffers"),
            ..RawOp::plain(Operation::Write, file.raw())
        };
        self.single(file, op)
    }

    /// Takes space for a range of the file, so that writes there need none; the file grows to its
    /// end, and reads as zeros where it grew.
    ///
    /// # Errors
    ///
    /// The system's. Where the file system or the operating system has no such call it says so,
    /// and nothing is done. Windows makes the file longer and takes no space.
    pub fn allocate(&self, file: &File, offset: u64, length: usize) -> Result<(), OpError> {
        let op = RawOp::plain(Operation::Allocate, file.raw());
        self.single(file, RawOp { length, offset, ..op })
    }

    /// Fills a range of the file with zeros; the file grows to its end. Where the file system can't
    /// do so by itself, zeros are written.
    ///
    /// # Errors
    ///
    /// The system's, with the bytes that were done before.
    pub fn zero(&self, file: &File, offset: u64, length: usize) -> Result<(), OpError> {
        let op = RawOp::plain(Operation::Zero, file.raw());
        self.single(file, RawOp { length, offset, ..op })
    }

    /// One operation, whose memory is borrowed for the call.
    fn single(&self, file: &File, op: RawOp) -> Result<(), OpError> {
        let inline = file.policy() != Policy::Ring;
        // SAFETY: the callers above borrow memory and file for this call.
        let result = unsafe { self.run(Work::One(op), Way::of(file, inline)) };
        result.map_err(|failed| failed.first(file, op.operation, (op.offset, op.length)))
    }

    /// Operations on a file that own their buffers: futures, or handles to block on.
    ///
    /// ```
    /// # use latchwork_ringpal::{File, Ring};
    /// # let ring = Ring::new()?;
    /// # let file = File::new(tempfile::tempfile()?, "scratch");
    /// let writing = ring.on(&file).write(0, vec![7; 100]);
    /// // … something else meanwhile …
    /// let buffer = writing.wait().into_result()?;
    /// # assert_eq!(buffer.len(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on<'ring>(&'ring self, file: &'ring File) -> Requests<'ring> {
        Requests::new(&self.core, file, self.birth)
    }

    /// Writes every page, then makes the file's data durable.
    ///
    /// # Errors
    ///
    /// As [`Self::write_pages`]: then nothing was synced. Or as [`Self::fdatasync`], with the
    /// number of pages as the failure's index.
    pub fn commit(&self, file: &File, pages: &[PageWrite<'_>]) -> Result<(), BatchError> {
        // Wait, then sync: a link in the kernel would run the writes one by one, and a short one
        // would cancel the sync.
        self.write_pages(file, pages)?;
        self.fdatasync(file).map_err(|mut error| {
            error.index = pages.len();
            BatchError { total: pages.len() + 1, failures: Vec::from([error]) }
        })
    }

    /// Sends so many operations that do nothing through the ring and waits for them: what the way
    /// there and back costs.
    ///
    /// # Errors
    ///
    /// When the ring is closed or has failed.
    pub fn nop(&self, count: usize) -> Result<(), OpError> {
        // SAFETY: no file and no memory.
        let result = unsafe { self.run(Work::Nop(count), Way::Led) };
        result.map_err(|failed| OpError {
            operation: Operation::Nop,
            file: "no file".into(),
            index: failed.first_index(),
            offset: 0,
            length: 0,
            done: 0,
            cause: failed.first_cause(),
        })
    }

    /// Ends the ring: batches that were submitted are done in full, later calls get
    /// [`Cause::Closed`]. Returns when every operation has completed and the ring's threads have
    /// exited. What runs inline on other threads goes on there.
    ///
    /// Closing twice, from any threads, is fine; each call returns after the end. In a process that
    /// was forked from the ring's it does nothing. On the ring's own thread, where a buffer's or a
    /// waker's drop may come to it, it returns at once, and the end comes when that is through.
    pub fn close(&self) {
        if !self.birth.is_here() {
            return;
        }
        if std::thread::current().id() == self.thread_id {
            return self.close_from_within();
        }
        // Nothing under the lock panics but a panic of the thread, which aborts.
        let mut thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            self.core.close();
            // The thread aborts rather than unwinds.
            let _ = thread.join();
        }
    }

    /// The thread can't wait for itself: it is told, and left to its end.
    #[cold]
    fn close_from_within(&self) {
        // Held by another thread that closes the ring and waits for this one.
        let Ok(mut thread) = self.thread.try_lock() else { return };
        if thread.take().is_some() {
            // SAFETY: no memory and no file.
            drop(unsafe { Started::begin(&self.core, (), None, |()| Work::Close) });
        }
    }

    /// # Safety
    ///
    /// As for `Core::run`.
    unsafe fn run(&self, work: Work, way: Way) -> Result<(), Failed> {
        if way == Way::Inline {
            // SAFETY: the caller's promise.
            return unsafe { self.run_inline(work) };
        }
        if !self.birth.is_here() {
            return Err(Failed::All(Cause::Forked));
        }
        // SAFETY: the caller's promise.
        match unsafe { self.core.run(work, way == Way::Led) } {
            Ok(failures) if failures.is_empty() => Ok(()),
            Ok(failures) => Err(Failed::Some(failures)),
            Err(Refused::Closed) => Err(Failed::All(Cause::Closed)),
            Err(Refused::Failed(code)) => Err(Failed::All(Cause::RingFailed(code))),
        }
    }

    /// # Safety
    ///
    /// As for `Core::run`.
    unsafe fn run_inline(&self, work: Work) -> Result<(), Failed> {
        if self.core.is_closed() && work.count() > 0 {
            return Err(Failed::All(Cause::Closed));
        }
        self.core.counts().inline_operations.add_shared(work.count() as u64);
        let mut failures = Vec::new();
        for index in 0..work.count() {
            // SAFETY: below the count; the pages are this call's.
            let op = unsafe { work.operation(index) };
            // SAFETY: the caller's promise.
            if let Err((done, cause)) = unsafe { perform_all(op) } {
                failures.push(Failure { index, done, cause });
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Failed::Some(failures)) }
    }
}

/// How a batch travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// On the calling thread.
    Inline,
    /// Through the ring, driven by the calling thread where the ring is idle.
    Led,
    /// Through the ring, driven by its thread.
    Followed,
}

impl Way {
    fn of(file: &File, inline: bool) -> Self {
        match (inline, file.is_direct()) {
            (true, _) => Self::Inline,
            (false, false) => Self::Led,
            // It waits for the device, and is woken sooner by the thread than out of the kernel.
            (false, true) => Self::Followed,
        }
    }
}

/// What failed, before it has names.
enum Failed {
    /// These, by index; never empty.
    Some(Vec<Failure>),
    /// All, since nothing was begun.
    All(Cause),
}

impl Failed {
    #[cold]
    fn explain(
        self,
        file: &File,
        operation: Operation,
        total: usize,
        place: impl Fn(usize) -> (u64, usize),
    ) -> BatchError {
        let failures = match self {
            Self::Some(failures) => failures,
            Self::All(cause) => (0..total).map(|index| Failure { index, done: 0, cause }).collect(),
        };
        let named = |Failure { index, done, cause }| {
            let (offset, length) = place(index);
            OpError { operation, file: file.shared_tag(), index, offset, length, done, cause }
        };
        BatchError { total, failures: failures.into_iter().map(named).collect() }
    }

    #[cold]
    fn first(self, file: &File, operation: Operation, place: (u64, usize)) -> OpError {
        let mut error = self.explain(file, operation, 1, |_| place);
        error.failures.remove(0)
    }

    fn first_index(&self) -> usize {
        match self {
            Self::Some(failures) => failures.first().map_or(0, |failure| failure.index),
            Self::All(_) => 0,
        }
    }

    fn first_cause(&self) -> Cause {
        match self {
            Self::Some(failures) => failures.first().map_or(Cause::Closed, |first| first.cause),
            Self::All(cause) => *cause,
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.close();
        if !self.birth.is_here()
            && let Ok(thread) = self.thread.get_mut()
        {
            // A thread of the parent's, of which nothing is left here to join or detach.
            core::mem::forget(thread.take());
        }
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("info", &self.info).finish_non_exhaustive()
    }
}
