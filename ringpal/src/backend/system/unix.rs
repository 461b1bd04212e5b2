//! `pread`, `pwrite`, `fdatasync`, `fsync`; on Apple's systems `F_FULLFSYNC`.

use std::os::fd::{AsRawFd, RawFd};

// Where `off_t` may have 32 bits, the calls that don't cut an offset.
#[cfg(not(any(target_os = "android", all(target_os = "linux", target_env = "gnu"))))]
use libc::{off_t, pread, pwrite};
#[cfg(any(target_os = "android", all(target_os = "linux", target_env = "gnu")))]
use libc::{off64_t as off_t, pread64 as pread, pwrite64 as pwrite};

use crate::backend::{Outcome, RawOp};
use crate::error::Operation;

/// The codes that the core looks at.
pub(crate) mod codes {
    pub(crate) const INTERRUPTED: i32 = libc::EINTR;
    pub(crate) const AGAIN: i32 = libc::EAGAIN;
    pub(crate) const CANCELLED: i32 = libc::ECANCELED;
    pub(crate) const INVALID: i32 = libc::EINVAL;
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
    let length = op.length.min(LONGEST);
    // The core has checked that it is below 2^63.
    #[allow(clippy::cast_possible_wrap, reason = "checked before")]
    let offset = op.offset as off_t;
    let result = match op.operation {
        // SAFETY: the caller's promise: `length` bytes may be read at `address`.
        Operation::Write => unsafe { pwrite(fd, op.address.cast_const().cast(), length, offset) },
        // SAFETY: the caller's promise: `length` bytes may be written at `address`.
        Operation::Read => unsafe { pread(fd, op.address.cast(), length, offset) },
        Operation::SyncData => sync_data(fd),
        Operation::SyncAll => sync_all(fd),
        Operation::Nop => 0,
    };
    u32::try_from(result)
        .map_err(|_| std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
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
    let Ok(bytes) = libc::off_t::try_from(bytes) else {
        return Err(std::io::Error::from_raw_os_error(libc::EFBIG));
    };
    loop {
        // SAFETY: touches no memory.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, bytes) } == 0 {
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
