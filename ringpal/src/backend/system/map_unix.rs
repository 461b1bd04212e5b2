//! `mmap`.

use core::ptr::NonNull;
use std::os::fd::AsRawFd;

/// Pages of a file as memory, for reading.
pub(crate) struct Map {
    /// Dangling where the length is 0.
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to the process and is only read.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    pub(crate) fn new(file: &std::fs::File, length: usize) -> std::io::Result<Self> {
        if length == 0 {
            return Ok(Self { start: NonNull::dangling(), length });
        }
        // SAFETY: a new map at an address of the system's choice.
        let start = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { start, length }),
            _ => Err(std::io::Error::last_os_error()),
        }
    }

    pub(crate) fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: mapped in `new` with this length, and nobody borrows from it any more.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
        }
    }
}
