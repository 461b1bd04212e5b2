//! Beginning operations that own their buffers.

use alloc::vec::Vec;
use core::ptr;

use latchwork_sync::lock::Arc;
use latchwork_sync::time::Instant;

use super::buffer::{ReadBuf, WriteBuf};
use super::pending::{Named, Payload, Pending};
use crate::backend::{RawOp, Vector};
use crate::engine::{Core, Failure, Started, Work};
use crate::error::{Cause, Operation};
use crate::file::{File, Policy};
use crate::fork::Birth;
use crate::inline::{perform_all, read_at_once};

/// Operations on one file, each of which owns its buffer; made by [`Ring::on`](crate::Ring::on).
///
/// Every call submits at once and returns a [`Pending`]. Under [`Policy::Auto`] and
/// [`Policy::Ring`] it never waits for a device, since a thread that waits is what an owned
/// operation is there to avoid: all goes through the ring, but for one thing. Under `Auto` a read
/// of at most 64 KiB of a buffered file is done before the call returns where the page cache has
/// all of it, which Linux tells (`RWF_NOWAIT`). A buffered *write* can't be asked for in this way
/// on every file system, ext4 among them, and may wait: for a page on its way to the disk, for the
/// file system's journal, for other dirty pages. Whoever knows better says [`Policy::Sync`], under
/// which every call does its work before it returns.
///
/// A call never fails: a ring that is closed or has failed says so in the result, which brings
/// the buffer back.
///
/// Cost: an allocation for each operation, which the buffer moves into; one more for the list of a
/// vectored one.
#[derive(Clone, Copy, Debug)]
pub struct Requests<'ring> {
    core: &'ring Arc<Core>,
    file: &'ring File,
    birth: Birth,
    deadline: Option<Instant>,
}

/// What one operation is, before it has memory.
#[derive(Clone, Copy)]
struct Request {
    operation: Operation,
    offset: u64,
    length: usize,
}

impl<'ring> Requests<'ring> {
    pub(crate) fn new(core: &'ring Arc<Core>, file: &'ring File, birth: Birth) -> Self {
        Self { core, file, birth, deadline: None }
    }

    /// The same, with a deadline: an operation that has not ended then is cancelled, and ends with
    /// [`Cause::TimedOut`] unless it was done in that moment. Of no effect under [`Policy::Sync`].
    #[must_use]
    pub fn deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Writes all of `buffer` at `offset`.
    pub fn write<B: WriteBuf>(self, offset: u64, buffer: B) -> Pending<B> {
        let length = buffer.as_ref().len();
        let request = Request { operation: Operation::Write, offset, length };
        self.begin(request, buffer, |payload| {
            let bytes = payload.buffer.as_ref();
            // An implementation may answer differently each time; the kernel gets one answer.
            (bytes.as_ptr().cast_mut(), bytes.len(), 0)
        })
    }

    /// Fills all of `buffer` from `offset` on; the end of the file before that is an error.
    pub fn read<B: ReadBuf>(self, offset: u64, mut buffer: B) -> Pending<B> {
        let length = buffer.as_mut().len();
        let request = Request { operation: Operation::Read, offset, length };
        self.begin(request, buffer, |payload| {
            let bytes = payload.buffer.as_mut();
            (bytes.as_mut_ptr(), bytes.len(), 0)
        })
    }

    /// Writes the buffers one behind the other from `offset` on, as one operation.
    ///
    /// The system takes up to 1,024 at once; the rest follows as that of a short write does.
    ///
    /// # Panics
    ///
    /// With 2^32 buffers or more.
    pub fn write_vectored<B: WriteBuf>(self, offset: u64, buffers: Vec<B>) -> Pending<Vec<B>> {
        let length = buffers.iter().map(|buffer| buffer.as_ref().len()).sum();
        let request = Request { operation: Operation::Write, offset, length };
        self.begin(request, buffers, |payload| {
            let vector = |buffer: &B| {
                let bytes = buffer.as_ref();
                Vector { address: bytes.as_ptr().cast_mut(), length: bytes.len() }
            };
            payload.vectors = payload.buffer.iter().map(vector).collect();
            vectors(&mut payload.vectors)
        })
    }

    /// Fills the buffers one behind the other from `offset` on, as one operation.
    ///
    /// # Panics
    ///
    /// With 2^32 buffers or more.
    pub fn read_vectored<B: ReadBuf>(self, offset: u64, mut buffers: Vec<B>) -> Pending<Vec<B>> {
        let length = buffers.iter_mut().map(|buffer| buffer.as_mut().len()).sum();
        let request = Request { operation: Operation::Read, offset, length };
        self.begin(request, buffers, |payload| {
            let vector = |buffer: &mut B| {
                let bytes = buffer.as_mut();
                Vector { address: bytes.as_mut_ptr(), length: bytes.len() }
            };
            payload.vectors = payload.buffer.iter_mut().map(vector).collect();
            vectors(&mut payload.vectors)
        })
    }

