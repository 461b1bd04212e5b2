//! A cell whose value is replaced whole, and read without blocking.
//!
//! The cell points to a node that nobody changes; a writer makes a new one and exchanges the
//! pointer; the old one is retired. Each node counts its owners, the cell being one:
//!
//! ```text
//! cell --> | owners | value |      owners = the cell (until the node's grace period has ended)
//!                                         + one for each `Held`
//! ```
//!
//! - I1: the cell's own count is given up by the reclaiming of the node, after every guard that
//!   could load it. So whoever finds a node under a guard finds it counted, and may count itself.
//! - I2: the value is dropped by who gives up the last count.
//!
//! This is the root of a shadow-paged tree: copy the path that changes, exchange the root, retry
//! or report when another was faster.
//!
//! ```
//! use latchwork_reclaim::{Epoch, Snapshot, epoch};
//! use std::sync::Arc;
//!
//! /// A sorted tree whose nodes are never changed, only replaced.
//! #[derive(Clone)]
//! struct Node {
//!     key: u32,
//!     children: [Option<Arc<Node>>; 2],
//! }
//!
//! /// Copies the path from the root to where `key` belongs; all else is shared.
//! fn insert(node: Option<&Arc<Node>>, key: u32) -> Arc<Node> {
//!     let Some(node) = node else {
//!         return Arc::new(Node { key, children: [None, None] });
//!     };
//!     let mut copy = Node::clone(node);
//!     if key != node.key {
//!         let side = usize::from(key > node.key);
//!         copy.children[side] = Some(insert(node.children[side].as_ref(), key));
//!     }
//!     Arc::new(copy)
//! }
//!
//! fn count(node: Option<&Arc<Node>>) -> usize {
//!     node.map_or(0, |node| 1 + node.children.iter().map(|child| count(child.as_ref())).sum::<usize>())
//! }
//!
//! let root: Snapshot<Option<Arc<Node>>> = Snapshot::new_in(None, Epoch::global());
//! std::thread::scope(|scope| {
//!     for first in 0..2 {
//!         let root = &root;
//!         scope.spawn(move || {
//!             for key in (first..100).step_by(2) {
//!                 root.update(&epoch::pin(), |tree| Some(insert(tree.as_ref(), key)));
//!             }
//!         });
//!     }
//! });
//! let guard = epoch::pin();
//! // A reader keeps the version that it found, whatever writers do.
//! let tree = root.load(&guard);
//! assert_eq!(count(tree.as_ref()), 100);
//! ```

mod held;

use core::fmt;
use core::ops::Deref;

use latchwork_sync::atomic::Ordering;

use crate::epoch::Epoch;
use crate::pointer::{Atomic, Tagged};
use crate::scheme::{Guard, Scheme, Shield};

pub use held::Held;
use held::{GiveUp, Node};

/// A cell whose value is replaced whole, and read without blocking. See the [module](self).
///
/// Every method takes a guard of the cell's domain, and panics when given another's.
///
/// Memory ordering: what a writer did before a replacement is visible to whoever loads the new
/// value. Progress: loading is wait-free (lock-free where the scheme needs shields), replacing is
/// lock-free.
pub struct Snapshot<T, S: Scheme = Epoch> {
    cell: Atomic<Node<T>, S::Header>,
    domain: S,
}

/// A value that was loaded under a guard, and lasts as long.
pub struct Loaded<'g, T, G: Guard + 'g> {
    node: Tagged<Node<T>, G::Header>,
    /// Protects the node; for most schemes of no size.
    _shield: G::Shield<'g>,
}

/// The value was replaced by another thread meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Changed<T> {
    /// The new value, which was not stored.
    pub new: T,
}

