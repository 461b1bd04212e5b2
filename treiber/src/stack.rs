//! The stack that grows.

use latchwork_sync::const_fn;

use crate::lists::Lists;
use crate::storage::{Chunks, Full, Storage};
use crate::surface::surface;

pub(crate) type Slots<T> = Chunks<T, Full>;

/// Slots of the first chunk, where nobody asked for more.
const FIRST_CHUNK: usize = 64;

/// An unbounded stack.
///
/// It grows by chunks of slots, each twice as large as the one before; no slot ever moves, and
/// none is freed before the stack is. So a value that is popped leaves a slot for the next one,
/// and the stack takes as much memory as it once needed.
///
/// - Progress: every operation is lock-free up to the allocation of a chunk; [`Stack::take_all`]
///   is wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever pops or takes the
///   value.
/// - Cost: two locked operations a push and two a pop; with a [`Handle`](crate::Handle) one each.
///   A slot has 16 bytes for values of up to 8.
/// - Wrap: 32 bits of generation; see [`Stack::generation_bits`].
/// - Room: 2^32 - 1 slots at most, in 64 chunks.
///
/// ```
/// use latchwork_treiber::Stack;
///
/// let stack: Stack<_> = ["a", "b"].into_iter().collect();
/// stack.push("c");
/// assert_eq!(stack.pop(), Some("c"));
/// stack.push_all(["d", "e"]);
/// assert!(stack.drain_fifo().eq(["a", "b", "d", "e"]));
/// ```
pub struct Stack<T> {
    pub(crate) lists: Lists<Slots<T>>,
}

/// There is no memory for another chunk, or all indices are in use.
#[cold]
pub(crate) fn no_room() -> ! {
    panic!("no memory or no index for another chunk of slots; `try_push` gives the value back")
}

impl<T> Stack<T> {
    const_fn! {
        /// An empty stack; allocates nothing yet.
        pub fn new() -> Self {
            Self { lists: Lists::new(Chunks::new(FIRST_CHUNK)) }
        }
    }

    /// An empty stack with room for so many values.
    ///
    /// # Panics
    ///
    /// When there is no memory for it.
    #[must_use]
    pub fn with_capacity(values: usize) -> Self {
        // Index 0 is no slot.
        let first = values.saturating_add(1).clamp(FIRST_CHUNK, 1 << 26).next_power_of_two();
        let storage = Chunks::new(first);
        assert!(storage.reserve(values), "no memory for a stack of {values} values");
        Self { lists: Lists::new(storage) }
    }

    /// Pushes a value.
    ///
    /// # Panics
    ///
    /// When there is no memory or no index for another chunk; see [`Stack::try_push`].
    #[inline]
    pub fn push(&self, value: T) {
        if self.lists.push(value).is_err() {
            no_room();
        }
    }

    /// Pushes a value.
    ///
    /// # Errors
    ///
    /// The value, when there is no memory or no index for another chunk.
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(), T> {
        self.lists.push(value)
    }

    /// Pushes all values in one exchange, the iterator's last on top.
    ///
    /// Should the iterator panic, the values that it gave before are pushed.
    ///
    /// # Panics
    ///
    /// When there is no memory or no index for another chunk; the values before are pushed.
    pub fn push_all<I: IntoIterator<Item = T>>(&self, values: I) {
        if self.lists.push_all(values).is_err() {
            no_room();
        }
    }

    /// Pushes a value by the sole owner: no atomic operation unless a fresh slot is needed.
    ///
    /// # Panics
    ///
    /// As [`Stack::push`].
    pub fn push_mut(&mut self, value: T) {
        if self.try_push_mut(value).is_err() {
            no_room();
        }
    }

    /// Pushes a value by the sole owner.
    ///
    /// # Errors
    ///
    /// The value, when there is no memory or no index for another chunk.
    pub fn try_push_mut(&mut self, value: T) -> Result<(), T> {
        self.lists.push_mut(value)
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Extend<T> for Stack<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push_mut(value));
    }
}

impl<T> FromIterator<T> for Stack<T> {
    /// The iterator's last is on top.
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values = values.into_iter();
        let mut stack = Self::with_capacity(values.size_hint().0.min(1 << 20));
        stack.extend(values);
        stack
    }
}

surface!([T] Stack<T>);
