//! The stack that allocates nothing.

use latchwork_sync::const_fn;

use crate::lists::{Lists, held_back};
use crate::storage::{Inline, Storage};
use crate::surface::{bounded, surface};

pub(crate) type Slots<T, const N: usize> = Inline<T, N>;

/// A stack with `N` slots inside itself: for statics, and where there is no allocator.
///
/// - Progress: every operation is lock-free; [`InlineStack::take_all`] is wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever pops or takes the
///   value.
/// - Cost: as with [`ArrayStack`](crate::ArrayStack), and nothing is allocated.
/// - Wrap: 64 bits less those of an index, see [`InlineStack::generation_bits`].
/// - Full: as with an `ArrayStack`; for how many values fit for certain see
///   [`InlineStack::capacity_for`].
///
/// ```
/// use latchwork_treiber::InlineStack;
///
/// static FREE_PAGES: InlineStack<u32, 64> = InlineStack::new();
/// FREE_PAGES.push(7).unwrap();
/// assert_eq!(FREE_PAGES.pop(), Some(7));
/// ```
pub struct InlineStack<T, const N: usize> {
    pub(crate) lists: Lists<Slots<T, N>>,
}

impl<T, const N: usize> InlineStack<T, N> {
    const_fn! {
        /// An empty stack.
        pub fn new() -> Self {
            const { assert!(N > 0, "a stack for no values") };
            Self { lists: Lists::new(Inline::new()) }
        }
    }

    /// How many values fit for certain when so many parties use it at once: live handles, and
    /// threads inside calls on the stack itself. See [`ArrayStack`](crate::ArrayStack), Full.
    pub fn capacity_for(&self, parties: usize) -> usize {
        let others = parties.saturating_sub(1);
        N.saturating_sub(others.saturating_mul(held_back(self.lists.storage().batch())))
    }
}

impl<T, const N: usize> Default for InlineStack<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

bounded!([T, const N: usize] InlineStack<T, N>);
surface!([T, const N: usize] InlineStack<T, N>);
