//! Files as a ring sees them: a handle, a name for errors, and how its batches travel.

use alloc::sync::Arc;
use core::fmt;
use std::path::Path;

use crate::backend::system::{self, RawFile};

/// How the batches of a file travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Batches of direct files and of buffered reads through the ring. Inline on the calling
    /// thread: single operations, which have nothing to overlap with; buffered writes and syncs,
    /// which the kernel would otherwise hand to workers of its own at more cost. Operations that
    /// own their buffers stay inline only where nothing can be waited for: see
    /// [`Requests`](crate::Requests).
    #[default]
    Auto,
    /// Everything through the ring.
    Ring,
    /// Everything inline on the calling thread.
    Sync,
}

/// A file, with a tag for errors and a [`Policy`].
///
/// ```
/// use latchwork_ringpal::{File, Policy};
///
/// let file = File::new(tempfile::tempfile()?, "scratch").with_policy(Policy::Sync);
/// assert_eq!(file.tag(), "scratch");
/// assert!(!file.is_direct());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct File {
    /// Shared with owned operations in flight, so that it stays open for them.
    inner: Arc<std::fs::File>,
    tag: Arc<str>,
    direct: bool,
    policy: Policy,
}

impl File {
    /// Wraps an open file; errors name it by `tag`.
    ///
    /// Whether it is direct is asked of the system once, here.
    pub fn new(inner: std::fs::File, tag: impl Into<Arc<str>>) -> Self {
        let direct = system::is_direct(&inner);
        Self { inner: Arc::new(inner), tag: tag.into(), direct, policy: Policy::Auto }
    }

    /// Options to open a file by its path, which becomes its tag.
    pub fn options() -> OpenOptions {
        OpenOptions { inner: std::fs::OpenOptions::new(), direct: false, data_sync: false }
    }

    /// The same file with another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// What errors call it.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// How its batches travel.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Whether its I/O bypasses the page cache.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// The file itself, for everything that a ring doesn't do.
    pub fn as_std(&self) -> &std::fs::File {
        &self.inner
    }

    /// Unwraps the file.
    ///
    /// # Panics
    ///
    /// Where owned operations on it are in flight, the result is a second descriptor of the same
    /// file, and the system may have none left.
    pub fn into_std(self) -> std::fs::File {
        Arc::try_unwrap(self.inner).unwrap_or_else(|shared| {
            shared.try_clone().expect("a descriptor for a file that is in use")
        })
    }

    pub(crate) fn shared_tag(&self) -> Arc<str> {
        Arc::clone(&self.tag)
    }

    pub(crate) fn share(&self) -> Arc<std::fs::File> {
        Arc::clone(&self.inner)
    }

    pub(crate) fn raw(&self) -> RawFile {
        RawFile::of(&self.inner)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("tag", &self.tag)
            .field("direct", &self.direct)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// How to open a [`File`]; as [`std::fs::OpenOptions`], with what the system offers for storage.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    inner: std::fs::OpenOptions,
    direct: bool,
    data_sync: bool,
}

impl OpenOptions {
    /// Whether it can be read.
    #[must_use]
    pub fn read(mut self, read: bool) -> Self {
        self.inner.read(read);
        self
    }

    /// Whether it can be written.
    #[must_use]
    pub fn write(mut self, write: bool) -> Self {
        self.inner.write(write);
        self
    }

    /// Whether it is made where it doesn't exist.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.inner.create(create);
        self
    }

    /// Whether it must not exist yet.
    #[must_use]
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.inner.create_new(create_new);
        self
    }

    /// Whether its content is dropped.
    #[must_use]
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.inner.truncate(truncate);
        self
    }

    /// Whether I/O bypasses the page cache: `O_DIRECT`, or `FILE_FLAG_NO_BUFFERING` on Windows.
    /// Offsets, lengths and addresses must then be multiples of the device's block. It does not
    /// make a write durable: the device's own cache is still there.
    #[must_use]
    pub fn direct(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }

    /// Whether each write returns only when its data is durable: `O_DSYNC`, or
    /// `FILE_FLAG_WRITE_THROUGH` on Windows.
    #[must_use]
    pub fn data_sync(mut self, data_sync: bool) -> Self {
        self.data_sync = data_sync;
        self
    }

    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// The system's, as [`std::fs::OpenOptions::open`]; among them `InvalidInput` where the file
    /// system has no direct I/O, and `Unsupported` where the operating system has none.
    pub fn open(&self, path: impl AsRef<Path>) -> std::io::Result<File> {
        let path = path.as_ref();
        let mut options = self.inner.clone();
        system::set_open_flags(&mut options, self.direct, self.data_sync)?;
        let inner = options.open(path)?;
        let tag: Arc<str> = path.to_string_lossy().into();
        // What was asked for holds also where the system can't be asked afterwards.
        let direct = self.direct || system::is_direct(&inner);
        Ok(File { inner: Arc::new(inner), tag, direct, policy: Policy::Auto })
    }
}
