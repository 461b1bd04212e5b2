//! The sorted list of Harris, as Michael made it fit for hazard pointers.
//!
//! ```text
//! first --> | key | next --> | key | next --> | key | null |
//!                     ^ tag 1: the node it stands in is removed
//! ```
//!
//! - I1: a node is removed by marking its own `next`, after which `next` doesn't change.
//! - I2: only a node with a mark is unlinked, from a `next` (or `first`) without one; who does so
//!   retires it. So a link without a mark stands in a node that is not yet unlinked, and what it
//!   leads to is not retired.
//! - I3: a traversal goes on from a link only while that link has no mark; else it starts again.
//!   So two shields are enough: for the node that the link is in, and for the next.
//!
//! Sources: Harris, *A pragmatic implementation of non-blocking linked-lists*, DISC 2001; Michael,
//! *High performance dynamic lock-free hash tables and list-based sets*, SPAA 2002.

use core::cmp::Ordering as Order;
use core::fmt;
use core::mem::swap;

use latchwork_sync::atomic::Ordering;

use super::check;
use crate::pointer::{Atomic, Shared, Tagged};
use crate::scheme::{Guard, Scheme, Shield};

/// The node is removed.
const REMOVED: usize = 1;

/// A sorted list of keys with values.
///
/// Good for few entries: each operation walks from the front. As a bucket of a hash table it is a
/// lock-free map.
///
/// Memory ordering: what a thread did before an `insert` is visible to who finds the entry.
/// Progress: lock-free. Cost: the walk; an allocation and an exchange for an insert; two exchanges
/// and a retire for a removal. A guard of another domain than the list's makes the call panic.
///
/// ```
/// use latchwork_reclaim::structures::List;
/// use latchwork_reclaim::{Handle, Interval};
///
/// let list = List::new_in(Interval::new());
/// let mut handle = list.domain().register();
/// let guard = handle.pin();
/// assert_eq!(list.insert(2, "two", &guard), Ok(()));
/// assert_eq!(list.insert(2, "zwei", &guard), Err((2, "zwei")));
/// assert_eq!(list.get(&2, &guard, |value| *value), Some("two"));
/// assert!(list.remove(&2, &guard));
/// assert!(!list.contains(&2, &guard));
/// ```
pub struct List<K, V, S: Scheme> {
    first: Link<K, V, S::Header>,
    domain: S,
}

type Link<K, V, H> = Atomic<Node<K, V, H>, H>;

struct Node<K, V, H> {
    key: K,
    value: V,
    next: Link<K, V, H>,
}

/// Where a search has ended.
struct Place<'a, K, V, H> {
    /// The link before the first node whose key is not less. The node it is in is protected.
    link: &'a Link<K, V, H>,
    /// What the link held, without a mark; protected.
    node: Tagged<Node<K, V, H>, H>,
    is_equal: bool,
}

