//! The builder of the typed files.

use core::fmt;
use core::marker::PhantomData;
use std::path::Path;

use super::AccessKind;
use crate::align::Alignment;
use crate::backend::system;
use crate::file::{File, OpenOptions};

/// A file type that [`Opening`] opens. Sealed: the types of this crate.
pub trait Access: sealed::Make {
    /// How its files reach the disk.
    const KIND: AccessKind;
}

pub(super) mod sealed {
    use crate::align::Alignment;
    use crate::file::File;

    pub trait Make: Sized {
        fn make(file: File, block: Alignment) -> Self;
    }
}

/// How to open a file of the type `T`; its `Display` says what the system will do.
///
/// ```
/// use latchwork_ringpal::{BufferedFile, DirectSyncFile};
///
/// let directory = tempfile::tempdir()?;
/// let opening = BufferedFile::options().read(true).write(true).create(true);
/// println!("{opening}"); // opened with no flags: transfers go through the page cache; …
/// let file = opening.preallocate(1 << 16).open(directory.path().join("data"))?;
/// assert_eq!(file.as_std().metadata()?.len(), 1 << 16);
///
/// println!("{}", DirectSyncFile::options()); // opened with O_DIRECT | O_DSYNC: …
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub struct Opening<T> {
    options: OpenOptions,
    preallocate: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: Access> Opening<T> {
    pub(super) fn new() -> Self {
        let options = File::options().direct(T::KIND.is_direct()).data_sync(T::KIND.is_durable());
        Self { options, preallocate: 0, of: PhantomData }
    }

    /// Whether it can be read.
    pub fn read(mut self, read: bool) -> Self {
        self.options = self.options.read(read);
        self
    }

    /// Whether it can be written.
    pub fn write(mut self, write: bool) -> Self {
        self.options = self.options.write(write);
        self
    }

    /// Whether it is made where it doesn't exist.
    pub fn create(mut self, create: bool) -> Self {
        self.options = self.options.create(create);
        self
    }

    /// Whether it must not exist yet.
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.options = self.options.create_new(create_new);
        self
    }

    /// Whether its content is dropped.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.options = self.options.truncate(truncate);
        self
    }

    /// Space for so many bytes from the file's start, taken when it is opened, so that no later
    /// write below that has to find any; a shorter file grows, and reads as zeros there.
    pub fn preallocate(mut self, bytes: u64) -> Self {
        self.preallocate = bytes;
        self
    }

    /// Opens the file at `path`, which becomes its tag.
    ///
    /// # Errors
    ///
    /// The system's, as [`std::fs::OpenOptions::open`]; among them `InvalidInput` where the file
    /// system has no direct I/O, and `Unsupported` where the operating system has none, or where
    /// the file system can't preallocate.
    pub fn open(&self, path: impl AsRef<Path>) -> std::io::Result<T> {
        let file = self.options.open(path)?;
        if self.preallocate > 0 {
            system::allocate(file.as_std(), self.preallocate)?;
        }
        let block = if T::KIND.is_direct() {
            system::direct_alignment(file.as_std())
                .and_then(|bytes| Alignment::new(bytes).ok())
                .unwrap_or(Alignment::PAGE)
        } else {
            Alignment::BYTE
        };
        Ok(T::make(file, block))
    }
}

impl<T> Clone for Opening<T> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), preallocate: self.preallocate, of: PhantomData }
    }
}

impl<T: Access> fmt::Display for Opening<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::KIND.fmt(f)
    }
}

impl<T: Access> fmt::Debug for Opening<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("kind", &T::KIND)
            .field("options", &self.options)
            .field("preallocate", &self.preallocate)
            .finish()
    }
}
