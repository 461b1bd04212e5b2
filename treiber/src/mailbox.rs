//! The mailbox over values: each in a box of its own.

use alloc::boxed::Box;
use core::fmt;
use core::iter::FusedIterator;

use latchwork_sync::{CachePadded, const_fn};

use crate::intrusive::{self, Chain, Node};

/// A mailbox of values: any thread pushes, any thread takes everything at once.
///
/// - Progress: [`Mailbox::push`] is lock-free up to its allocation, [`Mailbox::take_all`]
///   wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever takes the value.
/// - Cost: a push allocates a node, then a load and one exchange; a take is a load and one swap,
///   and frees each node as its value comes out. Where that allocation is too much, use
///   [`intrusive::Mailbox`] over nodes that you have already.
/// - ABA: none is possible; nothing is ever popped.
///
/// ```
/// use latchwork_treiber::Mailbox;
///
/// static LOG: Mailbox<String> = Mailbox::new();
/// assert!(LOG.push("open".into())); // it was empty: whoever drains can be woken, once
/// assert!(!LOG.push("write".into()));
/// assert!(LOG.drain_fifo().eq(["open", "write"]));
/// assert!(LOG.is_empty());
/// ```
///
/// It can be shared exactly where its values can be sent:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<latchwork_treiber::Mailbox<std::rc::Rc<u8>>>();
/// ```
pub struct Mailbox<T> {
    inner: CachePadded<intrusive::Mailbox<Box<Node<T>>>>,
}

impl<T> Mailbox<T> {
    const_fn! {
        /// An empty mailbox; allocates nothing.
        #[inline]
        pub fn new() -> Self {
            Self { inner: CachePadded::new(intrusive::Mailbox::new()) }
        }
    }

    /// Pushes a value; returns whether the mailbox was empty.
    ///
    /// Of all pushes between two takes exactly one returns true: it is the one to wake the
    /// consumer.
    #[inline]
    pub fn push(&self, value: T) -> bool {
        self.inner.push(Box::new(Node::new(value)))
    }

    /// Pushes all values in one exchange, once the iterator has ended; returns whether the
    /// mailbox was empty. The iterator's last value is the newest.
    ///
    /// No values change nothing and give false. When the iterator panics, nothing was pushed.
    pub fn push_all<I: IntoIterator<Item = T>>(&self, values: I) -> bool {
        self.inner.push_chain(chain(values))
    }

    /// Takes everything, newest first.
    #[inline]
    pub fn take_all(&self) -> Drain<T> {
        Drain { chain: self.inner.take_all() }
    }

    /// Takes everything, oldest first: a take-all and one walk that turns it around.
    ///
    /// Values of one pusher come in the order of its pushes.
    #[inline]
    pub fn drain_fifo(&self) -> Drain<T> {
        Drain { chain: self.inner.drain_fifo() }
    }

    /// Puts back what is left of a drain, in one exchange, as the newest; returns whether the
    /// mailbox was empty. The drain's next value is the newest of all.
    pub fn put_back(&self, rest: Drain<T>) -> bool {
        self.inner.push_chain(rest.chain)
    }

    /// Whether it was empty at some moment of the call.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

fn chain<T, I: IntoIterator<Item = T>>(values: I) -> Chain<Box<Node<T>>> {
    values.into_iter().map(|value| Box::new(Node::new(value))).collect()
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

impl<T> Extend<T> for Mailbox<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.push_all(values);
    }
}

impl<T> FromIterator<T> for Mailbox<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mailbox = Self::new();
        mailbox.push_all(values);
        mailbox
    }
}

impl<T> IntoIterator for Mailbox<T> {
    type Item = T;
    type IntoIter = Drain<T>;

    /// Newest first, as [`Mailbox::take_all`].
    fn into_iter(self) -> Drain<T> {
        self.take_all()
    }
}

/// Values taken from a [`Mailbox`].
///
/// Dropping it drops the rest; should one value's drop panic, the others are still dropped.
/// Forgetting it leaks the rest and harms nothing.
pub struct Drain<T> {
    chain: Chain<Box<Node<T>>>,
}

impl<T> Drain<T> {
    /// The same values the other way round. O(n), in place.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { chain: self.chain.reversed() }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }
}

impl<T> Iterator for Drain<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.chain.pop_front().map(|node| node.into_inner())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chain.size_hint()
    }
}

impl<T> FusedIterator for Drain<T> {}

impl<T> fmt::Debug for Drain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
