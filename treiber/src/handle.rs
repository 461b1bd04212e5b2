//! A thread's handle to a stack.

use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use self::sealed::Slotted as _;
use crate::lists::{Lists, Magazine};
use crate::narrow::{NarrowStack, SmallChunks};
use crate::storage::{Flat, Narrow, Storage};
use crate::{ArrayStack, InlineStack, Stack};

pub(crate) mod sealed {
    use crate::lists::Lists;
    use crate::storage::Storage;

    pub trait Slotted {
        type Storage: Storage;
        type Pushed;
        fn lists(&self) -> &Lists<Self::Storage>;
        fn lists_mut(&mut self) -> &mut Lists<Self::Storage>;
        fn pushed(result: Result<(), <Self::Storage as Storage>::Item>) -> Self::Pushed;
    }
}

/// The stacks that give [`Handle`]s.
pub trait Slotted:
    sealed::Slotted<
        Storage: Storage<Item = <Self as Slotted>::Item>,
        Pushed = <Self as Slotted>::Pushed,
    >
{
    /// What the stack holds.
    type Item;

    /// What a push returns.
    type Pushed;
}

macro_rules! slotted {
    ($(impl[$($generics:tt)*] $stack:ty, $storage:ty, $pushed:ty, $finish:expr;)*) => {$(
        impl<$($generics)*> sealed::Slotted for $stack {
            type Storage = $storage;
            type Pushed = $pushed;

            #[inline]
            fn lists(&self) -> &Lists<Self::Storage> {
                &self.lists
            }

            #[inline]
            fn lists_mut(&mut self) -> &mut Lists<Self::Storage> {
                &mut self.lists
            }

            #[inline]
            fn pushed(result: Result<(), T>) -> $pushed {
                let finish: fn(Result<(), T>) -> $pushed = $finish;
                finish(result)
            }
        }

        impl<$($generics)*> Slotted for $stack {
            type Item = T;
            type Pushed = $pushed;
        }
    )*};
}

slotted! {
    impl[T] Stack<T>, crate::stack::Slots<T>, (), |result| {
        if result.is_err() {
            crate::stack::no_room();
        }
    };
    impl[T] ArrayStack<T>, crate::array_stack::Slots<T>, Result<(), T>, |result| result;
    impl[T, const N: usize] InlineStack<T, N>, crate::inline_stack::Slots<T, N>, Result<(), T>,
        |result| result;
    impl[T, const BITS: u32] NarrowStack<T, BITS>, Flat<T, Narrow<BITS>>, Result<(), T>,
        |result| result;
    impl[T] SmallChunks<T>, crate::stack::Slots<T>, Result<(), T>, |result| result;
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
/// - Wrap: a pop uses what the handle saw on top at its last operation, so that the time in which
///   a generation must not wrap runs from there. But it reads the slot below anew: a wrap does
///   harm only if it ends, at the very generation, in the few nanoseconds between that read and
///   the exchange.
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
///
/// A handle can also share the stack's ownership, see [`Handle::new`].
pub struct Handle<R: Reference> {
    magazine: Magazine<<R::Stack as sealed::Slotted>::Storage>,
    stack: R,
}

/// What a handle may hold of its stack: a borrow or an `Arc`.
///
/// # Safety
///
/// It always refers to the same stack, which lives at least as long and does not move.
pub unsafe trait Reference: Deref<Target = Self::Stack> {
    /// The stack.
    type Stack: Slotted;
}

// SAFETY: a borrow stays what it is.
unsafe impl<S: Slotted> Reference for &S {
    type Stack = S;
}

// SAFETY: an `Arc` stays what it is, and its stack is on the heap.
unsafe impl<S: Slotted> Reference for Arc<S> {
    type Stack = S;
}

impl<R: Reference> Handle<R> {
    /// A handle to this stack.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use latchwork_treiber::{ArrayStack, Handle};
    ///
    /// let stack = Arc::new(ArrayStack::new(100));
    /// let mut handle = Handle::new(Arc::clone(&stack));
    /// let thread = std::thread::spawn(move || handle.push(1));
    /// assert_eq!(thread.join().unwrap(), Ok(()));
    /// assert_eq!(stack.pop(), Some(1));
    /// ```
    pub fn new(stack: R) -> Self {
        Self { magazine: Magazine::new(), stack }
    }

    /// The stack.
    pub fn stack(&self) -> &R::Stack {
        &self.stack
    }

    /// Pops the newest value.
    #[inline]
    pub fn pop(&mut self) -> Option<<R::Stack as Slotted>::Item> {
        // SAFETY: a reference always refers to the same stack.
        unsafe { self.magazine.pop(self.stack.lists()) }
    }

    /// Pushes a value, as the stack's own `push`: on a [`Stack`] it returns nothing, and panics
    /// where there is no memory; a bounded stack that is full gives the value back as an error.
    #[inline]
    pub fn push(&mut self, value: <R::Stack as Slotted>::Item) -> <R::Stack as Slotted>::Pushed {
        let result = self.try_push(value);
        <R::Stack as sealed::Slotted>::pushed(result)
    }

    /// Pushes a value.
    ///
    /// # Errors
    ///
    /// The value, when the stack is full, or there is no memory for it to grow.
    #[inline]
    pub fn try_push(
        &mut self,
        value: <R::Stack as Slotted>::Item,
    ) -> Result<(), <R::Stack as Slotted>::Item> {
        // SAFETY: a reference always refers to the same stack.
        unsafe { self.magazine.push(self.stack.lists(), value) }
    }
}

impl<R: Reference> Drop for Handle<R> {
    fn drop(&mut self) {
        // SAFETY: a reference always refers to the same stack.
        unsafe { self.magazine.spill(self.stack.lists()) };
    }
}

impl<R: Reference> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.magazine).finish()
    }
}
