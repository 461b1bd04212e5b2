//! The operations that all value stacks have.

use core::fmt;
use core::iter::FusedIterator;

use crate::handle::{Slotted, sealed};
use crate::lists::Drain;

/// Methods and traits that read the same on every stack.
macro_rules! surface {
    ([$($generics:tt)*] $stack:ty) => {
        impl<$($generics)*> $stack {
            /// A thread's handle, with which a push and a pop cost half.
            pub fn handle(&self) -> crate::Handle<&Self> {
                crate::Handle::new(self)
            }

            /// Pops the newest value.
            #[inline]
            pub fn pop(&self) -> Option<T> {
                self.lists.pop()
            }

            /// Pops the newest value by the sole owner: no atomic operation.
            #[inline]
            pub fn pop_mut(&mut self) -> Option<T> {
                self.lists.pop_mut()
            }

            /// Takes everything in one swap, newest first.
            ///
            /// Progress: wait-free.
            pub fn take_all(&self) -> crate::TakeAll<'_, Self> {
                crate::TakeAll::new(self.lists.take_all())
            }

            /// Takes everything in one swap, oldest first: a take-all, and one walk that turns it
            /// around.
            pub fn drain_fifo(&self) -> crate::TakeAll<'_, Self> {
                crate::TakeAll::new(self.lists.take_all().reversed())
            }

            /// Whether it was empty at some moment of the call.
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.lists.is_empty()
            }

            /// How many bits the generation has.
            ///
            /// A pop goes wrong only if one slot was pushed a multiple of 2 to this power times
            /// while that pop was between its read of the top and its exchange, and is on top
            /// again just then. See the crate's documentation for what that takes.
            pub fn generation_bits(&self) -> u32 {
                self.lists.storage().generation_bits()
            }
        }

        impl<$($generics)*> core::fmt::Debug for $stack {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                // The values belong to whoever pops them next.
                f.debug_struct(stringify!($stack))
                    .field("is_empty", &self.is_empty())
                    .field("generation_bits", &self.generation_bits())
                    .finish_non_exhaustive()
            }
        }

        impl<$($generics)*> IntoIterator for $stack {
            type Item = T;
            type IntoIter = crate::IntoIter<Self>;

            /// Newest first.
            fn into_iter(self) -> crate::IntoIter<Self> {
                crate::IntoIter::new(self)
            }
        }
    };
}

pub(crate) use surface;

/// What a stack does that can be full.
macro_rules! bounded {
    ([$($generics:tt)*] $stack:ty) => {
        impl<$($generics)*> $stack {
            /// Pushes a value.
            ///
            /// # Errors
            ///
            /// The value, when the stack is full.
            #[inline]
            pub fn push(&self, value: T) -> Result<(), T> {
                self.lists.push(value)
            }

            /// As [`Self::push`], under the name that it has on every stack.
            ///
            /// # Errors
            ///
            /// The value, when the stack is full.
            #[inline]
            pub fn try_push(&self, value: T) -> Result<(), T> {
                self.push(value)
            }

            /// Pushes all values in one exchange, the iterator's last on top.
            ///
            /// Should the iterator panic, the values that it gave before are pushed.
            ///
            /// # Errors
            ///
            /// When the stack is full: the value that no longer fitted and the iterator. Those
            /// before are pushed, in one exchange.
            pub fn push_all<I: IntoIterator<Item = T>>(
                &self,
                values: I,
            ) -> Result<(), (T, I::IntoIter)> {
                self.lists.push_all(values)
            }

            /// Pushes a value by the sole owner: no atomic operation unless a fresh slot is
            /// needed.
            ///
            /// # Errors
            ///
            /// The value, when the stack is full.
            pub fn try_push_mut(&mut self, value: T) -> Result<(), T> {
                self.lists.push_mut(value)
            }
        }
    };
}

pub(crate) use bounded;

/// Values taken from a stack in one swap, from `take_all` or `drain_fifo`.
///
/// Dropping it drops the rest, each value once, even when one's drop panics; the slots go back to
/// the stack, a batch at a time. Forgetting it leaks the rest, and their slots until the stack is
/// dropped; it harms nothing else.
pub struct TakeAll<'a, S: Slotted> {
    drain: Drain<'a, S::Storage>,
}

impl<'a, S: Slotted> TakeAll<'a, S> {
    pub(crate) fn new(drain: Drain<'a, S::Storage>) -> Self {
        Self { drain }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.drain.is_empty()
    }

    /// The rest the other way round. O(n), in place.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { drain: self.drain.reversed() }
    }

    /// Puts the rest back on the stack, in one exchange; its next value will be on top. O(n).
    pub fn put_back(self) {
        self.drain.put_back();
    }
}

impl<S: Slotted> Iterator for TakeAll<'_, S> {
    type Item = <S as Slotted>::Item;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.drain.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.drain.size_hint()
    }
}

impl<S: Slotted> FusedIterator for TakeAll<'_, S> {}

impl<S: Slotted> fmt::Debug for TakeAll<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeAll").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

/// The values of a stack that is no more, newest first.
pub struct IntoIter<S> {
    stack: S,
}

impl<S> IntoIter<S> {
    pub(crate) fn new(stack: S) -> Self {
        Self { stack }
    }
}

impl<S: Slotted> Iterator for IntoIter<S> {
    type Item = <S as Slotted>::Item;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        sealed::Slotted::lists_mut(&mut self.stack).pop_mut()
    }
}

impl<S: Slotted> FusedIterator for IntoIter<S> {}

impl<S: fmt::Debug> fmt::Debug for IntoIter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.stack).finish()
    }
}
