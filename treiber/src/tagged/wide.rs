//! Pointer and 64-bit tag, exchanged as one.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::atomic::{AtomicPair, Ordering};
use latchwork_sync::const_fn;

/// A pointer and a 64-bit tag.
pub struct Wide<T> {
    /// The pointer.
    pub pointer: *mut T,
    /// The tag.
    pub tag: u64,
}

impl<T> Wide<T> {
    /// The same pointer with the next tag.
    #[inline]
    #[must_use]
    pub fn bumped(self) -> Self {
        Self { pointer: self.pointer, tag: self.tag.wrapping_add(1) }
    }

    /// Exposes the provenance.
    fn words(self) -> (u64, u64) {
        (self.pointer.expose_provenance() as u64, self.tag)
    }

    fn of((address, tag): (u64, u64)) -> Self {
        // The address was one of this machine's.
        Self { pointer: ptr::with_exposed_provenance_mut(address as usize), tag }
    }
}

impl<T> Clone for Wide<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Wide<T> {}

impl<T> PartialEq for Wide<T> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.pointer, other.pointer) && self.tag == other.tag
    }
}

impl<T> Eq for Wide<T> {}

impl<T> fmt::Debug for Wide<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wide").field("pointer", &self.pointer).field("tag", &self.tag).finish()
    }
}

/// A [`Wide`] word that threads share: no assumption on addresses, and a tag that does not wrap
/// in practice. Orderings are the caller's.
///
/// Progress: lock-free where the processor exchanges two words at once, see
/// [`AtomicWide::is_lock_free`]; by a lock inside `portable-atomic` elsewhere.
///
/// ```
/// use latchwork_sync::atomic::Ordering::{Acquire, Release};
/// use latchwork_treiber::tagged::{AtomicWide, Wide};
///
/// let mut node = 5;
/// let head = AtomicWide::null();
/// let before = head.load(Acquire);
/// let new = Wide { pointer: &raw mut node, tag: before.tag }.bumped();
/// assert!(head.compare_exchange_weak(before, new, Release, Acquire).is_ok());
/// assert_eq!(head.load(Acquire), new);
/// ```
pub struct AtomicWide<T> {
    words: AtomicPair,
    pointer: PhantomData<*mut T>,
}

// SAFETY: it gives out pointers, and whoever uses one vouches for that.
unsafe impl<T> Send for AtomicWide<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for AtomicWide<T> {}

impl<T> AtomicWide<T> {
    const_fn! {
        /// The null pointer with tag 0.
        pub fn null() -> Self {
            Self { words: AtomicPair::new((0, 0)), pointer: PhantomData }
        }
    }

    /// A word with this value. Exposes the provenance.
    pub fn new(value: Wide<T>) -> Self {
        Self { words: AtomicPair::new(value.words()), pointer: PhantomData }
    }

    /// Whether the processor at hand exchanges both words in one instruction or one loop of
    /// load-linked and store-conditional.
    pub fn is_lock_free() -> bool {
        AtomicPair::is_lock_free()
    }

    /// Reads both words at one instant.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn load(&self, order: Ordering) -> Wide<T> {
        Wide::of(self.words.load(order))
    }

    /// Replaces both words and returns those before.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn swap(&self, value: Wide<T>, order: Ordering) -> Wide<T> {
        Wide::of(self.words.swap(value.words(), order))
    }

    /// Replaces both words if they are `current`; may fail without a reason.
    ///
    /// # Errors
    ///
    /// The words found.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange_weak(
        &self,
        current: Wide<T>,
        new: Wide<T>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Wide<T>, Wide<T>> {
        self.words
            .compare_exchange_weak(current.words(), new.words(), success, failure)
            .map(Wide::of)
            .map_err(Wide::of)
    }
}

impl<T> fmt::Debug for AtomicWide<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicWide").finish_non_exhaustive()
    }
}