impl<K, V, S> List<K, V, S>
where
    K: Ord + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Scheme,
{
    /// An empty list in `domain`.
    pub fn new_in(domain: S) -> Self {
        Self { first: Atomic::null(), domain }
    }

    /// The domain whose guards the list is used under.
    pub fn domain(&self) -> &S {
        &self.domain
    }

    /// Puts an entry in, unless there is one with the same key.
    ///
    /// # Errors
    ///
    /// When there is one: gives key and value back.
    pub fn insert<G>(&self, key: K, value: V, guard: &G) -> Result<(), (K, V)>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        check(&self.domain, guard);
        let mut new = guard.own(Node { key, value, next: Atomic::null() });
        let (mut one, mut two) = (guard.shield(), guard.shield());
        loop {
            let place = self.find(&new.key, guard, &mut one, &mut two);
            if place.is_equal {
                let node = new.into_inner();
                return Err((node.key, node.value));
            }
            new.next.store(place.node, Ordering::Relaxed);
            // Release: publishes the node. It fails where the node before was removed, since the
            // mark is in the link (I1).
            match place.link.compare_exchange(place.node, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(error) => new = error.new,
            }
        }
    }

    /// Removes the entry with this key; whether there was one, and it was this call that did it.
    pub fn remove<G>(&self, key: &K, guard: &G) -> bool
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        check(&self.domain, guard);
        let (mut one, mut two) = (guard.shield(), guard.shield());
        loop {
            let place = self.find(key, guard, &mut one, &mut two);
            if !place.is_equal {
                return false;
            }
            // SAFETY: the search protects it, and its link had no mark (I2).
            let node = unsafe { place.node.as_shared().deref() };
            // Acquire: pairs with the Release that linked the next node, which `unlink` publishes.
            let next = node.next.peek(Ordering::Acquire);
            if next.tag() == REMOVED {
                continue;
            }
            // Relaxed: the mark publishes nothing.
            let marked = if has_fault!(NO_MARK) { next } else { next.with_tag(REMOVED) };
            if node
                .next
                .compare_exchange(next, marked, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
            {
                continue;
            }
            if !Self::unlink(place.link, place.node, next, guard) {
                // Another search is at it, or the node before was removed: see to it.
                self.find(key, guard, &mut one, &mut two);
            }
            return true;
        }
    }

    /// Looks at the value with this key.
    pub fn get<R, G>(&self, key: &K, guard: &G, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        check(&self.domain, guard);
        let (mut one, mut two) = (guard.shield(), guard.shield());
        let place = self.find(key, guard, &mut one, &mut two);
        // SAFETY: the search protects it, and its link had no mark (I2).
        place.is_equal.then(|| look(&unsafe { place.node.as_shared().deref() }.value))
    }

    /// Whether there is an entry with this key.
    pub fn contains<G>(&self, key: &K, guard: &G) -> bool
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        self.get(key, guard, |_| ()).is_some()
    }

    /// Takes a removed node out of `link`, and retires it; whether this call did it.
    fn unlink<G>(
        link: &Link<K, V, S::Header>,
        node: Tagged<Node<K, V, S::Header>, S::Header>,
        next: Tagged<Node<K, V, S::Header>, S::Header>,
        guard: &G,
    ) -> bool
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        // Release: publishes the next node to who comes by this link.
        let unlinked =
            link.compare_exchange(node, next, Ordering::Release, Ordering::Relaxed).is_ok();
        if unlinked {
            let node: Shared<'_, _, _> = node.as_shared();
            // SAFETY: unlinked by this thread, from the only link that led there (I2); key and
            // value may be dropped on any thread.
            unsafe { guard.retire(node) };
        }
        unlinked
    }

    /// Finds where `key` is or belongs, and unlinks removed nodes on the way.
    fn find<'a, G>(
        &'a self,
        key: &K,
        guard: &'a G,
        before: &mut G::Shield<'a>,
        at: &mut G::Shield<'a>,
    ) -> Place<'a, K, V, S::Header>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        'again: loop {
            let mut link = &self.first;
            let mut node = at.protect(link).as_tagged();
            loop {
                if node.is_null() {
                    return Place { link, node, is_equal: false };
                }
                // SAFETY: its link had no mark when `protect` loaded it last, so it was not yet
                // retired (I2); the shield `at` holds on to it.
                let current: &'a Node<_, _, _> = unsafe { node.as_shared().deref() };
                // Acquire: pairs with the Release that linked the next node, which `unlink`
                // publishes.
                let next = current.next.peek(Ordering::Acquire);
                if next.tag() == REMOVED {
                    if !Self::unlink(link, node, next.with_tag(0), guard) {
                        continue 'again;
                    }
                } else {
                    match current.key.cmp(key) {
                        Order::Less => {
                            swap(before, at);
                            link = &current.next;
                        }
                        order => return Place { link, node, is_equal: order == Order::Equal },
                    }
                }
                node = at.protect(link).as_tagged();
                if node.tag() == REMOVED && !has_fault!(PAST_REMOVED) {
                    // The node that the link is in was removed (I3).
                    continue 'again;
                }
            }
        }
    }
}

impl<K, V, S: Scheme> Drop for List<K, V, S> {
    fn drop(&mut self) {
        // SAFETY: no other thread can reach the list; a node in it is not retired, since who
        // retires one has unlinked it.
        let mut next = unsafe { self.first.take() };
        while let Some(node) = next {
            let mut node = node.with_tag(0);
            // SAFETY: as above.
            next = unsafe { node.next.take() };
        }
    }
}

impl<K, V, S: Scheme> fmt::Debug for List<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("scheme", &S::NAME).finish_non_exhaustive()
    }
}
