use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use latchwork_sync::atomic::{AtomicUsize, Ordering, fence};

use crate::pointer::{Owned, Tagged};
use crate::retired::Reclaim;

/// A value and its owners.
pub(super) struct Node<T> {
    owners: AtomicUsize,
    value: T,
}

impl<T> Node<T> {
    /// Owned by the cell that it is for.
    pub(super) fn new(value: T) -> Self {
        Self { owners: AtomicUsize::new(1), value }
    }

    #[inline(always)]
    pub(super) fn value(&self) -> &T {
        &self.value
    }

    pub(super) fn into_value(self) -> T {
        self.value
    }
}

/// Gives up the cell's own count (I1).
pub(super) struct GiveUp;

impl<T, H> Reclaim<Node<T>, H> for GiveUp {
    fn reclaim(object: Owned<Node<T>, H>) {
        drop(Held::from_owned(object));
    }
}

/// A value of a [`Snapshot`](super::Snapshot) that is kept for as long as its owner likes, whatever
/// becomes of the guard and of the cell.
///
/// Cloning counts, as an `Arc` does.
pub struct Held<T, H = ()> {
    node: Tagged<Node<T>, H>,
    owns: PhantomData<(T, H)>,
}

// SAFETY: as for an `Arc`: it gives shared access, and the last of them drops the value.
unsafe impl<T: Send + Sync, H: Send + Sync> Send for Held<T, H> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, H: Send + Sync> Sync for Held<T, H> {}

/// Beyond this many owners the count could overflow before anyone notices.
const OWNERS_AT_MOST: usize = isize::MAX as usize;

impl<T, H> Held<T, H> {
    /// One more owner.
    ///
    /// # Safety
    ///
    /// The node is counted, and stays so during the call.
    pub(super) unsafe fn count(node: Tagged<Node<T>, H>) -> Self {
        // SAFETY: the caller says that the node is there.
        let owners = &unsafe { node.as_shared().deref() }.owners;
        // Relaxed: the caller has its own right to look; giving up is what orders.
        let before = owners.fetch_add(1, Ordering::Relaxed);
        let held = Self { node, owns: PhantomData };
        assert!(before <= OWNERS_AT_MOST, "a snapshot's value has too many owners");
        held
    }

    /// Takes over the cell's count.
    pub(super) fn from_owned(node: Owned<Node<T>, H>) -> Self {
        Self { node: node.into_tagged(), owns: PhantomData }
    }

    fn node(&self) -> &Node<T> {
        // SAFETY: this owner keeps the node (I2).
        unsafe { self.node.as_shared().deref() }
    }
}

impl<T, H> Clone for Held<T, H> {
    fn clone(&self) -> Self {
        // SAFETY: this owner keeps the node counted.
        unsafe { Self::count(self.node) }
    }
}

impl<T, H> Drop for Held<T, H> {
    fn drop(&mut self) {
        // Release: what this owner did with the value happens before the last owner's drop of it.
        if self.node().owners.fetch_sub(1, Ordering::Release) == 1 {
            // Pairs with the Release of every other owner.
            fence(Ordering::Acquire);
            // SAFETY: this was the last owner (I2).
            drop(unsafe { self.node.into_owned() });
        }
    }
}

impl<T, H> Deref for Held<T, H> {
    type Target = T;

    fn deref(&self) -> &T {
        self.node().value()
    }
}

impl<T: fmt::Debug, H> fmt::Debug for Held<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
