//! `MapViewOfFile`.

use core::ffi::c_void;
use core::ptr::NonNull;
use std::os::windows::io::{AsRawHandle, RawHandle};

const PAGE_READONLY: u32 = 2;
const FILE_MAP_READ: u32 = 4;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn CreateFileMappingW(
        file: RawHandle,
        security: *const c_void,
        protection: u32,
        high: u32,
        low: u32,
        name: *const u16,
    ) -> RawHandle;
    fn MapViewOfFile(map: RawHandle, access: u32, high: u32, low: u32, bytes: usize)
    -> *mut c_void;
    fn UnmapViewOfFile(start: *const c_void) -> i32;
    fn CloseHandle(handle: RawHandle) -> i32;
}

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
        let (file, none) = (file.as_raw_handle(), core::ptr::null());
        // SAFETY: the file is open; no name and no security attributes.
        let map = unsafe { CreateFileMappingW(file, none, PAGE_READONLY, 0, 0, core::ptr::null()) };
        if map.is_null() {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: a map object that was just made.
        let start = unsafe { MapViewOfFile(map, FILE_MAP_READ, 0, 0, length) };
        let result = NonNull::new(start.cast::<u8>()).ok_or_else(std::io::Error::last_os_error);
        // SAFETY: closed once; the view keeps the object alive.
        unsafe { CloseHandle(map) };
        result.map(|start| Self { start, length })
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
            // SAFETY: mapped in `new`, and nobody borrows from it any more.
            unsafe { UnmapViewOfFile(self.start.as_ptr().cast()) };
        }
    }
}
