//! What the tagged pointers have in common, for structures over either.

use latchwork_sync::atomic::Ordering;

use super::AddressTooWide;

/// A pointer with a tag, and an atomic word that holds one: [`Packed`](super::Packed), and with
/// the feature `pair` [`Wide`](super::Wide).
///
/// # Safety
///
/// A word gives back what was put into it, and `bumped` keeps the pointer.
pub unsafe trait TaggedPointer<T>: Copy + PartialEq {
    /// The word that threads share.
    type Atomic: Send + Sync;

    /// How many bits the tag has.
    const TAG_BITS: u32;

    /// A pointer, which may be null, with tag 0. Exposes the provenance.
    ///
    /// # Errors
    ///
    /// When the address leaves too few bits for the tag.
    fn try_new(pointer: *mut T) -> Result<Self, AddressTooWide>;

    /// What `next` links keep of it: the address, and the tag.
    fn into_parts(self) -> (u64, u64);

    /// Undoes [`TaggedPointer::into_parts`].
    fn from_parts(address: u64, tag: u64) -> Self;

    /// The pointer, with the provenance of one that was exposed.
    fn as_pointer(self) -> *mut T;

    /// The same pointer with the next tag.
    #[must_use]
    fn bumped(self) -> Self;

    /// A word that holds this.
    fn into_atomic(self) -> Self::Atomic;

    /// Reads the word.
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn load(word: &Self::Atomic, order: Ordering) -> Self;

    /// Replaces the word and returns the one before.
    #[must_use]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn swap(self, word: &Self::Atomic, order: Ordering) -> Self;

    /// Replaces the word by `new` if it is this, pointer and tag; may fail without a reason.
    ///
    /// # Errors
    ///
    /// The word found.
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn compare_exchange_weak(
        self,
        word: &Self::Atomic,
        new: Self,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Self, Self>;
}

/// The methods that go to the atomic word; `$inner` is what the word holds.
macro_rules! by_word {
    ($wrap:expr, $unwrap:expr, $atomic:ty) => {
        #[inline]
        fn into_atomic(self) -> Self::Atomic {
            <$atomic>::new($unwrap(self))
        }

        #[inline]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        fn load(word: &Self::Atomic, order: Ordering) -> Self {
            $wrap(word.load(order))
        }

        #[inline]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        fn swap(self, word: &Self::Atomic, order: Ordering) -> Self {
            $wrap(word.swap($unwrap(self), order))
        }

        #[inline]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        fn compare_exchange_weak(
            self,
            word: &Self::Atomic,
            new: Self,
            success: Ordering,
            failure: Ordering,
        ) -> Result<Self, Self> {
            match word.compare_exchange_weak($unwrap(self), $unwrap(new), success, failure) {
                Ok(word) => Ok($wrap(word)),
                Err(word) => Err($wrap(word)),
            }
        }
    };
}

pub(crate) use by_word;

// SAFETY: the word is one atomic, and `bumped` leaves the address.
unsafe impl<T> TaggedPointer<T> for super::Packed<T> {
    type Atomic = super::AtomicPacked<T>;

    const TAG_BITS: u32 = 16;

    #[inline]
    fn try_new(pointer: *mut T) -> Result<Self, AddressTooWide> {
        Self::new(pointer, 0)
    }

    #[inline]
    fn into_parts(self) -> (u64, u64) {
        (self.pointer().addr() as u64, self.tag().into())
    }

    #[inline]
    fn from_parts(address: u64, tag: u64) -> Self {
        Self::of_parts(address, tag as u16)
    }

    #[inline]
    fn as_pointer(self) -> *mut T {
        self.pointer()
    }

    #[inline]
    fn bumped(self) -> Self {
        Self::bumped(self)
    }

    by_word!(core::convert::identity, core::convert::identity, super::AtomicPacked<T>);
}

#[cfg(feature = "pair")]
// SAFETY: the words are one atomic, and `bumped` leaves the address.
unsafe impl<T> TaggedPointer<T> for super::Wide<T> {
    type Atomic = super::AtomicWide<T>;

    const TAG_BITS: u32 = 64;

    #[inline]
    fn try_new(pointer: *mut T) -> Result<Self, AddressTooWide> {
        pointer.expose_provenance();
        Ok(Self { pointer, tag: 0 })
    }

    #[inline]
    fn into_parts(self) -> (u64, u64) {
        (self.pointer.addr() as u64, self.tag)
    }

    #[inline]
    fn from_parts(address: u64, tag: u64) -> Self {
        Self { pointer: core::ptr::with_exposed_provenance_mut(address as usize), tag }
    }

    #[inline]
    fn as_pointer(self) -> *mut T {
        // Taken up anew: the word may be from before its memory was another allocation's.
        core::ptr::with_exposed_provenance_mut(self.pointer.addr())
    }

    #[inline]
    fn bumped(self) -> Self {
        Self::bumped(self)
    }

    by_word!(core::convert::identity, core::convert::identity, super::AtomicWide<T>);
}
