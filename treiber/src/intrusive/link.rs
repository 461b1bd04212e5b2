//! What a node must have, and what holds one.

use alloc::boxed::Box;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::pin::Pin;
use core::ptr::NonNull;

use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::const_fn;

/// The place in a node where a chain keeps the next one.
///
/// It belongs to whoever owns the node: plain memory, no atomic.
pub struct Link {
    /// The address of the next node, 0 at the end.
    next: UnsafeCell<usize>,
}

// SAFETY: only the unsafe methods below touch the cell, and their callers own the link.
unsafe impl Sync for Link {}

impl Link {
    const_fn! {
        /// A link of a node that is in no chain.
        #[inline]
        pub fn new() -> Self {
            Self { next: UnsafeCell::new(0) }
        }
    }

    /// # Safety
    ///
    /// The caller owns the link.
    #[inline]
    pub(super) unsafe fn next(&self) -> usize {
        // SAFETY: by contract nobody else touches the cell.
        self.next.with(|next| unsafe { *next })
    }

    /// # Safety
    ///
    /// The caller owns the link.
    #[inline]
    pub(super) unsafe fn set_next(&self, address: usize) {
        // SAFETY: by contract nobody else touches the cell.
        self.next.with_mut(|next| unsafe { *next = address });
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Reading it would race with the node's owner.
        f.write_str("Link")
    }
}

/// A type with a [`Link`] in it.
///
/// ```
/// use core::ptr::NonNull;
/// use latchwork_treiber::intrusive::{Link, Linked, Mailbox};
///
/// struct Page { number: u64, link: Link }
///
/// // SAFETY: always the same field of the same node.
/// unsafe impl Linked for Page {
///     unsafe fn link(node: NonNull<Self>) -> NonNull<Link> {
///         // SAFETY: `node` is valid, so the place of its field is.
///         let link = unsafe { &raw mut (*node.as_ptr()).link };
///         // SAFETY: a field of a node is not at address 0.
///         unsafe { NonNull::new_unchecked(link) }
///     }
/// }
///
/// let mailbox = Mailbox::new();
/// mailbox.push(Box::new(Page { number: 7, link: Link::new() }));
/// assert_eq!(mailbox.take_all().next().unwrap().number, 7);
/// ```
///
/// # Safety
///
/// `link` always gives the same link of the same node, one that lies in the node, and touches
/// nothing else.
pub unsafe trait Linked {
    /// Where the node's link is.
    ///
    /// # Safety
    ///
    /// `node` points to a valid node.
    unsafe fn link(node: NonNull<Self>) -> NonNull<Link>;
}

/// A node around any value, for those who need no layout of their own.
#[derive(Debug, Default)]
pub struct Node<T> {
    link: Link,
    value: T,
}

impl<T> Node<T> {
    const_fn! {
        /// A node at home.
        #[inline]
        pub fn new(value: T) -> Self {
            Self { link: Link::new(), value }
        }
    }

    /// The value without its node.
    #[inline]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Node<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Node<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

// SAFETY: always the same field.
unsafe impl<T> Linked for Node<T> {
    #[inline]
    unsafe fn link(node: NonNull<Self>) -> NonNull<Link> {
        // SAFETY: `node` is valid, so the place of its field is.
        let link = unsafe { &raw mut (*node.as_ptr()).link };
        // SAFETY: a field of a node is not at address 0.
        unsafe { NonNull::new_unchecked(link) }
    }
}

/// What one holds of a node, and gives away when it is pushed.
///
/// # Safety
///
/// From `into_raw` until `from_raw` of the same pointer:
///
/// - the node stays where it is and stays valid, at least as long as a value of type `Self` may
///   live;
/// - nobody but the structure that holds the pointer touches the node's link, and the pointer
///   may be used to reach it from any thread that may own a `Self`.
///
/// Other parts of the node may be shared meanwhile, as the implementor sees fit.
pub unsafe trait Owner: Sized {
    /// The node.
    type Node: Linked;

    /// Gives the node away.
    fn into_raw(self) -> NonNull<Self::Node>;

    /// Takes a node back.
    ///
    /// # Safety
    ///
    /// `node` came from `into_raw` of an owner of this type, and from each such call at most one
    /// owner is made again.
    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self;
}

// SAFETY: a box's node lives until the box is made again, and is exclusively its own.
unsafe impl<N: Linked> Owner for Box<N> {
    type Node = N;

    #[inline]
    fn into_raw(self) -> NonNull<N> {
        // SAFETY: a box is never null.
        unsafe { NonNull::new_unchecked(Box::into_raw(self)) }
    }

    #[inline]
    unsafe fn from_raw(node: NonNull<N>) -> Self {
        // SAFETY: by contract the pointer is a box's that was given away.
        unsafe { Box::from_raw(node.as_ptr()) }
    }
}

// SAFETY: the borrow outlives every value of this type, and is exclusive.
unsafe impl<N: Linked> Owner for &mut N {
    type Node = N;

    #[inline]
    fn into_raw(self) -> NonNull<N> {
        NonNull::from(self)
    }

    #[inline]
    unsafe fn from_raw(mut node: NonNull<N>) -> Self {
        // SAFETY: by contract the pointer is such a borrow that was given away.
        unsafe { node.as_mut() }
    }
}

// SAFETY: as for the pointer inside; the node is not moved between the two calls.
unsafe impl<P> Owner for Pin<P>
where
    P: Owner + Deref<Target = <P as Owner>::Node>,
{
    type Node = <P as Owner>::Node;

    #[inline]
    fn into_raw(self) -> NonNull<Self::Node> {
        // SAFETY: the pointee is not moved until `from_raw` pins it again.
        unsafe { Pin::into_inner_unchecked(self) }.into_raw()
    }

    #[inline]
    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self {
        // SAFETY: by contract the pointer was given away by `into_raw` above.
        let inner = unsafe { P::from_raw(node) };
        // SAFETY: it was pinned when it was given away.
        unsafe { Pin::new_unchecked(inner) }
    }
}
