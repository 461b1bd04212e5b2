use core::fmt;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr;

use super::{Block, Owned, Shared};

/// An address and its tag, without a right to look at what lies there.
///
/// What a plain load of an [`Atomic`](super::Atomic) gives: good for comparing, for reading the
/// tag, and as the expected value of a compare-exchange. Two are equal when address and tag are.
///
/// ```
/// use latchwork_reclaim::Tagged;
///
/// let end: Tagged<u64> = Tagged::null().with_tag(1);
/// assert!(end.is_null());
/// assert_eq!(end.tag(), 1);
/// ```
pub struct Tagged<T, H = ()>(*mut Block<T, H>);

impl<T, H> Tagged<T, H> {
    /// The bits of a pointer that are free for a tag: one less than the object's alignment.
    pub const TAG_MASK: usize = align_of::<Block<T, H>>() - 1;

    /// The null pointer with tag 0.
    #[inline]
    pub const fn null() -> Self {
        Self(ptr::null_mut())
    }

    #[inline(always)]
    pub(crate) const fn from_word(word: *mut Block<T, H>) -> Self {
        Self(word)
    }

    /// Address and tag as one word.
    #[inline(always)]
    pub(crate) const fn word(self) -> *mut Block<T, H> {
        self.0
    }

    /// The address alone.
    #[inline(always)]
    pub(crate) fn block(self) -> *mut Block<T, H> {
        self.0.map_addr(|address| address & !Self::TAG_MASK)
    }

    /// Where the value lies, if the address is not null.
    #[inline(always)]
    pub(crate) fn value(self) -> *const T {
        self.block().wrapping_byte_add(offset_of!(Block<T, H>, value)).cast_const().cast()
    }

    /// Whether the address is null, whatever the tag.
    #[inline]
    pub fn is_null(self) -> bool {
        self.block().is_null()
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> usize {
        self.0.addr() & Self::TAG_MASK
    }

    /// The same address with another tag; bits of `tag` beyond [`Tagged::TAG_MASK`] are dropped.
    #[inline]
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Self {
        Self(self.0.map_addr(|address| address & !Self::TAG_MASK | tag & Self::TAG_MASK))
    }

    /// The pointer as one of a lifetime of the caller's choice. What may be done with it is for
    /// [`Shared::deref`] and its like to say.
    #[inline(always)]
    pub fn as_shared<'g>(self) -> Shared<'g, T, H> {
        Shared::from_tagged(self, PhantomData)
    }

    /// Takes the object back.
    ///
    /// # Safety
    ///
    /// The pointer is not null, came from an [`Owned`], and no other thread can reach the object
    /// now or later; it is neither retired nor owned by anyone else.
    #[inline]
    pub unsafe fn into_owned(self) -> Owned<T, H> {
        // SAFETY: the caller hands over the only way to the object.
        unsafe { Owned::from_tagged(self) }
    }
}

impl<T, H> Clone for Tagged<T, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, H> Copy for Tagged<T, H> {}

impl<T, H> PartialEq for Tagged<T, H> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T, H> Eq for Tagged<T, H> {}

impl<T, H> Default for Tagged<T, H> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T, H> fmt::Debug for Tagged<T, H> {
    // The address alone: the object may be gone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tagged").field("address", &self.block()).field("tag", &self.tag()).finish()
    }
}
