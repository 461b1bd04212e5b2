//! The table from the system's libraries.

use core::ffi::{CStr, c_char, c_void};

use super::table::Functions;
use crate::info::Fallback;

/// `LOAD_LIBRARY_SEARCH_SYSTEM32`
const SYSTEM_LIBRARIES: u32 = 0x800;

type Found = unsafe extern "system" fn() -> isize;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn LoadLibraryExA(name: *const c_char, file: *mut c_void, flags: u32) -> *mut c_void;
    fn GetProcAddress(library: *mut c_void, name: *const c_char) -> Option<Found>;
}

/// Where the functions are: an older system has none of them, or only those that read.
const LIBRARIES: [&CStr; 3] =
    [c"api-ms-win-core-ioring-l1-1-0.dll", c"kernel32.dll", c"kernelbase.dll"];

/// The system's functions.
pub(super) fn functions() -> Result<Functions, Fallback> {
    let libraries = LIBRARIES.map(|name| {
        // SAFETY: a string that lives during the call. A library stays loaded for good.
        unsafe { LoadLibraryExA(name.as_ptr(), core::ptr::null_mut(), SYSTEM_LIBRARIES) }
    });
    let find = |name: &CStr| {
        libraries.iter().filter(|library| !library.is_null()).find_map(|library| {
            // SAFETY: a library that is loaded, and a string that lives during the call.
            unsafe { GetProcAddress(*library, name.as_ptr()) }
        })
    };
    // SAFETY: the system's libraries have the system's functions under these names.
    unsafe { Functions::load(find) }.map_err(Fallback::MissingOperation)
}
