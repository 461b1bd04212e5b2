use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, forget};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::{Block, Tagged};

/// An object on the heap that nothing else can reach: a box with a tag and its scheme's header.
///
/// ```
/// use latchwork_reclaim::Owned;
///
/// let mut node = Owned::new(41_u64).with_tag(1);
/// *node += 1;
/// assert_eq!(node.tag(), 1);
/// assert_eq!(node.into_inner(), 42);
/// ```
pub struct Owned<T, H = ()> {
    word: NonNull<Block<T, H>>,
    owns: PhantomData<Block<T, H>>,
}

// SAFETY: an `Owned` is the only way to its object, as a box is.
unsafe impl<T: Send, H: Send> Send for Owned<T, H> {}
// SAFETY: a shared `Owned` gives shared access to the object alone, as a box does.
unsafe impl<T: Sync, H: Sync> Sync for Owned<T, H> {}

impl<T> Owned<T> {
    /// Puts `value` on the heap, by one allocation, for a scheme without headers.
    #[inline]
    pub fn new(value: T) -> Self {
        Self::with_header(value, ())
    }
}

impl<T, H> Owned<T, H> {
    /// Puts `value` on the heap behind `header`.
    ///
    /// [`Guard::own`](crate::Guard::own) does so with the header of the guard's domain.
    #[inline]
    pub fn with_header(value: T, header: H) -> Self {
        let word = NonNull::from(Box::leak(Box::new(Block::new(header, value))));
        Self { word, owns: PhantomData }
    }

    /// # Safety
    ///
    /// As [`Tagged::into_owned`].
    #[inline]
    pub(crate) unsafe fn from_tagged(tagged: Tagged<T, H>) -> Self {
        // SAFETY: the caller says that the pointer is not null.
        Self { word: unsafe { NonNull::new_unchecked(tagged.word()) }, owns: PhantomData }
    }

    /// The pointer, with its tag; who holds it now owns the object.
    #[inline]
    pub fn into_tagged(self) -> Tagged<T, H> {
        let tagged = self.as_tagged();
        forget(self);
        tagged
    }

    /// The pointer, for comparing.
    #[inline]
    pub fn as_tagged(&self) -> Tagged<T, H> {
        Tagged::from_word(self.word.as_ptr())
    }

    /// The tag.
    #[inline]
    pub fn tag(&self) -> usize {
        self.as_tagged().tag()
    }

    /// The same object with another tag; bits beyond [`Tagged::TAG_MASK`] are dropped.
    #[inline]
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Self {
        let tagged = self.into_tagged().with_tag(tag);
        // SAFETY: the same object, owned until a line ago.
        unsafe { Self::from_tagged(tagged) }
    }

    /// Takes the value out and frees the allocation.
    #[inline]
    pub fn into_inner(self) -> T {
        let block = ManuallyDrop::new(self).block();
        // SAFETY: this was the block's owner, and will not free it again.
        unsafe { Self::unbox(block) }.value
    }

    /// Takes a block out of its box.
    ///
    /// # Safety
    ///
    /// The caller owns the block, and does not use the pointer again.
    #[inline]
    unsafe fn unbox(block: NonNull<Block<T, H>>) -> Block<T, H> {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        {
            // SAFETY: the caller owns the block.
            unsafe { block.as_ref() }.end();
            // The memory stays, so that a late look fails by what it finds.
            // SAFETY: as above.
            unsafe { block.read() }
        }
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        {
            // SAFETY: the block came from a box (`with_header`), and the caller owns it.
            *unsafe { Box::from_raw(block.as_ptr()) }
        }
    }

    #[inline]
    fn block(&self) -> NonNull<Block<T, H>> {
        // SAFETY: an owned pointer is not null without its tag either: it points to a block.
        unsafe { NonNull::new_unchecked(self.as_tagged().block()) }
    }
}

impl<T, H> Drop for Owned<T, H> {
    fn drop(&mut self) {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        // SAFETY: this is the block's owner.
        drop(unsafe { Self::unbox(self.block()) });
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        // SAFETY: the block came from a box and is freed only here; the value is never moved out
        // of an `Owned` that is dropped.
        drop(unsafe { Box::from_raw(self.block().as_ptr()) });
    }
}

impl<T, H> Deref for Owned<T, H> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the object lives as long as its owner.
        &unsafe { self.block().as_ref() }.value
    }
}

impl<T, H> DerefMut for Owned<T, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the object lives as long as its owner, which is borrowed mutably.
        &mut unsafe { self.block().as_mut() }.value
    }
}

impl<T> From<T> for Owned<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug, H> fmt::Debug for Owned<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("value", &**self).field("tag", &self.tag()).finish()
    }
}
