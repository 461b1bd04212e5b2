//! Files and positioned I/O, an operating system a file.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;

#[cfg(target_os = "linux")]
pub(crate) use imp::LONGEST;
pub use imp::RawFile;
pub(crate) use imp::{codes, is_direct, perform, set_open_flags};
