//! Many push, someone takes everything.
//!
//! ```text
//! head ──► newest ──► … ──► oldest ──► 0
//! ```
//!
//! Push is Treiber's: link the node to the head that was read, then exchange the head against
//! exactly that value. Take-all is one swap with 0. There is no pop, so a head that was taken and
//! pushed again in between (ABA) does no harm: a push needs only that its link equals the head it
//! replaces.
//!
//! - I1: a node's link is written by its pusher before the exchange that publishes it, and from
//!   then on only by whoever took it. So links are plain memory.
//! - I2: the value that a push compares with is the one that it linked to: one load per attempt,
//!   kept in a local. A second load in between loses nodes.
//! - I3: the head is changed by read-modify-writes only, so a take's Acquire synchronises with
//!   every push since the last take: each continues the release sequence of those before.
//!
//! Source: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118 (1986);
//! the form without pop as in Linux' `llist` and folly's `AtomicIntrusiveLinkedList`.

use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::{AtomicMut, AtomicUsize, Ordering};
use latchwork_sync::const_fn;

use super::chain::{Chain, give, set_next};
use super::link::Owner;
use crate::contention::MailboxPauses;

/// A mailbox over nodes of the caller: any thread pushes, any thread takes everything.
///
/// - Progress: [`Mailbox::push`] is lock-free, [`Mailbox::take_all`] wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever takes the node.
/// - Cost: a push is a load and one exchange, a take a load and one swap; nothing is allocated.
/// - Size: one word, not padded, so that it can lie where you want it. A head that many push on
///   should have a cache line of its own (`latchwork_sync::CachePadded`).
///
/// ```
/// use latchwork_treiber::intrusive::{Mailbox, Node};
///
/// let mailbox = Mailbox::new();
/// assert!(mailbox.push(Box::new(Node::new("first")))); // it was empty: time to wake someone
/// assert!(!mailbox.push(Box::new(Node::new("second"))));
/// let order: Vec<_> = mailbox.drain_fifo().map(|node| **node).collect();
/// assert_eq!(order, ["first", "second"]);
/// ```
///
/// A node can't be pushed where it would be drained by someone who outlives it:
///
/// ```compile_fail
/// use latchwork_treiber::intrusive::{Mailbox, Node};
///
/// let mailbox: Mailbox<&mut Node<i32>> = Mailbox::new();
/// {
///     let mut node = Node::new(1);
///     mailbox.push(&mut node);
/// }
/// mailbox.take_all();
/// ```
pub struct Mailbox<P: Owner> {
    /// The address of the newest node, or 0.
    head: AtomicUsize,
    /// Invariant in `P`: a node with a shorter life must not get in through a shared reference.
    owner: PhantomData<core::cell::Cell<P>>,
}

// SAFETY: a mailbox moves owners between threads and shares none.
unsafe impl<P: Owner + Send> Send for Mailbox<P> {}
// SAFETY: as above.
unsafe impl<P: Owner + Send> Sync for Mailbox<P> {}

impl<P: Owner> Mailbox<P> {
    const_fn! {
        /// An empty mailbox.
        #[inline]
        pub fn new() -> Self {
            Self { head: AtomicUsize::new(0), owner: PhantomData }
        }
    }

    /// Pushes a node; returns whether the mailbox was empty.
    ///
    /// Of all pushes between two takes exactly one returns true: it is the one to wake the
    /// consumer.
    #[inline]
    pub fn push(&self, node: P) -> bool {
        let (address, node) = give(node);
        // SAFETY: the node was just given to this mailbox.
        unsafe { self.splice(address, node) }
    }

    /// Pushes a whole chain in one exchange; returns whether the mailbox was empty.
    ///
    /// The chain's first node is the newest: as if its nodes had been pushed one by one from the
    /// last to the first, with nothing in between. An empty chain changes nothing and gives
    /// false. Cost: as one push; and a walk to the chain's end where it came from a take-all.
    pub fn push_chain(&self, chain: Chain<P>) -> bool {
        match chain.into_ends() {
            // SAFETY: the chain gave up its nodes.
            Some((first, last)) => unsafe { self.splice(first, last) },
            None => false,
        }
    }

    /// # Safety
    ///
    /// The caller gives up a row of nodes from the address `first` to `last`.
    #[inline]
    unsafe fn splice(&self, first: usize, last: core::ptr::NonNull<P::Node>) -> bool {
        // Relaxed: the head is only linked to and compared with, never followed.
        let head = self.head.load(Ordering::Relaxed);
        // SAFETY: not published yet (I1).
        unsafe { set_next(last, head) };
        // Release: pairs with the Acquire of `take_all`. The comparand is the local that was
        // linked to (I2).
        match self.head.compare_exchange_weak(head, first, Ordering::Release, Ordering::Relaxed) {
            Ok(seen) => seen == 0,
            // SAFETY: still not published.
            Err(now) => unsafe { self.splice_contended(first, last, now) },
        }
    }

    /// After a lost race: a pause, and two exchanges in a row.
    ///
    /// An exchange that fails has brought the head's line here, and tells what is in it. The next
    /// one needs nothing but that, and is done before the line is gone again. So the first of the
    /// two is there to fetch; a read would fetch the line for reading only, and lose it before the
    /// exchange.
    ///
    /// # Safety
    ///
    /// As [`Self::splice`]; `head` is what the head was seen to be.
    #[cold]
    #[inline(never)]
    unsafe fn splice_contended(
        &self,
        first: usize,
        last: core::ptr::NonNull<P::Node>,
        mut head: usize,
    ) -> bool {
        let mut pauses = MailboxPauses::new();
        loop {
            pauses.pause();
            for _ in 0..2 {
                // SAFETY: not published yet (I1).
                unsafe { set_next(last, head) };
                // Release, and the comparand: as above.
                match self.head.compare_exchange_weak(
                    head,
                    first,
                    Ordering::Release,
                    Ordering::Relaxed,
                ) {
                    Ok(seen) => return seen == 0,
                    Err(now) => head = now,
                }
            }
        }
    }

    /// Takes everything, newest first.
    #[inline]
    pub fn take_all(&self) -> Chain<P> {
        // Relaxed: an empty mailbox says nothing, and polling it should not take its cache line.
        if self.head.load(Ordering::Relaxed) == 0 {
            return Chain::new();
        }
        // Acquire: pairs with the Release of each push since the last take (I3).
        let first = self.head.swap(0, Ordering::Acquire);
        // SAFETY: the swap unpublished the row, so that it is the caller's (I1).
        unsafe { Chain::from_address(first) }
    }

    /// Takes everything, oldest first: a take-all and one walk that turns it around.
    ///
    /// Nodes of one pusher come in the order of its pushes.
    #[inline]
    pub fn drain_fifo(&self) -> Chain<P> {
        self.take_all().reversed()
    }

    /// Whether it was empty at some moment of the call.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        self.head.load(Ordering::Relaxed) == 0
    }
}

impl<P: Owner> Drop for Mailbox<P> {
    fn drop(&mut self) {
        let first = self.head.load_mut();
        // SAFETY: `&mut self`: no push is under way, the nodes are the mailbox's.
        drop(unsafe { Chain::<P>::from_address(first) });
    }
}

impl<P: Owner> Default for Mailbox<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Owner> fmt::Debug for Mailbox<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

impl<P: Owner> Extend<P> for Mailbox<P> {
    /// Pushes all in one exchange, once the iterator has ended.
    fn extend<I: IntoIterator<Item = P>>(&mut self, nodes: I) {
        self.push_chain(nodes.into_iter().collect());
    }
}
