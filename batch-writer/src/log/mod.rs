//! A segmented file log as a sink.
//!
//! A log is a directory of segments. A segment is made whole before it is used: filled with
//! zeros, so that later syncs needn't write any metadata; its header and its entry in the
//! directory made durable. A thread of the log's does so while the one before is being written
//! (`ahead.rs`), so that no submitter waits for it. Then records are written into it one after the other, a whole batch in
//! one segment, each framed with its length, a CRC-32C, the segment's salt and its sequence
//! number (`frame.rs`).
//!
//! **Recovery** reads every record. Each record says how far the log was durable when it was
//! written. So where a frame is not intact, there are two cases:
//!
//! - Nothing that follows knows the place as durable: the crash tore an unacknowledged batch. The
//!   tail is cut: overwritten by zeros and synced, so that nothing of it can ever come back.
//! - A later record, or a later segment, proves that the place was durable: the file was damaged.
//!   That is an error that names the place; nothing is changed.
//!
//! Forgotten segments may be written again. Such a file still holds the frames of its earlier lives,
//! and none of them counts: each life has its own salt, under each frame's checksum. What a crash
//! leaves of frames with the present salt is overwritten before the log goes on.
//!
//! Damage to the last batch of all can't be told from a torn one by this, and is cut.
//!
//! Assumed of the disk: a sector of 512 bytes is written whole or not at all, and a sync that
//! succeeds tells the truth. What a failed sync leaves is not assumed.
//!
//! Sources: `LevelDB`'s log format for the framing; `RocksDB`'s recyclable records and `SQLite`'s WAL
//! for the salt.

mod ahead;
mod error;
mod files;
mod frame;
mod options;
mod payload;
mod reader;
mod recover;
#[cfg(feature = "ringpal")]
mod ring;
mod segment;
mod simulated;
mod sink;
mod storage;

pub use error::LogError;
pub use files::Directory;
pub use frame::Location;
pub use options::LogOptions;
pub use payload::Payload;
pub use reader::{Reader, Records};
pub use recover::{Cut, Record, Recovery};
#[cfg(feature = "ringpal")]
pub use ring::{RingDirectory, RingFile};
pub use simulated::SimulatedDisk;
pub use sink::Log;
pub use storage::{Storage, StorageFile};
