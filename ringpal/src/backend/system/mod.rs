//! Files, maps and positioned I/O, an operating system a file.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(not(any(unix, windows)))]
#[path = "none.rs"]
mod imp;

#[cfg(all(unix, not(any(latchwork_loom, latchwork_shuttle))))]
#[path = "map_unix.rs"]
mod map;
#[cfg(all(windows, not(any(latchwork_loom, latchwork_shuttle))))]
#[path = "map_windows.rs"]
mod map;

#[cfg(all(not(any(unix, windows)), not(any(latchwork_loom, latchwork_shuttle))))]
use imp as map;

pub use imp::RawFile;
#[cfg(all(
    target_os = "linux",
    any(target_env = "gnu", target_env = "musl"),
    not(any(latchwork_loom, latchwork_shuttle))
))]
pub(crate) use imp::read_cached;
#[cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
#[allow(unused_imports, reason = "for io_uring, which is not there on every architecture")]
pub(crate) use imp::{LONGEST, MOST_VECTORS, range_mode};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use imp::{allocate, direct_alignment, is_direct, set_open_flags};
pub(crate) use imp::{codes, perform};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use map::Map;

/// Elsewhere nobody knows what a read would wait for.
///
/// # Safety
///
/// None is needed; Linux's has requirements.
#[cfg(not(any(
    all(target_os = "linux", any(target_env = "gnu", target_env = "musl")),
    latchwork_loom,
    latchwork_shuttle
)))]
pub(crate) unsafe fn read_cached(_: &crate::backend::RawOp) -> bool {
    false
}
