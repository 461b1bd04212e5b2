//! What a log needs of a file system, so that tests can bring one that crashes.

use core::fmt::Debug;
use std::io;
use std::path::PathBuf;

use super::error::LogError;

/// One directory of files.
pub trait Storage: Send + Sync + 'static {
    /// An open file.
    type File: StorageFile + Send + Sync + 'static;
    /// Held while a log is open.
    type Lock: Send + Debug;

    /// Takes the directory for one log.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] when another has it.
    fn lock(&self) -> Result<Self::Lock, LogError>;

    /// The names of all files.
    ///
    /// # Errors
    ///
    /// The system's.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file, in the place of one that may be there.
    ///
    /// # Errors
    ///
    /// The system's.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading and, if `write` says so, for writing.
    ///
    /// # Errors
    ///
    /// The system's.
    fn open(&self, name: &str, write: bool) -> io::Result<Self::File>;

    /// Gives a file another name.
    ///
    /// # Errors
    ///
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// The system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names durable.
    ///
    /// # Errors
    ///
    /// The system's.
    fn sync_names(&self) -> io::Result<()>;

    /// Whether a sync through one open file covers what was written through another of the same
    /// name; yes by default. A log over one that doesn't never lets its syncs go.
    fn syncs_for_all_handles(&self) -> bool {
        true
    }

    /// A file's path, for errors.
    fn path(&self, name: &str) -> PathBuf;
}

/// An open file.
pub trait StorageFile {
    /// Reads up to `buffer.len()` bytes; fewer only at the file's end.
    ///
    /// # Errors
    ///
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes.
    ///
    /// # Errors
    ///
    /// The system's; some of the bytes may be written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the content durable, and the metadata that it takes to read it.
    ///
    /// # Errors
    ///
    /// The system's; what is durable then is unknown.
    fn sync(&self) -> io::Result<()>;

    /// The file's length.
    ///
    /// # Errors
    ///
    /// The system's.
    fn length(&self) -> io::Result<u64>;
}
