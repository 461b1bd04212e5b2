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
/// - Cost: one exchange a push and one a pop; once a batch one more.
/// - Wrap: see below.
///
/// # Wrap
///
/// A pop begins with what the handle saw on top at its last operation, which may be long ago, but
/// reads the slot below anew, just before its exchange. So it is wrong only if, between this read
/// and the exchange, the slot that it believes to be on top is pushed, and if this very push
/// completes a multiple of 2^bits pushes of this slot since the handle's last operation. All that
/// comes before the read does no harm, however often the generation went round.
///
/// With the 32 bits of a [`Stack`]: the read and the exchange lie some 5 ns apart, or with the
/// chance of losing the processor right there 10 ns in the mean, in which other threads push one
/// slot twice at the very most (a push and a pop take 5 ns). One push in 2^32 completes a round, so
/// that the odds are 2 in 2^32 for a pop by a handle that lay idle for a round or more, which takes
/// 21 seconds; later pops begin from then. If other threads do nothing but push and pop this one
/// slot, and the handle pops once a round, that is once in 2^31 rounds of 21 seconds: 1,400 years.
/// A pop of the stack's own goes wrong only in a stall of 21 seconds in mid-pop. With the 40 bits
/// and more of an [`ArrayStack`] below 2^23 slots of 16 bytes the same load goes on for 90 million
/// years.
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
