//! Stacks of nodes that live in a pool.
//!
//! A pop reads the `next` of a node that another may have popped by then, so the memory of a node
//! must stay a node's for as long as anyone may pop: nodes are *type-stable*. A [`Pool`] owns them
//! and outlives everything that refers to it, so that no reclamation scheme is needed. The
//! algorithm and its invariants are those of the value stacks (see `lists`); since a pool numbers
//! its nodes, the word is index and generation, 32 bits each, and needs no double-width exchange.

use core::fmt;
use core::ops::{Deref, DerefMut};

use latchwork_sync::atomic::{AtomicMut, AtomicU64, Ordering};
use latchwork_sync::{CachePadded, const_fn};

use crate::lists::{Lists, glance};
use crate::storage::{Chunks, Full, Storage};

type Nodes<T> = Lists<Chunks<T, Full>>;

/// Slots of a pool's first chunk.
const FIRST_CHUNK: usize = 64;

/// Nodes that any number of stacks pass on among each other.
///
/// A value is moved in once, by [`Pool::insert`], and stays where it is, whichever stacks its
/// [`PoolBox`] goes through. Memory is freed when the pool is dropped.
///
/// - Progress: lock-free up to the allocation of a chunk.
/// - Cost: an insert is one exchange, and so is the drop of a box.
///
/// ```
/// use latchwork_treiber::intrusive::{Pool, Stack};
///
/// let pool = Pool::new();
/// let (idle, busy) = (Stack::new(&pool), Stack::new(&pool));
/// idle.push(pool.insert(String::from("connection 1")));
/// let connection = idle.pop().unwrap();
/// busy.push(connection); // the string has not moved
/// assert_eq!(&*busy.pop().unwrap(), "connection 1");
/// ```
pub struct Pool<T> {
    lists: Nodes<T>,
}

impl<T> Pool<T> {
    const_fn! {
        /// A pool of no nodes; allocates nothing yet.
        pub fn new() -> Self {
            Self { lists: Lists::new(Chunks::new(FIRST_CHUNK)) }
        }
    }

    /// Moves a value into a node.
    ///
    /// # Panics
    ///
    /// When there is no memory or no index for another chunk; see [`Pool::try_insert`].
    pub fn insert(&self, value: T) -> PoolBox<'_, T> {
        self.try_insert(value).unwrap_or_else(|_| crate::stack::no_room())
    }

    /// Moves a value into a node.
    ///
    /// # Errors
    ///
    /// The value, when there is no memory or no index for another chunk.
    pub fn try_insert(&self, value: T) -> Result<PoolBox<'_, T>, T> {
        let Some(word) = self.lists.take_slot() else { return Err(value) };
        // SAFETY: I4: the slot was just taken, and is free.
        unsafe { self.lists.slot(word).put(value) };
        Ok(PoolBox { pool: self, word })
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

/// A value in a node of a pool, owned as by a `Box`. Dropping it drops the value and gives the
/// node back to the pool; forgetting it leaks both until the pool is dropped, the value for good.
pub struct PoolBox<'p, T> {
    pool: &'p Pool<T>,
    /// The node's word: this owns the node.
    word: u64,
}

// SAFETY: it owns its value; its access to the pool's lists is that of any thread.
unsafe impl<T: Send> Send for PoolBox<'_, T> {}
// SAFETY: sharing it shares the value alone.
unsafe impl<T: Send + Sync> Sync for PoolBox<'_, T> {}

impl<T> PoolBox<'_, T> {
    /// Moves the value out and gives the node back.
    pub fn into_inner(self) -> T {
        let (pool, word) = (self.pool, self.word);
        core::mem::forget(self);
        // SAFETY: I4: the node was the box's, with a value.
        let value = unsafe { pool.lists.slot(word).take() };
        // SAFETY: as above; it is free now.
        unsafe { pool.lists.give_slot(word) };
        value
    }
}

impl<T> Deref for PoolBox<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        let value = self.pool.lists.slot(self.word).value();
        // SAFETY: I4: the node is this box's, and its value is shared no longer than the box.
        unsafe { &*value }
    }
}

impl<T> DerefMut for PoolBox<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        let value = self.pool.lists.slot(self.word).value_mut();
        // SAFETY: I4: the node is this box's, which is borrowed exclusively.
        unsafe { &mut *value }
    }
}

