//! Files and positioned I/O, an operating system a file.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(not(any(unix, windows)))]
#[path = "none.rs"]
mod imp;

#[cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
pub(crate) use imp::LONGEST;
pub use imp::RawFile;
pub(crate) use imp::codes;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use imp::{is_direct, perform, set_open_flags};
