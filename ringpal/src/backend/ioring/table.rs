//! The functions of IoRing and of events, as a table that is filled at run time.
//!
//! Linked by name they would keep a program from starting on systems before Windows 11. As a table
//! they can also be somebody else's, which is how this backend is tested on systems without them.

use core::ffi::c_void;

/// `HANDLE`, of a file or an event.
pub(crate) type Handle = *mut c_void;

/// `HIORING`
pub(crate) type RingHandle = *mut c_void;

/// `HRESULT`
pub(crate) type Status = i32;

pub(crate) const S_OK: Status = 0;
/// No completion is there.
pub(crate) const S_FALSE: Status = 1;
pub(crate) const SUBMIT_IN_PROGRESS: Status = 0x8046_0006_u32.cast_signed();
pub(crate) const COMPLETION_QUEUE_TOO_FULL: Status = 0x8046_0008_u32.cast_signed();

/// `IORING_VERSION_3`: the first with writes and flushes.
pub(crate) const VERSION: i32 = 300;
/// `IORING_FEATURE_SET_COMPLETION_EVENT`
pub(crate) const FEATURE_EVENT: i32 = 2;
/// `IORING_OP_READ`, `IORING_OP_CANCEL`, `IORING_OP_WRITE`, `IORING_OP_FLUSH`
pub(crate) const OPERATIONS: [(i32, &str); 4] =
    [(1, "read"), (4, "cancel"), (5, "write"), (6, "flush")];
/// `FILE_FLUSH_DEFAULT`, `FILE_FLUSH_DATA`
pub(crate) const FLUSH_ALL: i32 = 0;
pub(crate) const FLUSH_DATA: i32 = 1;
/// `INFINITE`
pub(crate) const FOR_EVER: u32 = u32::MAX;

/// `IORING_CAPABILITIES`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Capabilities {
    pub(crate) version: i32,
    pub(crate) submission_queue: u32,
    pub(crate) completion_queue: u32,
    pub(crate) features: i32,
}

/// `IORING_CREATE_FLAGS`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct CreateFlags {
    required: i32,
    advisory: i32,
}

/// `IORING_INFO`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Info {
    pub(crate) version: i32,
    pub(crate) flags: CreateFlags,
    pub(crate) submission_queue: u32,
    pub(crate) completion_queue: u32,
}

/// `IORING_HANDLE_REF` and `IORING_BUFFER_REF` of the raw kind: an address behind a kind.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Raw {
    kind: i32,
    pub(crate) address: *mut c_void,
}

impl Raw {
    pub(crate) fn of(address: *mut c_void) -> Self {
        // IORING_REF_RAW.
        Self { kind: 0, address }
    }
}

// The unions in place of the address have 8 bytes; on 32-bit systems only one of the two has.
const _: () = assert!(size_of::<Raw>() == 16);

/// `IORING_CQE`
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) user_data: usize,
    pub(crate) status: Status,
    pub(crate) information: usize,
}

macro_rules! table {
    ($($(#[$docs:meta])* $field:ident = $name:literal: fn($($argument:ty),*) -> $result:ty;)*) => {
        /// What the backend calls.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Functions {
            $($(#[$docs])* pub(crate) $field: unsafe extern "system" fn($($argument),*) -> $result,)*
        }

        #[cfg(windows)]
        impl Functions {
            /// The table, from whoever finds functions by name; none where one of them is missing.
            ///
            /// # Safety
            ///
            /// What `find` returns are the functions of these names.
            pub(super) unsafe fn load(
                find: impl Fn(&core::ffi::CStr) -> Option<unsafe extern "system" fn() -> isize>,
            ) -> Result<Self, &'static str> {
                Ok(Self {
                    $($field: {
                        let Some(found) = find($name) else {
                            return Err(stringify!($field));
                        };
                        // SAFETY: by contract, the function of this name, which has this type.
                        unsafe {
                            core::mem::transmute::<
                                unsafe extern "system" fn() -> isize,
                                unsafe extern "system" fn($($argument),*) -> $result,
                            >(found)
                        }
                    },)*
                })
            }
        }
    };
}

table! {
    query_capabilities = c"QueryIoRingCapabilities": fn(*mut Capabilities) -> Status;
    create = c"CreateIoRing": fn(i32, CreateFlags, u32, u32, *mut RingHandle) -> Status;
    info = c"GetIoRingInfo": fn(RingHandle, *mut Info) -> Status;
    is_supported = c"IsIoRingOpSupported": fn(RingHandle, i32) -> i32;
    /// File, buffer, bytes, offset, user data, flags.
    read = c"BuildIoRingReadFile":
        fn(RingHandle, Raw, Raw, u32, u64, usize, i32) -> Status;
    /// File, buffer, bytes, offset, write flags, user data, flags.
    write = c"BuildIoRingWriteFile":
        fn(RingHandle, Raw, Raw, u32, u64, i32, usize, i32) -> Status;
    /// File, mode, user data, flags.
    flush = c"BuildIoRingFlushFile": fn(RingHandle, Raw, i32, usize, i32) -> Status;
    /// File, user data to cancel, user data.
    cancel = c"BuildIoRingCancelRequest": fn(RingHandle, Raw, usize, usize) -> Status;
    /// Operations to wait for, milliseconds, entries submitted.
    submit = c"SubmitIoRing": fn(RingHandle, u32, u32, *mut u32) -> Status;
    pop = c"PopIoRingCompletion": fn(RingHandle, *mut Entry) -> Status;
    set_event = c"SetIoRingCompletionEvent": fn(RingHandle, Handle) -> Status;
    close = c"CloseIoRing": fn(RingHandle) -> Status;
    /// Security, manual reset, initial state, name.
    create_event = c"CreateEventW": fn(*const c_void, i32, i32, *const u16) -> Handle;
    signal = c"SetEvent": fn(Handle) -> i32;
    /// Milliseconds.
    wait = c"WaitForSingleObject": fn(Handle, u32) -> u32;
    close_handle = c"CloseHandle": fn(Handle) -> i32;
}