impl<T, S: Scheme> Snapshot<T, S>
where
    T: Send + Sync + 'static,
{
    /// A cell in `domain` that holds `value`.
    ///
    /// Cost: registers for a moment, for the new value's header.
    pub fn new_in(value: T, domain: S) -> Self {
        let first = crate::Handle::pin(&mut domain.register()).own(Node::new(value));
        Self { cell: Atomic::new(first), domain }
    }

    /// The domain whose guards the cell is used under.
    pub fn domain(&self) -> &S {
        &self.domain
    }

    /// The value, for as long as the guard lasts.
    #[inline(always)]
    pub fn load<'g, G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        guard: &'g G,
    ) -> Loaded<'g, T, G> {
        self.check(guard);
        let mut shield = guard.shield();
        let node = shield.protect(&self.cell).as_tagged();
        Loaded { node, _shield: shield }
    }

    /// The value, for as long as its owner likes.
    ///
    /// Cost: that of `load`, and two read-modify-writes of the value's count in all.
    pub fn load_full<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        guard: &G,
    ) -> Held<T, S::Header> {
        self.load(guard).to_held()
    }

    /// Replaces the value.
    ///
    /// Cost: an allocation, an exchange, a retire.
    pub fn store<G: Guard<Scheme = S, Header = S::Header>>(&self, value: T, guard: &G) {
        self.check(guard);
        let new = guard.own(Node::new(value));
        // Release: pairs with the Acquire of a load. Acquire: the old node is retired by this
        // thread, which must see it whole.
        let old = self.cell.swap(new, Ordering::AcqRel, guard);
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        if has_fault!(NO_GRACE) {
            // SAFETY: none: this is the bug.
            return drop(Held::from_owned(unsafe { old.into_owned() }));
        }
        // SAFETY: the cell was the only way to the node, and the exchange gives it out once; its
        // value is Send, Sync and without borrows.
        unsafe { guard.retire_with::<_, GiveUp>(old) };
    }

    /// Replaces the value and gives the old one.
    ///
    /// Cost: that of `store`, and two read-modify-writes of the old value's count in all.
    pub fn swap<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        value: T,
        guard: &G,
    ) -> Held<T, S::Header> {
        self.check(guard);
        let new = guard.own(Node::new(value));
        let old = self.cell.swap(new, Ordering::AcqRel, guard);
        // SAFETY: unlinked by this thread, and not yet retired, so still counted (I1).
        let held = unsafe { Held::count(old.as_tagged()) };
        // SAFETY: as in `store`.
        unsafe { guard.retire_with::<_, GiveUp>(old) };
        held
    }

    /// Replaces the value if it is still `current`, the very same that was loaded.
    ///
    /// # Errors
    ///
    /// When it is another: the error gives `new` back.
    pub fn compare_exchange<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        current: &Loaded<'_, T, G>,
        new: T,
        guard: &G,
    ) -> Result<(), Changed<T>> {
        self.check(guard);
        let new = guard.own(Node::new(new));
        // Release: as in `store`; the old node was loaded with Acquire, and a failure looks at
        // nothing.
        match self.cell.compare_exchange(current.node, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => {
                // SAFETY: as in `store`: the exchange took the cell's only pointer away.
                unsafe { guard.retire_with::<_, GiveUp>(current.node.as_shared()) };
                Ok(())
            }
            Err(error) => Err(Changed { new: error.new.into_inner().into_value() }),
        }
    }

    /// Replaces the value by what `make` makes of it, again if another thread was faster.
    ///
    /// Progress: lock-free; `make` runs once for each try.
    pub fn update<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        guard: &G,
        mut make: impl FnMut(&T) -> T,
    ) {
        while self.try_update(guard, &mut make).is_err() {}
    }

    /// Replaces the value by what `make` makes of it, unless another thread was faster.
    ///
    /// # Errors
    ///
    /// When the value was replaced while `make` ran: the error holds what it made.
    pub fn try_update<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        guard: &G,
        make: impl FnOnce(&T) -> T,
    ) -> Result<(), Changed<T>> {
        let current = self.load(guard);
        self.compare_exchange(&current, make(&current), guard)
    }

    #[inline(always)]
    fn check<G: Guard<Scheme = S, Header = S::Header>>(&self, guard: &G) {
        if !guard.guards(&self.domain) {
            wrong_domain();
        }
    }
}

#[cold]
#[inline(never)]
fn wrong_domain() -> ! {
    panic!("the guard is of another domain than the cell: take one of `Snapshot::domain`");
}

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
impl<T: Send + Sync + 'static> Snapshot<T> {
    /// A cell in the global domain of epochs, used under [`epoch::pin`](crate::epoch::pin).
    pub fn new(value: T) -> Self {
        Self::new_in(value, Epoch::global())
    }
}

impl<T, S: Scheme> Drop for Snapshot<T, S> {
    fn drop(&mut self) {
        // SAFETY: the cell's node is not retired, and no other thread can reach the cell.
        if let Some(node) = unsafe { self.cell.take() } {
            drop(Held::from_owned(node));
        }
    }
}

impl<T, S: Scheme> fmt::Debug for Snapshot<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("scheme", &S::NAME).finish_non_exhaustive()
    }
}

impl<'g, T, G: Guard + 'g> Loaded<'g, T, G> {
    /// The value, for as long as its owner likes.
    pub fn to_held(&self) -> Held<T, G::Header> {
        // SAFETY: found under a guard, hence counted (I1).
        unsafe { Held::count(self.node) }
    }
}

impl<'g, T, G: Guard + 'g> Deref for Loaded<'g, T, G> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: loaded from a cell, which is a root, under the shield that is kept beside it;
        // published whole with Release and never changed.
        unsafe { self.node.as_shared().deref() }.value()
    }
}

impl<'g, T: fmt::Debug, G: Guard + 'g> fmt::Debug for Loaded<'g, T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T> fmt::Debug for Changed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Changed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the snapshot was replaced meanwhile; load it again and retry")
    }
}

impl<T> core::error::Error for Changed<T> {}
