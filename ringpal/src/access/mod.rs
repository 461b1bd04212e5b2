//! Files whose type says how they reach the disk, and what may be believed when a write returns.
//!
//! | type | opened with | a write that has returned | beside a map of the same file |
//! | --- | --- | --- | --- |
//! | [`BufferedFile`] | nothing more | is in the page cache | coherent; a page can be seen half written |
//! | [`WriteThroughFile`] | `O_DSYNC` | is durable, and in the page cache | the same |
//! | [`DirectFile`] | `O_DIRECT` | is at the device, perhaps in its cache | not promised to be coherent |
//! | [`DirectSyncFile`] | both | is durable | not promised to be coherent |
//! | [`MappedFile`] | `mmap`, for reading | | is the map |
//!
//! On Windows the flags are `FILE_FLAG_NO_BUFFERING` and `FILE_FLAG_WRITE_THROUGH`.
//!
//! Unbuffered writes and a map of the same file are two views that no system promises to keep
//! together: Windows documents that they differ, POSIX is silent, Linux invalidates the page cache
//! before and after a direct write, on local file systems. A store that read a page through its
//! map which it had written unbuffered once lost data that way. So the types don't convert into
//! each other: none has a constructor from another, and only [`MappedFile`] can be read as memory.
//! The tool `ringpal-coherence` shows what this system does.
//!
//! Each type but the map dereferences to [`File`](crate::File), which is what a ring's calls take.

mod kind;
mod mapped;
mod opening;
mod typed;

pub use kind::AccessKind;
pub use mapped::MappedFile;
pub use opening::{Access, Opening};
pub use typed::{BufferedFile, DirectFile, DirectSyncFile, Misaligned, WriteThroughFile};
