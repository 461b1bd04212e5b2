//! Buffers at addresses that unbuffered I/O accepts.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// An alignment in bytes: a power of two, checked once.
///
/// ```
/// use latchwork_ringpal::Alignment;
///
/// assert_eq!(Alignment::new(512).unwrap().bytes(), 512);
/// assert!(Alignment::new(3000).is_err());
/// assert!(Alignment::PAGE.holds(8192));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alignment(usize);

impl Alignment {
    /// 4,096 bytes: what direct I/O on every common file system and device accepts.
    pub const PAGE: Self = Self(4096);

    /// 1 byte: no demand.
    pub const BYTE: Self = Self(1);

    /// The alignment of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// When `bytes` is not a power of two.
    pub const fn new(bytes: usize) -> Result<Self, AlignError> {
        if bytes.is_power_of_two() {
            Ok(Self(bytes))
        } else {
            Err(AlignError::NotAPowerOfTwo { bytes })
        }
    }

    /// The alignment in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Whether an offset, a length or an address is a multiple of it.
    #[must_use]
    pub const fn holds(self, value: u64) -> bool {
        value & (self.0 as u64 - 1) == 0
    }
}

/// Why an aligned buffer could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlignError {
    /// The alignment asked for is no power of two.
    NotAPowerOfTwo {
        /// The bytes asked for.
        bytes: usize,
    },
    /// The length is above what one allocation may hold.
    TooLong {
        /// The bytes asked for.
        length: usize,
    },
    /// The allocator has no memory left.
    OutOfMemory {
        /// The bytes asked for.
        length: usize,
    },
}

impl fmt::Display for AlignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPowerOfTwo { bytes } => {
                write!(f, "an alignment of {bytes} bytes is no power of two: use 512 or 4096")
            }
            Self::TooLong { length } => {
                write!(f, "a buffer of {length} bytes is longer than an allocation may be")
            }
            Self::OutOfMemory { length } => {
                write!(f, "no memory for an aligned buffer of {length} bytes: use a smaller one")
            }
        }
    }
}

impl core::error::Error for AlignError {}

impl From<AlignError> for std::io::Error {
    fn from(error: AlignError) -> Self {
        let kind = match error {
            AlignError::OutOfMemory { .. } => std::io::ErrorKind::OutOfMemory,
            _ => std::io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// Bytes on the heap at an address that is a multiple of an [`Alignment`].
///
/// ```
/// use latchwork_ringpal::{AlignedBuf, Alignment};
///
/// let mut page = AlignedBuf::zeroed(4096, Alignment::PAGE)?;
/// page[..5].copy_from_slice(b"hello");
/// assert!(Alignment::PAGE.holds(page.as_ptr().addr() as u64));
/// # Ok::<(), latchwork_ringpal::AlignError>(())
/// ```
pub struct AlignedBuf {
    /// I1: points to `length` initialised bytes, allocated with `layout()`; dangling but aligned
    /// when `length` is 0.
    start: NonNull<u8>,
    length: usize,
    alignment: Alignment,
}

// SAFETY: I1: the bytes belong to this value alone, as a `Vec<u8>`'s do.
unsafe impl Send for AlignedBuf {}
// SAFETY: as for `Send`: a shared reference gives reads only.
unsafe impl Sync for AlignedBuf {}

impl AlignedBuf {
    /// `length` zero bytes.
    ///
    /// # Errors
    ///
    /// When no such allocation is possible.
    pub fn zeroed(length: usize, alignment: Alignment) -> Result<Self, AlignError> {
        let layout = Layout::from_size_align(length, alignment.0)
            .map_err(|_| AlignError::TooLong { length })?;
        if length == 0 {
            let start = core::ptr::without_provenance_mut(alignment.0);
            // SAFETY: a power of two is not 0.
            let start = unsafe { NonNull::new_unchecked(start) };
            return Ok(Self { start, length, alignment });
        }
        // SAFETY: the layout's size is not 0.
        let start = unsafe { alloc_zeroed(layout) };
        match NonNull::new(start) {
            Some(start) => Ok(Self { start, length, alignment }),
            None => Err(AlignError::OutOfMemory { length }),
        }
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    ///
    /// When no such allocation is possible.
    pub fn copy_of(bytes: &[u8], alignment: Alignment) -> Result<Self, AlignError> {
        let mut buffer = Self::zeroed(bytes.len(), alignment)?;
        buffer.copy_from_slice(bytes);
        Ok(buffer)
    }

    /// The alignment of the first byte.
    #[must_use]
    pub fn alignment(&self) -> Alignment {
        self.alignment
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: the same values made a layout when the buffer was allocated (I1).
            let layout =
                unsafe { Layout::from_size_align_unchecked(self.length, self.alignment.0) };
            // SAFETY: I1.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: I1.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for AlignedBuf {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: I1, and `&mut self` is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl AsRef<[u8]> for AlignedBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for AlignedBuf {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBuf")
            .field("length", &self.length)
            .field("alignment", &self.alignment.0)
            .finish_non_exhaustive()
    }
}
