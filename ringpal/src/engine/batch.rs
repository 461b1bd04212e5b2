//! A batch: what one call asks, on the caller's stack.

use alloc::vec::Vec;
use core::fmt;
use core::ptr::{self, NonNull};

use latchwork_sync::Event;
use latchwork_sync::cell::UnsafeCell;
use latchwork_treiber::intrusive::{Link, Linked, Owner};

use crate::backend::{RawFile, RawOp};
use crate::error::{Cause, Operation};
use crate::page::{PageRead, PageWrite};

/// The operations of a batch, in place at the caller's.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Page writes.
    Write(RawFile, *const PageWrite<'static>, usize),
    /// Page reads.
    Read(RawFile, *mut PageRead<'static>, usize),
    /// `fdatasync` or `fsync`.
    Sync(RawFile, Operation),
    /// So many operations that do nothing.
    Nop(usize),
    /// Not I/O: tells the driver to close.
    Close,
}

impl Work {
    /// How many operations it has.
    pub(crate) fn count(&self) -> usize {
        match *self {
            Self::Write(_, _, count) | Self::Read(_, _, count) | Self::Nop(count) => count,
            Self::Sync(..) => 1,
            Self::Close => 0,
        }
    }

    /// The operation with this index.
    ///
    /// # Safety
    ///
    /// The index is below `count`, and the pages are there for the driver alone (I2).
    pub(crate) unsafe fn operation(&self, index: usize) -> RawOp {
        let nothing = RawOp {
            operation: Operation::Nop,
            file: RawFile::NONE,
            address: ptr::null_mut(),
            length: 0,
            offset: 0,
        };
        match *self {
            Self::Write(file, pages, _) => {
                // SAFETY: the index is below the count.
                let page = unsafe { pages.add(index) };
                // SAFETY: the caller's promise.
                let page = unsafe { &*page };
                RawOp {
                    operation: Operation::Write,
                    file,
                    address: page.data.as_ptr().cast_mut(),
                    length: page.data.len(),
                    offset: page.offset,
                }
            }
            Self::Read(file, pages, _) => {
                // SAFETY: the index is below the count.
                let page = unsafe { pages.add(index) };
                // SAFETY: the caller's promise.
                let page = unsafe { &mut *page };
                RawOp {
                    operation: Operation::Read,
                    file,
                    address: page.data.as_mut_ptr(),
                    length: page.data.len(),
                    offset: page.offset,
                }
            }
            Self::Sync(file, operation) => RawOp { operation, file, ..nothing },
            Self::Nop(_) | Self::Close => nothing,
        }
    }
}

/// What is kept of an operation that failed; the submitter makes an error of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its index in the batch.
    pub index: usize,
    /// Bytes done before it failed.
    pub done: usize,
    /// Why.
    pub cause: Cause,
}

/// The driver's notes on a batch.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) work: Work,
    /// Operations that were given to the kernel or failed before.
    pub(super) begun: usize,
    /// Operations that have not ended.
    pub(super) left: usize,
    pub(super) failures: Vec<Failure>,
}

/// One call's operations. Aligned for the marks in the word that holds its address.
#[repr(align(64))]
pub(super) struct Batch {
    link: Link,
    /// The submitter's before the push and after `done`, the driver's between.
    pub(super) progress: UnsafeCell<Progress>,
    pub(super) done: Event,
}

// SAFETY: `link` and `progress` have one owner at a time (I2), handed over by the word's
// exchanges and by `done`; the pages behind `work` are borrowed by a caller that waits.
unsafe impl Send for Batch {}
// SAFETY: as above.
unsafe impl Sync for Batch {}

impl Batch {
    /// A batch that was not pushed yet.
    ///
    /// # Safety
    ///
    /// The pages behind `work` outlive the batch; those of reads are exclusive. The file stays
    /// open.
    pub(super) unsafe fn new(work: Work) -> Self {
        let left = work.count();
        Self {
            link: Link::new(),
            progress: UnsafeCell::new(Progress { work, begun: 0, left, failures: Vec::new() }),
            done: Event::new(),
        }
    }
}

// SAFETY: always the same field.
unsafe impl Linked for Batch {
    #[inline]
    unsafe fn link(node: NonNull<Self>) -> NonNull<Link> {
        // SAFETY: `node` is valid, so the place of its field is.
        let link = unsafe { &raw mut (*node.as_ptr()).link };
        // SAFETY: a field of a node is not at address 0.
        unsafe { NonNull::new_unchecked(link) }
    }
}

/// A batch in the hands of the driver, or on its way there: lent by a submitter that waits.
#[derive(Debug)]
pub(super) struct Loan(NonNull<Batch>);

// SAFETY: a batch may be used from any thread, see above.
unsafe impl Send for Loan {}

// SAFETY: the submitter keeps the batch in place until it is announced, and a loan that is dropped
// touches nothing; the link is private to the structures that hold the pointer.
unsafe impl Owner for Loan {
    type Node = Batch;

    #[inline]
    fn into_raw(self) -> NonNull<Batch> {
        self.0
    }

    #[inline]
    unsafe fn from_raw(node: NonNull<Batch>) -> Self {
        Self(node)
    }
}

impl Loan {
    /// Lends the batch.
    ///
    /// # Safety
    ///
    /// Once; the batch stays where it is, and its owner away from it, until it is announced or
    /// the loan comes back.
    pub(super) unsafe fn of(batch: &Batch) -> Self {
        Self(NonNull::from(batch))
    }

    pub(super) fn pointer(&self) -> NonNull<Batch> {
        self.0
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}
