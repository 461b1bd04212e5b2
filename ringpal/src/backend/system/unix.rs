//! `pread`, `pwrite`, `fdatasync`, `fsync`; on Apple's systems `F_FULLFSYNC`.

use std::os::fd::{AsRawFd, RawFd};

// Where `off_t` may have 32 bits, the calls that don't cut an offset.
#[cfg(all(target_os = "linux", not(target_env = "gnu")))]
use libc::fallocate;
#[cfg(any(target_os = "android", all(target_os = "linux", target_env = "gnu")))]
use libc::fallocate64 as fallocate;
#[cfg(not(any(target_os = "android", all(target_os = "linux", target_env = "gnu"))))]
use libc::{off_t, pread, pwrite};
#[cfg(any(target_os = "android", all(target_os = "linux", target_env = "gnu")))]
use libc::{
    off64_t as off_t, pread64 as pread, preadv64 as preadv, pwrite64 as pwrite,
    pwritev64 as pwritev,
};
#[cfg(not(any(
    target_os = "android",
    target_vendor = "apple",
    all(target_os = "linux", target_env = "gnu")
)))]
use libc::{preadv, pwritev};

use crate::backend::{Outcome, RawOp};
use crate::error::Operation;

/// The codes that the core looks at.
pub(crate) mod codes {
    pub(crate) const INTERRUPTED: i32 = libc::EINTR;
    pub(crate) const AGAIN: i32 = libc::EAGAIN;
    pub(crate) const CANCELLED: i32 = libc::ECANCELED;
    pub(crate) const INVALID: i32 = libc::EINVAL;

    /// Whether the code says that the file system doesn't know the operation.
    pub(crate) fn is_unsupported(code: i32) -> bool {
        [libc::EOPNOTSUPP, libc::ENOSYS, libc::ENOTTY].contains(&code)
    }

    #[cfg(feature = "simulate")]
    pub(crate) const NO_SPACE: i32 = libc::ENOSPC;
    #[cfg(feature = "simulate")]
    pub(crate) const BROKEN: i32 = libc::EBADF;
}

/// A file descriptor that whoever made the operation keeps open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFile(pub(crate) RawFd);

impl RawFile {
    /// For operations without a file.
    pub const NONE: Self = Self(-1);

    pub(crate) fn of(file: &std::fs::File) -> Self {
        Self(file.as_raw_fd())
    }
}

/// Linux moves at most so many bytes in one call.
pub(crate) const LONGEST: usize = 0x7fff_f000;

/// Does one operation on this thread, once: it may be short, interrupted or refused.
///
/// # Safety
///
/// As for `Backend::push`: file and memory are valid, and exclusive for a read.
pub(crate) unsafe fn perform(op: &RawOp) -> Outcome {
    let RawFile(fd) = op.file;
    let vector = op.first_buffer();
    let (address, length) = (vector.address, vector.length.min(LONGEST));
    // The core has checked that it is below 2^63.
    #[allow(clippy::cast_possible_wrap, reason = "checked before")]
    let offset = op.offset as off_t;
    let result = match op.operation {
        Operation::Write | Operation::Read if op.vectors > 1 => {
            // SAFETY: the caller's promise: so many vectors of valid memory.
            unsafe { transfer_vectors(op, offset) }
        }
        Operation::Allocate => return change_range(op),
        Operation::Zero if op.address.is_null() => return change_range(op),
        // SAFETY: the caller's promise: `length` bytes may be read at `address`.
        Operation::Write | Operation::Zero => unsafe {
            pwrite(fd, address.cast_const().cast(), length, offset)
        },
        // SAFETY: the caller's promise: `length` bytes may be written at `address`.
        Operation::Read => unsafe { pread(fd, address.cast(), length, offset) },
        Operation::SyncData => sync_data(fd),
        Operation::SyncAll => sync_all(fd),
        Operation::Nop => 0,
    };
    u32::try_from(result)
        .map_err(|_| std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

/// Does a read that the page cache can answer as a whole, and tells whether it did; it never waits
/// for a disk. Where it didn't, nothing is said of the memory.
///
/// # Safety
///
/// As for [`perform`]; the operation is a read, and ends below 2^63.
#[cfg(all(
    target_os = "linux",
    any(target_env = "gnu", target_env = "musl"),
    not(any(latchwork_loom, latchwork_shuttle))
))]
pub(crate) unsafe fn read_cached(op: &RawOp) -> bool {
    use libc::c_ulong;
    let whole = crate::backend::Vector { address: op.address, length: op.length };
    let (vectors, count) = match op.vectors {
        0 => (&raw const whole, 1),
        count => (op.first_vector().cast_const(), count),
    };
    // Not by the library's function, which old ones lack: the system says so itself. It takes the
    // offset in two words, the upper of which holds nothing where a word has 64 bits.
    let low = op.offset as c_ulong;
    let high = op.offset.checked_shr(c_ulong::BITS).unwrap_or(0) as c_ulong;
    // SAFETY: the caller's promise: so many vectors, of memory that may be written.
    let read = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            op.file.0,
            vectors,
            c_ulong::from(count),
            low,
            high,
            libc::RWF_NOWAIT,
        )
    };
    usize::try_from(read).is_ok_and(|read| read == op.length)
}

/// So many vectors in one call; the system does the rest as a short transfer's.
#[cfg_attr(target_vendor = "apple", allow(dead_code, reason = "it takes one at a time"))]
pub(crate) const MOST_VECTORS: u32 = 1024;

