//! Stacks with generations too narrow to be safe, and chunks too small to be quick: for the
//! models and tests that show why the shipped ones are as they are.

use latchwork_sync::atomic::Ordering;

use crate::lists::Lists;
use crate::storage::{Chunks, Flat, Full, Narrow, Storage};
use crate::surface::{bounded, surface};
use crate::tagged::{AddressTooWide, AtomicPacked, Packed, TaggedPointer, by_word};

/// An [`ArrayStack`](crate::ArrayStack) with at most `BITS` bits of generation.
pub struct NarrowStack<T, const BITS: u32> {
    pub(crate) lists: Lists<Flat<T, Narrow<BITS>>>,
}

impl<T, const BITS: u32> NarrowStack<T, BITS> {
    /// A stack of so many slots, in batches of so many.
    #[must_use]
    pub fn new(slots: usize, batch: usize) -> Self {
        let storage = Flat::new(slots, batch).expect("a test has memory");
        Self { lists: Lists::new(storage) }
    }

    /// A pop that does something else between its read of the top and its exchange; `None` when
    /// that fails. With generations so narrow that it may not, a value may come out twice: so
    /// values must need no drop, and their bits must be small numbers, since they may be taken for
    /// slots.
    #[must_use]
    pub fn pop_held_up(&self, meanwhile: impl FnOnce()) -> Option<T>
    where
        T: Copy,
    {
        self.lists.pop_held_up(meanwhile)
    }
}

bounded!([T, const BITS: u32] NarrowStack<T, BITS>);
surface!([T, const BITS: u32] NarrowStack<T, BITS>);

/// A [`Stack`](crate::Stack) whose first chunk is as small as a test wants it.
pub struct SmallChunks<T> {
    pub(crate) lists: Lists<Chunks<T, Full>>,
}

impl<T> SmallChunks<T> {
    /// A stack whose first chunk has so many slots, one of which is not used.
    #[must_use]
    pub fn new(first: usize) -> Self {
        Self { lists: Lists::new(Chunks::new(first)) }
    }
}

bounded!([T] SmallChunks<T>);
surface!([T] SmallChunks<T>);

/// A [`Packed`] pointer with a tag of at most `BITS` bits.
pub struct NarrowPointer<T, const BITS: u32>(Packed<T>);

impl<T, const BITS: u32> NarrowPointer<T, BITS> {
    fn into_inner(self) -> Packed<T> {
        self.0
    }
}

impl<T, const BITS: u32> Clone for NarrowPointer<T, BITS> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const BITS: u32> Copy for NarrowPointer<T, BITS> {}

impl<T, const BITS: u32> PartialEq for NarrowPointer<T, BITS> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

// SAFETY: as for `Packed`.
unsafe impl<T, const BITS: u32> TaggedPointer<T> for NarrowPointer<T, BITS> {
    type Atomic = AtomicPacked<T>;

    const TAG_BITS: u32 = BITS;

    fn try_new(pointer: *mut T) -> Result<Self, AddressTooWide> {
        Packed::new(pointer, 0).map(Self)
    }

    fn into_parts(self) -> (u64, u64) {
        self.0.into_parts()
    }

    fn from_parts(address: u64, tag: u64) -> Self {
        Self(Packed::from_parts(address, tag))
    }

    fn as_pointer(self) -> *mut T {
        self.0.pointer()
    }

    fn bumped(self) -> Self {
        let (address, tag) = self.0.bumped().into_parts();
        Self::from_parts(address, tag & ((1 << BITS) - 1))
    }

    by_word!(Self, Self::into_inner, AtomicPacked<T>);
}
