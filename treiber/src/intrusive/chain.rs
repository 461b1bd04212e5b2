//! Nodes in a row, owned by one.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};

use super::link::{Link, Linked, Owner};

/// A row of nodes with one owner: what a take-all gives, and what a chain push takes.
///
/// As an iterator it gives the nodes back, front first. Dropping it drops the rest; should a
/// node's own drop panic, the others are still dropped. Forgetting it leaks its nodes and harms
/// nothing.
///
/// Cost: every method is O(1) but [`Chain::reverse`], and where noted. No atomics.
///
/// ```
/// use latchwork_treiber::intrusive::{Chain, Node};
///
/// let mut chain: Chain<Box<Node<i32>>> = (1..=3).map(Node::new).map(Box::new).collect();
/// assert_eq!(chain.pop_front().map(|node| **node), Some(3));
/// chain.reverse();
/// assert!(chain.map(|node| **node).eq([1, 2]));
/// ```
pub struct Chain<P: Owner> {
    /// The address of the first node, 0 for none. Every node before the end has the address of
    /// its successor in its link.
    first: usize,
    /// The last node, where it is known; null where not, and in an empty chain.
    last: *mut P::Node,
    owner: PhantomData<P>,
}

// SAFETY: a chain is a row of owners.
unsafe impl<P: Owner + Send> Send for Chain<P> {}
// SAFETY: nothing of a node can be reached through a shared chain.
unsafe impl<P: Owner + Send> Sync for Chain<P> {}

/// The node at an address that `expose` gave.
#[inline]
fn node_at<N>(address: usize) -> Option<NonNull<N>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

#[inline]
fn expose<N>(node: NonNull<N>) -> usize {
    node.as_ptr().expose_provenance()
}

/// # Safety
///
/// `node` is valid for the result's life.
#[inline]
unsafe fn link_of<'a, N: Linked>(node: NonNull<N>) -> &'a Link {
    // SAFETY: `node` is valid.
    let link = unsafe { N::link(node) };
    // SAFETY: the link is a part of the node.
    unsafe { link.as_ref() }
}

/// # Safety
///
/// `node` is valid, and its link the caller's.
#[inline]
unsafe fn next<N: Linked>(node: NonNull<N>) -> usize {
    // SAFETY: by contract.
    let link = unsafe { link_of(node) };
    // SAFETY: by contract.
    unsafe { link.next() }
}

/// # Safety
///
/// `node` is valid, and its link the caller's.
#[inline]
pub(super) unsafe fn set_next<N: Linked>(node: NonNull<N>, address: usize) {
    // SAFETY: by contract.
    let link = unsafe { link_of(node) };
    // SAFETY: by contract.
    unsafe { link.set_next(address) };
}

impl<P: Owner> Chain<P> {
    /// A chain of no nodes.
    #[inline]
    pub const fn new() -> Self {
        Self { first: 0, last: ptr::null_mut(), owner: PhantomData }
    }

    /// The chain that begins at this address.
    ///
    /// # Safety
    ///
    /// `first` is 0 or the address of a node, given away and exposed, whose link leads on to
    /// other such nodes up to 0; the caller owns them all.
    #[inline]
    pub(super) const unsafe fn from_address(first: usize) -> Self {
        Self { first, last: ptr::null_mut(), owner: PhantomData }
    }

    /// The address of the first node, and the last node.
    #[inline]
    pub(super) fn ends(&mut self) -> Option<(usize, NonNull<P::Node>)> {
        Some((self.first, self.find_last()?))
    }

    /// Gives the nodes away: the address of the first, and the last.
    #[inline]
    pub(super) fn into_ends(mut self) -> Option<(usize, NonNull<P::Node>)> {
        let ends = self.ends()?;
        mem::forget(self);
        Some(ends)
    }