/// # Safety
///
/// As for `perform`.
#[cfg(not(target_vendor = "apple"))]
unsafe fn transfer_vectors(op: &RawOp, offset: off_t) -> isize {
    let RawFile(fd) = op.file;
    let count = op.vectors.min(MOST_VECTORS).cast_signed();
    let vectors = op.first_vector().cast_const().cast::<libc::iovec>();
    if op.operation == Operation::Write {
        // SAFETY: the caller's promise: so many vectors, of memory that may be read.
        unsafe { pwritev(fd, vectors, count, offset) }
    } else {
        // SAFETY: the caller's promise: so many vectors, of memory that may be written.
        unsafe { preadv(fd, vectors, count, offset) }
    }
}

/// Old releases lack the vectored calls: the first vector, and the rest as a short transfer's.
///
/// # Safety
///
/// As for `perform`.
#[cfg(target_vendor = "apple")]
unsafe fn transfer_vectors(op: &RawOp, offset: off_t) -> isize {
    let RawFile(fd) = op.file;
    let vector = op.first_buffer();
    let length = vector.length.min(LONGEST);
    if op.operation == Operation::Write {
        // SAFETY: the caller's promise.
        unsafe { libc::pwrite(fd, vector.address.cast_const().cast(), length, offset) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { libc::pread(fd, vector.address.cast(), length, offset) }
    }
}

/// The mode of `fallocate` for an operation without bytes of the caller's; either extends the file.
#[cfg(target_os = "linux")]
pub(crate) fn range_mode(operation: Operation) -> i32 {
    if operation == Operation::Zero { libc::FALLOC_FL_ZERO_RANGE } else { 0 }
}

#[cfg(target_os = "linux")]
fn change_range(op: &RawOp) -> Outcome {
    // The core has checked that their sum is below 2^63.
    #[allow(clippy::cast_possible_wrap, reason = "checked before")]
    let (offset, length) = (op.offset as off_t, op.length as off_t);
    // SAFETY: touches no memory.
    match unsafe { fallocate(op.file.0, range_mode(op.operation), offset, length) } {
        0 => Ok(0),
        _ => Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)),
    }
}

/// The core then writes zeros itself, and reports an allocation as not supported.
#[cfg(not(target_os = "linux"))]
fn change_range(_: &RawOp) -> Outcome {
    Err(libc::EOPNOTSUPP)
}

#[cfg(not(target_vendor = "apple"))]
fn sync_data(fd: RawFd) -> isize {
    // SAFETY: touches no memory.
    unsafe { libc::fdatasync(fd) as isize }
}

#[cfg(target_vendor = "apple")]
fn sync_data(fd: RawFd) -> isize {
    sync_all(fd)
}

#[cfg(not(target_vendor = "apple"))]
fn sync_all(fd: RawFd) -> isize {
    // SAFETY: touches no memory.
    unsafe { libc::fsync(fd) as isize }
}

/// Apple's `fsync` leaves data in the device's cache; this doesn't.
#[cfg(target_vendor = "apple")]
fn sync_all(fd: RawFd) -> isize {
    // SAFETY: touches no memory.
    unsafe { libc::fcntl(fd, libc::F_FULLFSYNC) as isize }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn is_direct(file: &std::fs::File) -> bool {
    // SAFETY: asks for flags; touches no memory.
    let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
    flags >= 0 && flags & libc::O_DIRECT != 0
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) fn is_direct(_: &std::fs::File) -> bool {
    false
}

#[allow(clippy::unnecessary_wraps, reason = "the same face on every system")]
pub(crate) fn set_open_flags(
    options: &mut std::fs::OpenOptions,
    direct: bool,
    data_sync: bool,
) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut flags = 0;
    if direct {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        {
            flags |= libc::O_DIRECT;
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        return Err(std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            "this system has no unbuffered I/O by open flag",
        ));
    }
    if data_sync {
        flags |= libc::O_DSYNC;
    }
    options.custom_flags(flags);
    Ok(())
}

/// Space for the first so many bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn allocate(file: &std::fs::File, bytes: u64) -> std::io::Result<()> {
    let Ok(bytes) = off_t::try_from(bytes) else {
        return Err(std::io::Error::from_raw_os_error(libc::EFBIG));
    };
    loop {
        // SAFETY: touches no memory.
        if unsafe { fallocate(file.as_raw_fd(), 0, 0, bytes) } == 0 {
            return Ok(());
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn allocate(_: &std::fs::File, _: u64) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

/// What direct transfers of this file must be multiples of, where the system tells (Linux 6.1).
#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
pub(crate) fn direct_alignment(file: &std::fs::File) -> Option<usize> {
    // SAFETY: all zeros is a valid value.
    let mut facts: libc::statx = unsafe { core::mem::zeroed() };
    // SAFETY: an empty path, and a buffer that lives during the call.
    let result = unsafe {
        libc::statx(
            file.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            libc::STATX_DIOALIGN,
            &raw mut facts,
        )
    };
    let told = result == 0 && facts.stx_mask & libc::STATX_DIOALIGN != 0;
    let bytes = facts.stx_dio_mem_align.max(facts.stx_dio_offset_align) as usize;
    (told && bytes > 0).then_some(bytes)
}

#[cfg(not(all(target_os = "linux", any(target_env = "gnu", target_env = "musl"))))]
pub(crate) fn direct_alignment(_: &std::fs::File) -> Option<usize> {
    None
}
