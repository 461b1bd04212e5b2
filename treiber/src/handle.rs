//! A thread's handle to a stack.

use core::fmt;

use crate::lists::{Lists, Magazine};
use crate::narrow::{NarrowStack, SmallChunks};
use crate::storage::{Flat, Narrow, Storage};
use crate::{ArrayStack, InlineStack, Stack};

pub(crate) mod sealed {
    pub trait Slotted {
        type Storage: super::Storage;
        fn lists(&self) -> &super::Lists<Self::Storage>;
        fn lists_mut(&mut self) -> &mut super::Lists<Self::Storage>;
    }
}

/// The stacks that give [`Handle`]s.
pub trait Slotted: sealed::Slotted {}

macro_rules! slotted {
    ($(impl[$($generics:tt)*] $stack:ty, $storage:ty;)*) => {$(
        impl<$($generics)*> sealed::Slotted for $stack {
            type Storage = $storage;

            #[inline]
            fn lists(&self) -> &Lists<Self::Storage> {
                &self.lists
            }

            #[inline]
            fn lists_mut(&mut self) -> &mut Lists<Self::Storage> {
                &mut self.lists
            }
        }

        impl<$($generics)*> Slotted for $stack {}
    )*};
}

slotted! {
    impl[T] Stack<T>, crate::stack::Slots<T>;
    impl[T] ArrayStack<T>, crate::array_stack::Slots<T>;
    impl[T, const N: usize] InlineStack<T, N>, crate::inline_stack::Slots<T, N>;
    impl[T, const BITS: u32] NarrowStack<T, BITS>, Flat<T, Narrow<BITS>>;
    impl[T] SmallChunks<T>, crate::stack::Slots<T>;
}

/// A thread's handle to a stack, with free slots of its own: two locked operations for a push and
/// a pop, instead of four.
///
/// A handle keeps at most two batches of free slots, which come and go a batch at a time, in one
/// exchange. Dropping it gives them back; forgetting it (`mem::forget`) loses them to the stack
/// until the stack is dropped, and harms nothing else. Handles and calls on the stack itself mix
/// freely.
///
/// - Progress: lock-free, as the stack.
/// - Memory ordering: as the stack's own operations.
/// - Wrap: as the stack's; on an [`ArrayStack`] with at least 40 generation bits a pop uses what
///   the handle saw on top at its last operation, so that the time in which generations must not
///   wrap runs from there. It reads the slot below anew, so that a wrap does harm only if it ends
///   in the few nanoseconds between that read and the exchange.
///
/// ```
/// use latchwork_treiber::Stack;
///
/// let stack = Stack::new();
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let mut handle = stack.handle();
///             for n in 0..1000 {
///                 handle.push(n);
///                 handle.pop();
///             }
///         });
///     }
/// });
/// assert!(stack.is_empty());
/// ```
pub struct Handle<'a, S: Slotted> {
    magazine: Magazine<'a, S::Storage>,
}

impl<'a, S: Slotted> Handle<'a, S> {
    pub(crate) fn new(stack: &'a S) -> Self {
        Self { magazine: Magazine::new(stack.lists()) }
    }

    /// Pops the newest value.
    #[inline]
    pub fn pop(&mut self) -> Option<<S::Storage as Storage>::Item> {
        self.magazine.pop()
    }
}

impl<T> Handle<'_, Stack<T>> {
    /// Pushes a value.
    ///
    /// # Panics
    ///
    /// When there is no memory or no index for another chunk of slots; see
    /// [`Handle::try_push`].
    #[inline]
    pub fn push(&mut self, value: T) {
        if self.magazine.push(value).is_err() {
            crate::stack::no_room();
        }
    }

    /// Pushes a value.
    ///
    /// # Errors
    ///
    /// The value, when there is no memory or no index for another chunk of slots.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), T> {
        self.magazine.push(value)
    }
}

/// The push of the stacks that can be full.
macro_rules! bounded {
    ($([$($generics:tt)*] $stack:ty;)*) => {$(
        impl<$($generics)*> Handle<'_, $stack> {
            /// Pushes a value.
            ///
            /// # Errors
            ///
            /// The value, when the stack is full.
            #[inline]
            pub fn push(&mut self, value: T) -> Result<(), T> {
                self.magazine.push(value)
            }
        }
    )*};
}

bounded! {
    [T] ArrayStack<T>;
    [T, const N: usize] InlineStack<T, N>;
    [T, const BITS: u32] NarrowStack<T, BITS>;
    [T] SmallChunks<T>;
}

impl<S: Slotted> fmt::Debug for Handle<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.magazine).finish()
    }
}
