//! Stacks of nodes in memory of the caller's, by pointer and tag.
//!
//! ```text
//! head ──► (node, tag); node.next ──► (node below, its tag) … ──► (null, 0)
//! ```
//!
//! The algorithm is that of the value stacks (see `lists`), with a pointer in the place of an
//! index: the tag is the node's own generation, which travels in the word of whoever owns the
//! node and counts its pushes; `next` keeps the word below as it was read. So a pop needs no
//! arithmetic, and take-all is one swap.
//!
//! - T1: a node's memory stays a node's for as long as any stack of its lifetime: it is borrowed
//!   exclusively for that long by its [`Stable`], and a stack is invariant in the lifetime.
//! - T2: from the exchange that publishes (node, tag) until the node's next publication, `next`
//!   does not change while that word can be reached.
//! - T3: only its owner touches a node's value, and writes its `next`: who made its [`Stable`],
//!   pushed it last and has not finished, or took it off.
//! - T4: through shared references a head is changed by read-modify-writes only, so that an Acquire
//!   read synchronises with the push of every node below.
//! - T5: `next` is read in two halves. Where the node was published again in between they may not
//!   belong together; then its word is not on top any more, and the exchange fails (T2).

use core::cell::Cell;
use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use latchwork_sync::CachePadded;
use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::const_fn;

use crate::contention::StackPauses;
use crate::tagged::{AddressTooWide, Packed, TaggedPointer};

/// A stack by double-width words: any pointer, and a tag that does not wrap in practice.
///
/// ```
/// use latchwork_treiber::intrusive::{Stable, StableNode, WideStack};
///
/// let mut arena = [StableNode::new("first"), StableNode::new("second")];
/// let stack = WideStack::new();
/// for node in &mut arena {
///     stack.push(Stable::new(node).unwrap());
/// }
/// assert_eq!(*stack.pop().unwrap(), "second");
/// assert_eq!(stack.generation_bits(), 64);
/// ```
#[cfg(feature = "pair")]
pub type WideStack<'a, T> = TaggedStack<'a, T, crate::tagged::Wide<StableNode<T>>>;

/// A stack by pointers of 48 bits with tags of 16. **A last resort**: the tag wraps in less than a
/// millisecond; see [`tagged`](crate::tagged#the-odds-of-sixteen-bits).
///
/// The address is checked once for each node, when its [`Stable`] is made. The stack is made by
/// [`TaggedStack::with_narrow_tags`], which is unsafe.
///
/// ```
/// use latchwork_treiber::intrusive::{PackedStack, Stable, StableNode};
///
/// let mut node = StableNode::new(7);
/// // SAFETY: one thread, so that no pop is under way while a node is pushed.
/// let stack = unsafe { PackedStack::with_narrow_tags() };
/// stack.push(Stable::new(&mut node)?);
/// assert_eq!(*stack.pop().unwrap(), 7);
/// # Ok::<(), latchwork_treiber::tagged::AddressTooWide>(())
/// ```
pub type PackedStack<'a, T> = TaggedStack<'a, T, Packed<StableNode<T>>>;

/// A node for a [`TaggedStack`], in memory of the caller's: an arena, a static, a leaked box.
pub struct StableNode<T> {
    /// The word below in two halves (T5). Read by anyone who has seen this node on top, be it long
    /// ago; Relaxed is enough, since a reader whose word is outdated fails in its exchange.
    address: AtomicU64,
    tag: AtomicU64,
    value: UnsafeCell<T>,
}

// SAFETY: only a node's owner touches its value (T3).
unsafe impl<T: Send> Sync for StableNode<T> {}

impl<T> StableNode<T> {
    const_fn! {
        /// A node at home.
        pub fn new(value: T) -> Self {
            let (address, tag) = (AtomicU64::new(0), AtomicU64::new(0));
            Self { address, tag, value: UnsafeCell::new(value) }
        }
    }

    /// The value without its node.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn next<W: TaggedPointer<Self>>(&self) -> W {
        let address = self.address.load(Ordering::Relaxed);
        W::from_parts(address, self.tag.load(Ordering::Relaxed))
    }

    fn set_next<W: TaggedPointer<Self>>(&self, word: W) {
        let (address, tag) = word.into_parts();
        self.address.store(address, Ordering::Relaxed);
        self.tag.store(tag, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for StableNode<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value belongs to whoever has the node.
        f.debug_struct("StableNode").finish_non_exhaustive()
    }
}