    /// Makes durable what has completed before this call; see
    /// [`Ring::fdatasync`](crate::Ring::fdatasync). It does not wait for operations that are still
    /// under way: take their results first.
    pub fn fdatasync(self) -> Pending<()> {
        self.plain(Operation::SyncData, 0, 0)
    }

    /// As [`Self::fdatasync`], with all metadata.
    pub fn fsync(self) -> Pending<()> {
        self.plain(Operation::SyncAll, 0, 0)
    }

    /// Takes space for a range, so that writes there need none; the file grows to its end. See
    /// [`Ring::allocate`](crate::Ring::allocate).
    pub fn allocate(self, offset: u64, length: usize) -> Pending<()> {
        self.plain(Operation::Allocate, offset, length)
    }

    /// Fills a range with zeros; the file grows to its end. See [`Ring::zero`](crate::Ring::zero).
    pub fn zero(self, offset: u64, length: usize) -> Pending<()> {
        self.plain(Operation::Zero, offset, length)
    }

    fn plain(self, operation: Operation, offset: u64, length: usize) -> Pending<()> {
        let request = Request { operation, offset, length };
        self.begin(request, (), |_| (ptr::null_mut(), length, 0))
    }

    /// `memory` tells the first byte, the length, and the number of vectors, of a payload in its
    /// final place.
    fn begin<B: Send + 'static>(
        self,
        request: Request,
        buffer: B,
        memory: impl Fn(&mut Payload<B>) -> (*mut u8, usize, u32),
    ) -> Pending<B> {
        let Request { operation, offset, length } = request;
        let named = Named { operation, file: self.file.shared_tag(), offset, length };
        let mut payload = Payload { buffer, vectors: Vec::new(), _file: self.file.share() };
        let raw = self.file.raw();
        let work = |payload: &mut Payload<B>| {
            let (address, length, vectors) = memory(payload);
            RawOp { operation, file: raw, address, length, offset, vectors }
        };
        let started = if !self.birth.is_here() {
            let failure = Failure { index: 0, done: 0, cause: Cause::Forked };
            Started::ended(self.core, payload, Some(failure))
        } else if self.file.policy() == Policy::Sync {
            self.perform(payload, work)
        } else if operation == Operation::Read && self.is_at_once(&mut payload, work) {
            Started::ended(self.core, payload, None)
        } else {
            // SAFETY: the memory is borrowed from a buffer, of `Send + 'static` type, that lies in
            // its final place and that nobody moves or touches before the end (O1); the payload
            // keeps the file open; it is one operation.
            unsafe {
                Started::begin(self.core, payload, self.deadline, |payload| {
                    Work::One(work(payload))
                })
            }
        };
        Pending::new(started, named)
    }

    /// Does a read that needs nobody else, and tells whether it did.
    fn is_at_once<B>(
        &self,
        payload: &mut Payload<B>,
        work: impl Fn(&mut Payload<B>) -> RawOp,
    ) -> bool {
        if self.file.policy() != Policy::Auto || self.file.is_direct() || self.core.is_closed() {
            return false;
        }
        let op = work(payload);
        // SAFETY: the payload has the memory and the file, and stays where it is meanwhile.
        let done = unsafe { read_at_once(op) };
        if done {
            self.core.counts().inline_operations.add_shared(1);
        }
        done
    }

    fn perform<B: Send + 'static>(
        self,
        mut payload: Payload<B>,
        work: impl Fn(&mut Payload<B>) -> RawOp,
    ) -> Started<Payload<B>> {
        let failure = if self.core.is_closed() {
            Some((0, Cause::Closed))
        } else {
            self.core.counts().inline_operations.add_shared(1);
            let op = work(&mut payload);
            // SAFETY: the payload has the memory and the file, and stays where it is meanwhile.
            unsafe { perform_all(op) }.err()
        };
        let failure = failure.map(|(done, cause)| Failure { index: 0, done, cause });
        Started::ended(self.core, payload, failure)
    }
}

fn vectors(vectors: &mut [Vector]) -> (*mut u8, usize, u32) {
    let length = vectors.iter().map(|vector| vector.length).sum();
    let count = u32::try_from(vectors.len()).expect("fewer than 2^32 buffers");
    (vectors.as_mut_ptr().cast(), length, count)
}