    /// Whether there are no nodes.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.first == 0
    }

    /// Puts a node before all others.
    #[inline]
    pub fn push_front(&mut self, node: P) {
        let node = node.into_raw();
        // SAFETY: the node was just given to this chain.
        unsafe { set_next(node, self.first) };
        if self.is_empty() {
            self.last = node.as_ptr();
        }
        self.first = expose(node);
    }

    /// Puts a node behind all others. O(n), once, where this chain came from a take-all.
    pub fn push_back(&mut self, node: P) {
        let mut single = Self::new();
        single.push_front(node);
        self.append(single);
    }

    /// Takes the first node.
    #[inline]
    pub fn pop_front(&mut self) -> Option<P> {
        let node = node_at::<P::Node>(self.first)?;
        // SAFETY: the chain owns the node.
        self.first = unsafe { next(node) };
        if self.first == 0 {
            self.last = ptr::null_mut();
        }
        // SAFETY: the chain gives it up here, and it came from `into_raw` of a `P`.
        Some(unsafe { P::from_raw(node) })
    }

    /// Puts another chain behind this one. O(n) in this one's length, once, where it came from a
    /// take-all.
    pub fn append(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        let (first, last) = (other.first, other.last);
        mem::forget(other);
        match self.find_last() {
            // SAFETY: the chain owns its last node.
            Some(end) => unsafe { set_next(end, first) },
            None => self.first = first,
        }
        self.last = last;
    }

    /// Turns the chain around: the last node becomes the first. O(n), in place.
    pub fn reverse(&mut self) {
        let end = node_at::<P::Node>(self.first);
        let (mut rest, mut done) = (self.first, 0);
        while let Some(node) = node_at::<P::Node>(rest) {
            // SAFETY: the chain owns the node.
            rest = unsafe { next(node) };
            // SAFETY: as above.
            unsafe { set_next(node, done) };
            done = expose(node);
        }
        self.first = done;
        self.last = end.map_or(ptr::null_mut(), NonNull::as_ptr);
    }

    /// The chain turned around.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse();
        self
    }

    #[inline]
    fn find_last(&mut self) -> Option<NonNull<P::Node>> {
        if self.last.is_null() {
            let mut rest = self.first;
            while let Some(node) = node_at::<P::Node>(rest) {
                self.last = node.as_ptr();
                // SAFETY: the chain owns the node.
                rest = unsafe { next(node) };
            }
        }
        NonNull::new(self.last)
    }
}

/// Gives a node away under its address.
#[inline]
pub(super) fn give<P: Owner>(owner: P) -> (usize, NonNull<P::Node>) {
    let node = owner.into_raw();
    (expose(node), node)
}

impl<P: Owner> Iterator for Chain<P> {
    type Item = P;

    #[inline]
    fn next(&mut self) -> Option<P> {
        self.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.is_empty()), self.is_empty().then_some(0))
    }
}

impl<P: Owner> core::iter::FusedIterator for Chain<P> {}

impl<P: Owner> Drop for Chain<P> {
    fn drop(&mut self) {
        /// Goes on when a node's drop panics.
        struct Rest<'a, P: Owner>(&'a mut Chain<P>);
        impl<P: Owner> Drop for Rest<'_, P> {
            fn drop(&mut self) {
                while self.0.pop_front().is_some() {}
            }
        }
        let rest = Rest(self);
        while rest.0.pop_front().is_some() {}
    }
}

impl<P: Owner> Extend<P> for Chain<P> {
    /// Puts each node before those that are there, as pushes on a mailbox would.
    fn extend<I: IntoIterator<Item = P>>(&mut self, nodes: I) {
        nodes.into_iter().for_each(|node| self.push_front(node));
    }
}

impl<P: Owner> FromIterator<P> for Chain<P> {
    /// The last of the iterator is the chain's first, as if each had been pushed on a mailbox.
    fn from_iter<I: IntoIterator<Item = P>>(nodes: I) -> Self {
        let mut chain = Self::new();
        chain.extend(nodes);
        chain
    }
}

impl<P: Owner> Default for Chain<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Owner> fmt::Debug for Chain<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