/// The one who owns a [`StableNode`] while it is on no stack: it is shared by nobody, and can be
/// pushed. Dropping or forgetting it drops nothing: the value stays in its node, which is its
/// arena's again when the lifetime ends.
pub struct Stable<'a, T, W: TaggedPointer<StableNode<T>>> {
    word: W,
    node: PhantomData<&'a mut StableNode<T>>,
}

// SAFETY: it owns its value as an exclusive borrow does.
unsafe impl<T: Send, W: TaggedPointer<StableNode<T>>> Send for Stable<'_, T, W> {}
// SAFETY: sharing it shares the value alone.
unsafe impl<T: Sync, W: TaggedPointer<StableNode<T>>> Sync for Stable<'_, T, W> {}

impl<'a, T, W: TaggedPointer<StableNode<T>>> Stable<'a, T, W> {
    /// Takes a node out of its arena, for as long as any of its stacks may live.
    ///
    /// # Errors
    ///
    /// When its address leaves no room for the tag; never with double-width words.
    pub fn new(node: &'a mut StableNode<T>) -> Result<Self, AddressTooWide> {
        Ok(Self { word: W::try_new(node)?, node: PhantomData })
    }

    fn node(&self) -> &'a StableNode<T> {
        // SAFETY: T1: the word was made of a borrow of `'a`, of which only shared ones are made.
        unsafe { &*self.word.as_pointer() }
    }
}

impl<T, W: TaggedPointer<StableNode<T>>> Deref for Stable<'_, T, W> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: T3: the value is this owner's, and shared no longer than that is borrowed.
        self.node().value.with(|value| unsafe { &*value })
    }
}

impl<T, W: TaggedPointer<StableNode<T>>> DerefMut for Stable<'_, T, W> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: T3: the value is this owner's, which is borrowed exclusively.
        self.node().value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: fmt::Debug, W: TaggedPointer<StableNode<T>>> fmt::Debug for Stable<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A stack of nodes of the caller's, which stay where they are; `W` says how a word names one.
///
/// - Progress: lock-free where the word's exchange is; [`TaggedStack::take_all`] is wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever pops or takes the node.
/// - Cost: one exchange a push and a pop; nothing is allocated. Where nodes can be numbered,
///   [`Pool`](super::Pool) and [`Stack`](super::Stack) do with words of half the width.
/// - Wrap: [`TaggedStack::generation_bits`], counted by each node's own pushes.
///
/// A node can't come back to its arena while the stack is there:
///
/// ```compile_fail
/// use latchwork_treiber::intrusive::{PackedStack, Stable, StableNode};
///
/// let stack = unsafe { PackedStack::with_narrow_tags() };
/// {
///     let mut node = StableNode::new(1);
///     stack.push(Stable::new(&mut node).unwrap());
/// }
/// stack.pop();
/// ```
pub struct TaggedStack<'a, T, W: TaggedPointer<StableNode<T>>> {
    head: CachePadded<W::Atomic>,
    /// Invariant in `'a` (T1).
    nodes: PhantomData<Cell<&'a mut StableNode<T>>>,
}

// SAFETY: it moves nodes from thread to thread, and shares no value (T3).
unsafe impl<T: Send, W: TaggedPointer<StableNode<T>>> Send for TaggedStack<'_, T, W> {}
// SAFETY: as above.
unsafe impl<T: Send, W: TaggedPointer<StableNode<T>>> Sync for TaggedStack<'_, T, W> {}

impl<'a, T, W: TaggedPointer<StableNode<T>>> TaggedStack<'a, T, W> {
    /// An empty stack. Refused by the compiler where tags have less than 32 bits, see
    /// [`TaggedStack::with_narrow_tags`]:
    ///
    /// ```compile_fail
    /// latchwork_treiber::intrusive::PackedStack::<u8>::new();
    /// ```
    #[must_use]
    #[allow(clippy::new_without_default, reason = "not there for narrow tags")]
    pub fn new() -> Self {
        const { assert!(W::TAG_BITS >= 32, "tags too narrow to be safe") };
        // SAFETY: 2^32 pushes of one node take many seconds.
        unsafe { Self::with_narrow_tags() }
    }

