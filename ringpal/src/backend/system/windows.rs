//! `seek_read`, `seek_write`, `FlushFileBuffers`, through the standard library.

use core::mem::ManuallyDrop;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::{AsRawHandle, FromRawHandle, RawHandle};

use crate::backend::{Outcome, RawOp};
use crate::error::Operation;

/// The codes that the core looks at.
pub(crate) mod codes {
    /// Not a code of this system.
    pub(crate) const INTERRUPTED: i32 = i32::MIN;
    /// `ERROR_NOT_READY`'s neighbours have no such meaning: not a code of this system.
    pub(crate) const AGAIN: i32 = i32::MIN + 1;
    /// `ERROR_OPERATION_ABORTED`
    pub(crate) const CANCELLED: i32 = 995;
    /// `ERROR_INVALID_PARAMETER`
    pub(crate) const INVALID: i32 = 87;
    /// Whether the code says that the file system doesn't know the operation:
    /// `ERROR_NOT_SUPPORTED`, `ERROR_INVALID_FUNCTION`.
    pub(crate) fn is_unsupported(code: i32) -> bool {
        [50, 1].contains(&code)
    }

    /// `ERROR_DISK_FULL`
    #[cfg(feature = "simulate")]
    pub(crate) const NO_SPACE: i32 = 112;
    /// `ERROR_INVALID_HANDLE`
    #[cfg(feature = "simulate")]
    pub(crate) const BROKEN: i32 = 6;
}

const FILE_FLAG_NO_BUFFERING: u32 = 0x2000_0000;
const FILE_FLAG_WRITE_THROUGH: u32 = 0x8000_0000;
const ERROR_HANDLE_EOF: i32 = 38;
const ERROR_NOT_SUPPORTED: i32 = 50;
const LONGEST: usize = 0x7fff_f000;

/// A handle that whoever made the operation keeps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFile(pub(crate) RawHandle);

impl RawFile {
    /// For operations without a file.
    pub const NONE: Self = Self(core::ptr::null_mut());

    pub(crate) fn of(file: &std::fs::File) -> Self {
        Self(file.as_raw_handle())
    }
}

/// Does one operation on this thread, once.
///
/// # Safety
///
/// As for `Backend::push`: file and memory are valid, and exclusive for a read.
pub(crate) unsafe fn perform(op: &RawOp) -> Outcome {
    if op.operation == Operation::Nop {
        return Ok(0);
    }
    // SAFETY: the caller keeps the handle open, and `ManuallyDrop` doesn't close it.
    let file = ManuallyDrop::new(unsafe { std::fs::File::from_raw_handle(op.file.0) });
    let vector = op.first_buffer();
    let (address, length) = (vector.address, vector.length.min(LONGEST));
    let result = match op.operation {
        // The core writes zeros instead.
        Operation::Zero if op.address.is_null() => return Err(ERROR_NOT_SUPPORTED),
        Operation::Allocate => allocate(&file, op.offset + op.length as u64).map(|()| 0),
        Operation::Write | Operation::Zero => {
            // SAFETY: the caller's promise: `length` bytes may be read at `address`.
            let data = unsafe { core::slice::from_raw_parts(address.cast_const(), length) };
            file.seek_write(data, op.offset)
        }
        Operation::Read => {
            // SAFETY: the caller's promise: `length` initialised bytes, exclusive.
            let data = unsafe { core::slice::from_raw_parts_mut(address, length) };
            file.seek_read(data, op.offset)
        }
        Operation::SyncData => file.sync_data().map(|()| 0),
        Operation::SyncAll | Operation::Nop => file.sync_all().map(|()| 0),
    };
    match result {
        Ok(done) => Ok(done as u32),
        Err(error) => match error.raw_os_error() {
            Some(ERROR_HANDLE_EOF) => Ok(0),
            code => Err(code.unwrap_or(ERROR_HANDLE_EOF)),
        },
    }
}

/// Windows doesn't tell how a handle was opened.
pub(crate) fn is_direct(_: &std::fs::File) -> bool {
    false
}

#[allow(clippy::unnecessary_wraps, reason = "the same face on every system")]
pub(crate) fn set_open_flags(
    options: &mut std::fs::OpenOptions,
    direct: bool,
    data_sync: bool,
) -> std::io::Result<()> {
    let mut flags = 0;
    if direct {
        flags |= FILE_FLAG_NO_BUFFERING;
    }
    if data_sync {
        flags |= FILE_FLAG_WRITE_THROUGH;
    }
    options.custom_flags(flags);
    Ok(())
}

/// Makes the file so long, if it is shorter: Windows has no allocation apart from that.
pub(crate) fn allocate(file: &std::fs::File, bytes: u64) -> std::io::Result<()> {
    if file.metadata()?.len() < bytes { file.set_len(bytes) } else { Ok(()) }
}

/// Not asked.
pub(crate) fn direct_alignment(_: &std::fs::File) -> Option<usize> {
    None
}
