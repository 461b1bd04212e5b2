//! A batch: what one call asks, on the caller's stack.

use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

use latchwork_sync::Event;
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::time::Instant;
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
    /// Anything, once.
    One(RawOp),
    /// So many operations that do nothing.
    Nop(usize),
    /// Not I/O: asks the driver to end another batch early.
    Cancel(Target),
    /// Not I/O: tells the driver to close.
    Close,
}

/// A batch of one operation that another batch talks of, and keeps in place.
#[derive(Clone, Copy, Debug)]
pub struct Target(pub(super) NonNull<Batch>);

impl Work {
    /// How many operations it has.
    pub(crate) fn count(&self) -> usize {
        match *self {
            Self::Write(_, _, count) | Self::Read(_, _, count) | Self::Nop(count) => count,
            Self::One(_) => 1,
            Self::Cancel(_) | Self::Close => 0,
        }
    }

    /// The operation with this index.
    ///
    /// # Safety
    ///
    /// The index is below `count`, and the pages are there for the driver alone (I2).
    pub(crate) unsafe fn operation(&self, index: usize) -> RawOp {
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
                    vectors: 0,
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
                    vectors: 0,
                }
            }
            Self::One(op) => op,
            Self::Nop(_) | Self::Cancel(_) | Self::Close => {
                RawOp::plain(Operation::Nop, RawFile::NONE)
            }
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
    /// Why it shall end before its time.
    pub(super) stopped: Option<Cause>,
    /// When it shall, with [`Cause::TimedOut`].
    pub(super) deadline: Option<Instant>,
    /// When it was submitted, where somebody wants to know how long it takes.
    pub(super) submitted: Option<Instant>,
}

/// One call's operations. Aligned for the marks in the word that holds its address.
#[repr(align(64))]
pub(super) struct Batch {
    link: Link,
    /// The submitter's before the push and after `done`, the driver's between.
    pub(super) progress: UnsafeCell<Progress>,
    pub(super) done: Event,
    /// Gives up the driver's share of a batch that it owns together with a handle; none for a
    /// batch that is lent by a caller that waits.
    pub(super) release: Option<unsafe fn(NonNull<Self>)>,
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
        let progress = Progress {
            work,
            begun: 0,
            left: work.count(),
            failures: Vec::new(),
            stopped: None,
            deadline: None,
            submitted: None,
        };
        Self {
            link: Link::new(),
            progress: UnsafeCell::new(progress),
            done: Event::new(),
            release: None,
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

    /// As [`Self::of`], by address.
    ///
    /// # Safety
    ///
    /// As for [`Self::of`]; the address may be used for the whole of what `release` gives up.
    pub(super) unsafe fn at(batch: NonNull<Batch>) -> Self {
        Self(batch)
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
