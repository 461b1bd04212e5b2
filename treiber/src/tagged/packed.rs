//! Pointer and tag in one word, the tag in the sixteen bits that most systems leave free.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::const_fn;

const ADDRESS_BITS: u32 = 48;
const ADDRESS: u64 = (1 << ADDRESS_BITS) - 1;

/// The address of a pointer doesn't leave sixteen bits for a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressTooWide {
    address: u64,
}

impl fmt::Display for AddressTooWide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the address {:#x} has more than 48 bits (a tagged pointer, or memory mapped high); \
             use an index or a double-width word",
            self.address
        )
    }
}

impl core::error::Error for AddressTooWide {}

/// A pointer and a 16-bit tag in 64 bits. **A last resort**: prefer
/// [`IndexLayout`](super::IndexLayout) or a double-width word.
///
/// - The tag wraps after 65,536 changes, in well under a millisecond of hammering: any thread
///   that loses its processor between its read and its exchange finds it wrapped several times,
///   and goes wrong once in 65,536 of the cases in which the same node is on top.
/// - Addresses may be wider than 48 bits: 57-bit address spaces (only for memory that asks for
///   it), ARM's top-byte tags, hardware address sanitizers. So each pointer is checked when its
///   word is made, and refused.
///
/// ```
/// use latchwork_treiber::tagged::Packed;
///
/// let mut value = 5;
/// let word = Packed::new(&raw mut value, 65_535).unwrap();
/// let next = word.bumped();
/// assert_eq!((next.pointer(), next.tag()), (&raw mut value, 0)); // it wrapped
/// assert!(Packed::new(core::ptr::without_provenance_mut::<u8>(1 << 60), 0).is_err());
/// ```
pub struct Packed<T> {
    bits: u64,
    pointer: PhantomData<*mut T>,
}

impl<T> Packed<T> {
    /// A word of this pointer, which may be null, and this tag. Exposes the provenance.
    ///
    /// # Errors
    ///
    /// When the address has more than 48 bits.
    #[inline]
    pub fn new(pointer: *mut T, tag: u16) -> Result<Self, AddressTooWide> {
        let address = pointer.expose_provenance() as u64;
        if address > ADDRESS {
            return Err(AddressTooWide { address });
        }
        Ok(Self::from_bits(u64::from(tag) << ADDRESS_BITS | address))
    }

    const fn from_bits(bits: u64) -> Self {
        Self { bits, pointer: PhantomData }
    }

    /// A word of an address that another word had.
    pub(super) const fn of_parts(address: u64, tag: u16) -> Self {
        Self::from_bits((tag as u64) << ADDRESS_BITS | address)
    }

    /// The null pointer with tag 0.
    #[must_use]
    pub const fn null() -> Self {
        Self::from_bits(0)
    }

    /// The pointer.
    #[inline]
    pub fn pointer(self) -> *mut T {
        // No more than 48 bits, and it was an address of this machine's.
        ptr::with_exposed_provenance_mut((self.bits & ADDRESS) as usize)
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> u16 {
        (self.bits >> ADDRESS_BITS) as u16
    }

    /// The same pointer with the next tag.
    #[inline]
    #[must_use]
    pub fn bumped(self) -> Self {
        Self::from_bits(self.bits.wrapping_add(1 << ADDRESS_BITS))
    }
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Packed<T> {}

impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Packed<T> {}

impl<T> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed")
            .field("pointer", &self.pointer())
            .field("tag", &self.tag())
            .finish()
    }
}

/// A [`Packed`] word that threads share. Orderings are the caller's.
pub struct AtomicPacked<T> {
    word: AtomicU64,
    pointer: PhantomData<*mut T>,
}

// SAFETY: it gives out pointers, and whoever uses one vouches for that.
unsafe impl<T> Send for AtomicPacked<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for AtomicPacked<T> {}

impl<T> AtomicPacked<T> {
    const_fn! {
        /// A word with this value.
        pub fn new(value: Packed<T>) -> Self {
            Self { word: AtomicU64::new(value.bits), pointer: PhantomData }
        }
    }

    /// Reads the word.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn load(&self, order: Ordering) -> Packed<T> {
        Packed::from_bits(self.word.load(order))
    }

    /// Replaces the word and returns the one before.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn swap(&self, value: Packed<T>, order: Ordering) -> Packed<T> {
        Packed::from_bits(self.word.swap(value.bits, order))
    }

    /// Replaces the word if it is `current`, pointer and tag; may fail without a reason.
    ///
    /// # Errors
    ///
    /// The word found.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange_weak(
        &self,
        current: Packed<T>,
        new: Packed<T>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Packed<T>, Packed<T>> {
        self.word
            .compare_exchange_weak(current.bits, new.bits, success, failure)
            .map(Packed::from_bits)
            .map_err(Packed::from_bits)
    }
}

impl<T> fmt::Debug for AtomicPacked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicPacked").finish_non_exhaustive()
    }
}
