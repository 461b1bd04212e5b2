//! Errors: which operation, where, how far it came, why, and what to do.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What was asked of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A page write.
    Write,
    /// A page read.
    Read,
    /// Making data durable, with the metadata that is needed to read it back.
    SyncData,
    /// Making data and all metadata durable.
    SyncAll,
    /// Space for a range of a file, so that writes there need none; the file grows to it.
    Allocate,
    /// Zeros in a range of a file; it grows to it.
    Zero,
    /// A round trip that does nothing.
    Nop,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::SyncData => "fdatasync",
            Self::SyncAll => "fsync",
            Self::Allocate => "allocation",
            Self::Zero => "zero-fill",
            Self::Nop => "nop",
        }
    }

    /// Whether it is about a range of a file.
    #[inline]
    pub(crate) fn has_range(self) -> bool {
        matches!(self, Self::Write | Self::Read | Self::Allocate | Self::Zero)
    }
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The system said so, with this code (`errno`, or `GetLastError` on Windows).
    Os(i32),
    /// The file ended before the buffer was full.
    EndOfFile,
    /// The system accepted no byte of a write, and named no error.
    NoProgress,
    /// The operation reaches beyond the largest offset that a file can have.
    OffsetTooLarge,
    /// The ring was closed before the operation was submitted. Nothing of it was done.
    Closed,
    /// The ring itself failed with this code before the operation was submitted.
    RingFailed(i32),
    /// It was cancelled. Of a transfer, the bytes done say how much had happened before; what was
    /// in the system's hands at that moment may or may not have happened.
    Cancelled,
    /// Its deadline passed. As [`Cause::Cancelled`] otherwise.
    TimedOut,
    /// The ring was built by a process of which this one is a fork: its threads are not here.
    Forked,
}

impl Cause {
    fn advice(self, operation: Operation) -> &'static str {
        if matches!(operation, Operation::SyncData | Operation::SyncAll)
            && matches!(self, Self::Os(_))
        {
            return "treat everything written since the last good sync as lost, and recover from it";
        }
        match self {
            Self::Os(code) => os_advice(code),
            Self::EndOfFile => "the file is shorter than expected: check its length",
            Self::NoProgress => "check the file system, then write the page again",
            Self::OffsetTooLarge => "keep offset plus length below 2^63",
            Self::Closed => "build a new ring",
            Self::RingFailed(_) => "build a new ring, then submit the operation again",
            Self::Cancelled => "don't trust the range, if it was a write: write it again",
            Self::TimedOut => "give it more time; don't trust the range, if it was a write",
            Self::Forked => "build a ring of this process's own after the fork",
        }
    }
}

#[cfg(unix)]
fn os_advice(code: i32) -> &'static str {
    match code {
        libc::EBADF => "open the file for this kind of access, and keep it open during the call",
        libc::EINVAL => {
            "on a direct file, offset, length and address must be multiples of the block size"
        }
        libc::ENOSPC | libc::EDQUOT => "free space, then submit the page again",
        libc::EFBIG => "raise the limit on file size, or write below it",
        libc::EIO => "the device failed: don't trust the page, check the system's log",
        libc::EAGAIN => "the system is short of resources: submit again later",
        _ => "see the system's manual for the code",
    }
}

#[cfg(not(unix))]
fn os_advice(_: i32) -> &'static str {
    "see the system's manual for the code"
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os(code) => write!(f, "{}", std::io::Error::from_raw_os_error(*code)),
            Self::EndOfFile => f.write_str("the file ends here"),
            Self::NoProgress => f.write_str("the system wrote nothing"),
            Self::OffsetTooLarge => f.write_str("it reaches beyond the largest file offset"),
            Self::Closed => f.write_str("the ring is closed"),
            Self::RingFailed(code) => {
                write!(f, "the ring failed: {}", std::io::Error::from_raw_os_error(*code))
            }
            Self::Cancelled => f.write_str("it was cancelled"),
            Self::TimedOut => f.write_str("its deadline passed"),
            Self::Forked => f.write_str("the ring belongs to another process"),
        }
    }
}

/// One operation that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpError {
    pub(crate) operation: Operation,
    pub(crate) file: Arc<str>,
    pub(crate) index: usize,
    pub(crate) offset: u64,
    pub(crate) length: usize,
    pub(crate) done: usize,
    pub(crate) cause: Cause,
}

impl OpError {
    /// What was asked.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The tag of the file: its path, where it was opened by path.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its place in the batch, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Where in the file it began.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes were asked.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many of them were done before it failed.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Why it failed.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The system's code, where the system said one.
    pub fn os_code(&self) -> Option<i32> {
        match self.cause {
            Cause::Os(code) | Cause::RingFailed(code) => Some(code),
            _ => None,
        }
    }

    /// What to do about it, in a sentence.
    pub fn advice(&self) -> &'static str {
        self.cause.advice(self.operation)
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, file, offset, length, done, cause, .. } = self;
        match operation {
            Operation::Write | Operation::Read | Operation::Allocate | Operation::Zero => write!(
                f,
                "{} of {length} bytes at offset {offset} of {file} failed after {done} bytes: \
                 {cause}; {}",
                operation.name(),
                self.advice()
            ),
            _ => write!(f, "{} of {file} failed: {cause}; {}", operation.name(), self.advice()),
        }
    }
}

impl core::error::Error for OpError {}

impl From<OpError> for std::io::Error {
    fn from(error: OpError) -> Self {
        let kind = match error.cause {
            Cause::Os(code) => std::io::Error::from_raw_os_error(code).kind(),
            Cause::EndOfFile => std::io::ErrorKind::UnexpectedEof,
            Cause::NoProgress => std::io::ErrorKind::WriteZero,
            Cause::OffsetTooLarge => std::io::ErrorKind::InvalidInput,
            Cause::Closed => std::io::ErrorKind::NotConnected,
            Cause::TimedOut => std::io::ErrorKind::TimedOut,
            // Not `Interrupted`, which says "try again" to the standard library's loops.
            Cause::RingFailed(_) | Cause::Cancelled | Cause::Forked => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A batch of which some operations failed. Those that it doesn't name were done in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    pub(crate) total: usize,
    /// Never empty; by index.
    pub(crate) failures: Vec<OpError>,
}

impl BatchError {
    /// The operations that failed, in the order of the batch; at least one. Where a commit's sync
    /// failed it is the only one, with the number of pages as its index.
    pub fn failures(&self) -> &[OpError] {
        &self.failures
    }

    /// How many operations the batch had.
    pub fn total(&self) -> usize {
        self.total
    }

    /// What became of the operation with this index.
    ///
    /// # Errors
    ///
    /// The operation's own error, where it failed.
    pub fn outcome(&self, index: usize) -> Result<(), &OpError> {
        match self.failures.binary_search_by_key(&index, |failure| failure.index) {
            Ok(place) => Err(&self.failures[place]),
            Err(_) => Ok(()),
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total > 1 {
            write!(f, "{} of {} operations failed; the first: ", self.failures.len(), self.total)?;
        }
        match self.failures.first() {
            Some(first) => first.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl core::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.failures.first().map(|first| first as _)
    }
}

impl From<BatchError> for std::io::Error {
    fn from(error: BatchError) -> Self {
        let kind = error
            .failures
            .first()
            .map_or(std::io::ErrorKind::Other, |first| Self::from(first.clone()).kind());
        Self::new(kind, error)
    }
}
