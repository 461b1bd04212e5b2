//! A file as memory, for reading.

use alloc::sync::Arc;
use core::fmt;
use std::path::Path;

use crate::backend::system::Map;

/// A read-only map of a whole file.
///
/// It shares the page cache with buffered writes, and shows them at once, byte by byte: a page
/// that is being written can be seen half old and half new. So read a page only after the call that
/// wrote it has returned. Beside a [`DirectFile`](crate::DirectFile) of the same file nothing is
/// promised, see [`AccessKind`](crate::AccessKind) and the tool `ringpal-coherence`.
///
/// The map has the length that the file had when it was opened. Where the file is cut shorter
/// afterwards, by whomever, a read beyond its new end stops the process (`SIGBUS`); an error of the
/// device under a map does too.
///
/// ```
/// use latchwork_ringpal::MappedFile;
///
/// let path = tempfile::NamedTempFile::new()?;
/// std::fs::write(&path, b"hello, map")?;
/// let map = MappedFile::open(&path)?;
/// let mut word = [0; 3];
/// assert_eq!(map.read_at(7, &mut word), 3);
/// assert_eq!(&word, b"map");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct MappedFile {
    map: Map,
    tag: Arc<str>,
}

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    ///
    /// The system's, as for opening it to read, and for mapping it.
    pub fn open(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(|_| {
            std::io::Error::new(
                std::io::ErrorKind::FileTooLarge,
                "the file is larger than this process's address space: map a part of it yourself",
            )
        })?;
        Ok(Self { map: Map::new(&file, length)?, tag: path.to_string_lossy().into() })
    }

    /// How many bytes are mapped.
    pub fn len(&self) -> usize {
        self.map.length()
    }

    /// Whether the file had no bytes when it was mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its path.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Copies what is there now at `offset` to `into`; returns how many bytes, fewer at the end of
    /// the map.
    ///
    /// Words of 8 bytes, aligned in the file, are copied whole; nothing larger is.
    #[allow(clippy::cast_ptr_alignment, reason = "asked before")]
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        let Some(there) = self.len().checked_sub(offset) else { return 0 };
        let count = there.min(into.len());
        let mut done = 0;
        while done < count {
            let from = self.map.start().wrapping_add(offset + done);
            // Volatile: the memory changes under us, by the system's doing, so each byte is to be
            // read once.
            if count - done >= 8 && from.addr().is_multiple_of(8) {
                // SAFETY: 8 bytes within the map, which is mapped as long as `self` lives.
                let word = unsafe { from.cast::<u64>().read_volatile() };
                into[done..done + 8].copy_from_slice(&word.to_ne_bytes());
                done += 8;
            } else {
                // SAFETY: a byte within the map.
                into[done] = unsafe { from.read_volatile() };
                done += 1;
            }
        }
        count
    }

    /// The first byte, for those who read without a copy, by volatile or atomic reads.
    pub fn as_ptr(&self) -> *const u8 {
        self.map.start()
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedFile")
            .field("tag", &self.tag)
            .field("length", &self.len())
            .finish_non_exhaustive()
    }
}
