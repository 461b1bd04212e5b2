//! Stacks with generations too narrow to be safe, and chunks too small to be quick: for the
//! models and tests that show why the shipped ones are as they are.

use crate::lists::Lists;
use crate::storage::{Chunks, Flat, Full, Narrow, Storage};
use crate::surface::surface;

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

    /// Pushes a value.
    ///
    /// # Errors
    ///
    /// The value, when the stack is full.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        self.lists.push(value)
    }

    /// Pushes all values in one exchange.
    ///
    /// # Errors
    ///
    /// When the stack is full: the value that no longer fitted and the iterator.
    pub fn push_all<I: IntoIterator<Item = T>>(&self, values: I) -> Result<(), (T, I::IntoIter)> {
        self.lists.push_all(values)
    }
}

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

    /// Pushes a value.
    ///
    /// # Errors
    ///
    /// The value, when there is no memory.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        self.lists.push(value)
    }
}

surface!([T] SmallChunks<T>);