    /// An empty stack, whatever the width of its tags.
    ///
    /// # Safety
    ///
    /// While a pop is under way, no node is pushed 2^[`TaggedPointer::TAG_BITS`] times or more: a
    /// pop that misses that may give a node to two owners. With 16 bits a thread that loses its
    /// processor can miss it (see [`tagged`](crate::tagged#the-odds-of-sixteen-bits)), so that
    /// something else must rule it out: threads that are not preempted in a pop, or a bound on how
    /// often a node goes round.
    #[must_use]
    pub unsafe fn with_narrow_tags() -> Self {
        Self { head: CachePadded::new(Self::null().into_atomic()), nodes: PhantomData }
    }

    fn null() -> W {
        W::from_parts(0, 0)
    }

    /// Pushes a node.
    #[inline]
    #[allow(clippy::needless_pass_by_value, reason = "the owner gives the node up")]
    pub fn push(&self, node: Stable<'a, T, W>) {
        let (node, word) = (node.node(), node.word.bumped());
        // Relaxed: the head is only linked to and compared with, not followed.
        let mut seen = W::load(&self.head, Ordering::Relaxed);
        let mut pauses = StackPauses::new();
        loop {
            node.set_next(seen);
            // Release: pairs with the Acquire of pops and takes (T4).
            if seen
                .compare_exchange_weak(&self.head, word, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return;
            }
            pauses.pause();
            // Relaxed: as above.
            seen = W::load(&self.head, Ordering::Relaxed);
        }
    }

    /// Pops the newest node.
    #[inline]
    pub fn pop(&self) -> Option<Stable<'a, T, W>> {
        let mut pauses = StackPauses::new();
        loop {
            // Acquire: pairs with `push` (T4).
            let word = W::load(&self.head, Ordering::Acquire);
            // SAFETY: T1: what is on the stack is null or a node of `'a`.
            let next = unsafe { word.as_pointer().as_ref() }?.next();
            // Relaxed on success: the word was acquired when it was read, and it is the same
            // episode (T2).
            match word.compare_exchange_weak(&self.head, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(word) => return Some(Stable { word, node: PhantomData }),
                Err(_) => pauses.pause(),
            }
        }
    }

    /// Takes all nodes in one swap, newest first.
    pub fn take_all(&self) -> StableChain<'a, T, W> {
        // Acquire: pairs with `push` (T4).
        let first = Self::null().swap(&self.head, Ordering::Acquire);
        StableChain { first, nodes: PhantomData }
    }

    /// Whether it was empty at some moment of the call.
    pub fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        W::load(&self.head, Ordering::Relaxed).as_pointer().is_null()
    }

    /// How many bits the generation has; see the crate's documentation for what that means.
    #[allow(clippy::unused_self, reason = "as on every stack")]
    pub fn generation_bits(&self) -> u32 {
        W::TAG_BITS
    }
}

impl<T, W: TaggedPointer<StableNode<T>>> fmt::Debug for TaggedStack<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaggedStack")
            .field("is_empty", &self.is_empty())
            .field("generation_bits", &self.generation_bits())
            .finish_non_exhaustive()
    }
}

/// Nodes taken from a [`TaggedStack`] in one swap. Dropping it leaves the rest to their arena.
pub struct StableChain<'a, T, W: TaggedPointer<StableNode<T>>> {
    first: W,
    nodes: PhantomData<&'a mut StableNode<T>>,
}

// SAFETY: it owns its nodes.
unsafe impl<T: Send, W: TaggedPointer<StableNode<T>>> Send for StableChain<'_, T, W> {}
// SAFETY: a shared chain gives no access to the values.
unsafe impl<T: Send, W: TaggedPointer<StableNode<T>>> Sync for StableChain<'_, T, W> {}

impl<'a, T, W: TaggedPointer<StableNode<T>>> Iterator for StableChain<'a, T, W> {
    type Item = Stable<'a, T, W>;

    fn next(&mut self) -> Option<Self::Item> {
        let word = self.first;
        // SAFETY: T1: null, or a node that is this chain's.
        self.first = unsafe { word.as_pointer().as_ref() }?.next();
        Some(Stable { word, node: PhantomData })
    }
}

impl<T, W: TaggedPointer<StableNode<T>>> FusedIterator for StableChain<'_, T, W> {}

impl<T, W: TaggedPointer<StableNode<T>>> fmt::Debug for StableChain<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StableChain").finish_non_exhaustive()
    }
}