impl<T> Drop for PoolBox<'_, T> {
    fn drop(&mut self) {
        /// Gives the node back though the value's drop panics.
        struct Back<'a, 'p, T>(&'a PoolBox<'p, T>);
        impl<T> Drop for Back<'_, '_, T> {
            fn drop(&mut self) {
                let word = self.0.word;
                // SAFETY: I4: the node was the box's, and is not used again.
                unsafe { self.0.pool.lists.give_slot(word) };
            }
        }
        let value = self.pool.lists.slot(self.word).value_mut();
        let _back = Back(self);
        // SAFETY: I4: the node is this box's, and its value is not used again.
        unsafe { core::ptr::drop_in_place(value) };
    }
}

impl<T: fmt::Debug> fmt::Debug for PoolBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A stack of a pool's boxes: pushing and popping moves no value and allocates nothing.
///
/// - Progress: lock-free; [`Stack::take_all`] is wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever pops the node.
/// - Cost: a push and a pop are one exchange each.
/// - Wrap: 32 bits of generation, as for [`crate::Stack`].
///
/// A box goes only on stacks of its own pool:
///
/// ```should_panic
/// use latchwork_treiber::intrusive::{Pool, Stack};
///
/// let (ours, theirs) = (Pool::new(), Pool::new());
/// Stack::new(&ours).push(theirs.insert(1));
/// ```
pub struct Stack<'p, T> {
    head: CachePadded<AtomicU64>,
    pool: &'p Pool<T>,
}

// SAFETY: it moves values from thread to thread, and shares none.
unsafe impl<T: Send> Send for Stack<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Stack<'_, T> {}

impl<'p, T> Stack<'p, T> {
    const_fn! {
        /// An empty stack of this pool's nodes.
        pub fn new(pool: &'p Pool<T>) -> Self {
            Self { head: CachePadded::new(AtomicU64::new(0)), pool }
        }
    }

    /// Pushes a node.
    ///
    /// # Panics
    ///
    /// When it is of another pool.
    #[inline]
    pub fn push(&self, node: PoolBox<'p, T>) {
        assert!(core::ptr::eq(self.pool, node.pool), "a node of another pool");
        let lists = &self.pool.lists;
        let word = lists.storage().bumped(node.word);
        core::mem::forget(node);
        Nodes::<T>::publish(&self.head, glance(&self.head), lists.slot(word), word);
    }

    /// Pops the newest node.
    #[inline]
    pub fn pop(&self) -> Option<PoolBox<'p, T>> {
        let map = self.pool.lists.storage().map();
        let taken = Nodes::<T>::unpublish(&self.head, map)?;
        Some(PoolBox { pool: self.pool, word: taken.word })
    }

    /// Takes all nodes in one swap, newest first.
    pub fn take_all(&self) -> PoolChain<'p, T> {
        // Acquire: pairs with the Release of pushes (I5).
        PoolChain { pool: self.pool, first: self.head.swap(0, Ordering::Acquire) }
    }

    /// Whether it was empty at some moment of the call.
    pub fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        self.head.load(Ordering::Relaxed) == 0
    }
}

impl<T> Drop for Stack<'_, T> {
    fn drop(&mut self) {
        let first = self.head.load_mut();
        drop(PoolChain { pool: self.pool, first });
    }
}

impl<T> fmt::Debug for Stack<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

/// Nodes taken from a [`Stack`] in one swap. Dropping it drops the rest, each once, even when one
/// panics.
pub struct PoolChain<'p, T> {
    pool: &'p Pool<T>,
    first: u64,
}

// SAFETY: it owns its nodes.
unsafe impl<T: Send> Send for PoolChain<'_, T> {}
// SAFETY: a shared chain gives no access to the values.
unsafe impl<T: Send> Sync for PoolChain<'_, T> {}

impl<'p, T> Iterator for PoolChain<'p, T> {
    type Item = PoolBox<'p, T>;

    fn next(&mut self) -> Option<PoolBox<'p, T>> {
        if self.first == 0 {
            return None;
        }
        let word = self.first;
        self.first = self.pool.lists.slot(word).next();
        Some(PoolBox { pool: self.pool, word })
    }
}

impl<T> core::iter::FusedIterator for PoolChain<'_, T> {}

impl<T> Drop for PoolChain<'_, T> {
    fn drop(&mut self) {
        /// Goes on when a value's drop panics.
        struct Rest<'a, 'p, T>(&'a mut PoolChain<'p, T>);
        impl<T> Drop for Rest<'_, '_, T> {
            fn drop(&mut self) {
                while self.0.next().is_some() {}
            }
        }
        let rest = Rest(self);
        while rest.0.next().is_some() {}
    }
}

impl<T> fmt::Debug for PoolChain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolChain").finish_non_exhaustive()
    }
}
