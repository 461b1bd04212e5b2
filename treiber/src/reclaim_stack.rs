//! The stack whose nodes go back to the allocator.
//!
//! ```text
//! head ──► node { value, next } ──► … ──► null
//! ```
//!
//! Treiber's stack as it was published, with a scheme of `latchwork-reclaim` to keep a node for as
//! long as a pop may look at it. That cures ABA as well: an address can't come back on top while
//! someone compares with it.
//!
//! - R1: a node is pushed once. Its `next` is written by its pusher before the exchange that
//!   publishes it, and after that only by whoever took it in a take-all.
//! - R2: whoever follows or compares with a pointer that was the head has protected it by a load
//!   of the head itself: it is not freed, so that no other node has its address, nor the pointer
//!   another allocation's provenance. So an exchange of a node for its `next` is right whenever it
//!   succeeds, and so is a push.
//! - R3: the value is its pusher's until the publication, and then belongs to whoever unlinked the
//!   node. A node that is retired has none, so that freeing it drops nothing.
//! - R4: through shared references the head is changed by read-modify-writes only, so that an
//!   Acquire read synchronises with the push of every node below.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::ManuallyDrop;

use latchwork_reclaim::{Atomic, Guard, Owned, Scheme, Shared, Shield, Tagged};
use latchwork_sync::CachePadded;
use latchwork_sync::atomic::Ordering;
use latchwork_sync::cell::UnsafeCell;

use crate::contention::StackPauses;

type Pointer<T, H> = Tagged<Node<T, H>, H>;

type Head<T, H> = CachePadded<Atomic<Node<T, H>, H>>;

struct Node<T, H> {
    next: Atomic<Self, H>,
    value: UnsafeCell<ManuallyDrop<T>>,
}

impl<T, H> Node<T, H> {
    fn new(value: T) -> Self {
        Self { next: Atomic::null(), value: UnsafeCell::new(ManuallyDrop::new(value)) }
    }

    fn next(&self) -> Pointer<T, H> {
        // Relaxed: the node was acquired (R4), or is the caller's.
        self.next.peek(Ordering::Relaxed)
    }

    fn set_next(&self, next: Pointer<T, H>) {
        // Relaxed: published by the exchange that follows. A pop that looks here after the node
        // was taken fails in its exchange, whatever it finds.
        self.next.store(next, Ordering::Relaxed);
    }

    /// # Safety
    ///
    /// The caller unlinked the node, or is its only owner (R3), and calls this once.
    unsafe fn take(&self) -> T {
        self.value.with_mut(|value| {
            // SAFETY: R3: nobody else touches the value.
            let value = unsafe { &mut *value };
            // SAFETY: R3: it is there, and not taken again.
            unsafe { ManuallyDrop::take(value) }
        })
    }
}

/// An unbounded stack whose nodes are freed by a scheme of [`latchwork_reclaim`].
///
/// [`Stack`](crate::Stack) is cheaper, and keeps the memory that it once needed. This one gives it
/// back to the allocator while it is in use, has a node as large as its value and a pointer, and
/// shares the domain's guards with other structures: what is popped under a guard is freed when
/// the scheme says so.
///
/// - Progress: lock-free as far as the allocator and the scheme are; [`ReclaimStack::take_all`] is
///   one swap.
/// - Memory ordering: what a thread did before a push is visible to whoever pops or takes the
///   value.
/// - Cost: one exchange a push and a pop, an allocation a push, and the scheme's price of a
///   protection and of a retire.
/// - Wrap: there are no generations. A wrong exchange is impossible, for as long as every guard is
///   one of this stack's domain, which every call asserts.
///
/// ```
/// use latchwork_reclaim::{Epoch, Handle, Scheme};
/// use latchwork_treiber::ReclaimStack;
///
/// let stack = ReclaimStack::new(Epoch::new());
/// std::thread::scope(|scope| {
///     for n in 0..4 {
///         let stack = &stack;
///         scope.spawn(move || {
///             let mut handle = stack.domain().register();
///             stack.push(n, &handle.pin());
///         });
///     }
/// });
/// let mut handle = stack.domain().register();
/// assert!(stack.pop(&handle.pin()).is_some());
/// assert_eq!(stack.take_all(&handle.pin()).count(), 3);
/// ```
pub struct ReclaimStack<T, S: Scheme> {
    head: Head<T, S::Header>,
    domain: S,
}

// SAFETY: values move through it from thread to thread, and are never shared (R3).
unsafe impl<T: Send, S: Scheme> Send for ReclaimStack<T, S> {}
// SAFETY: as above.
unsafe impl<T: Send, S: Scheme> Sync for ReclaimStack<T, S> {}

impl<T, S: Scheme> ReclaimStack<T, S> {
    /// An empty stack in this domain.
    pub fn new(domain: S) -> Self {
        Self { head: CachePadded::new(Atomic::null()), domain }
    }

    /// The domain whose guards the operations take.
    pub fn domain(&self) -> &S {
        &self.domain
    }

    #[inline]
    fn check<G: Guard<Scheme = S>>(&self, guard: &G) {
        assert!(guard.guards(&self.domain), "a guard of another domain protects nothing here");
    }

    /// Pushes a value.
    ///
    /// # Panics
    ///
    /// When the guard is of another domain.
    #[inline]
    pub fn push<G: Guard<Scheme = S, Header = S::Header>>(&self, value: T, guard: &G) {
        self.check(guard);
        let node = guard.own(Node::new(value)).into_tagged();
        // SAFETY: just made, whole, and a row of one.
        unsafe { self.publish(node, node, guard) };
    }

    /// Pushes all values in one exchange, the iterator's last on top.
    ///
    /// Should the iterator panic, the values that it gave before are pushed.
    ///
    /// # Panics
    ///
    /// When the guard is of another domain.
    pub fn push_all<I, G>(&self, values: I, guard: &G)
    where
        I: IntoIterator<Item = T>,
        G: Guard<Scheme = S, Header = S::Header>,
    {
        self.check(guard);
        let null = Tagged::null();
        let mut building = Building { stack: self, guard, top: null, bottom: null };
        values.into_iter().for_each(|value| building.add(value));
    }

    /// Publishes a row of nodes, the highest and the lowest.
    ///
    /// # Safety
    ///
    /// The caller owns them, and gives them up; the guard is of this domain.
    #[inline]
    unsafe fn publish<G: Guard<Scheme = S, Header = S::Header>>(
        &self,
        top: Pointer<T, S::Header>,
        bottom: Pointer<T, S::Header>,
        guard: &G,
    ) {
        // SAFETY: the caller owns it.
        let bottom = unsafe { bottom.as_shared().deref() };
        let mut shield = guard.shield();
        let mut pauses = StackPauses::new();
        loop {
            // Protected, though it is only linked to: R2.
            let seen = shield.protect(&self.head).as_tagged();
            bottom.set_next(seen);
            // Release: pairs with the Acquire of `protect` and of takes (R4).
            let exchange =
                self.head.compare_exchange_weak(seen, top, Ordering::Release, Ordering::Relaxed);
            if exchange.is_ok() {
                return;
            }
            pauses.pause();
        }
    }

    /// Pops the newest value.
    ///
    /// # Panics
    ///
    /// When the guard is of another domain. A panic of another object's destructor, which the
    /// scheme may run here, goes through; the value is dropped then.
    #[inline]
    pub fn pop<G: Guard<Scheme = S, Header = S::Header>>(&self, guard: &G) -> Option<T> {
        self.check(guard);
        let mut shield = guard.shield();
        let mut pauses = StackPauses::new();
        loop {
            let node = shield.protect(&self.head);
            // SAFETY: published whole, and protected by a load of the head (R2).
            let next = unsafe { node.as_ref() }?.next();
            // Relaxed: `protect` has acquired the node; those below come with it (R4).
            let exchange =
                self.head.compare_exchange_weak(node, next, Ordering::Relaxed, Ordering::Relaxed);
            if exchange.is_ok() {
                // SAFETY: unlinked just now, by this thread alone.
                return Some(unsafe { take_and_retire(node, guard) });
            }
            pauses.pause();
        }
    }

    /// Takes everything in one swap, newest first.
    ///
    /// # Panics
    ///
    /// When the guard is of another domain.
    pub fn take_all<'g, G>(&self, guard: &'g G) -> Retiring<'g, T, G>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        self.check(guard);
        // Acquire: pairs with `publish` (R4).
        let first = self.head.swap(Tagged::null(), Ordering::Acquire, guard);
        Retiring { first, guard }
    }

    /// Takes everything in one swap, oldest first: a take-all, and one walk that turns it around.
    ///
    /// # Panics
    ///
    /// When the guard is of another domain.
    pub fn drain_fifo<'g, G>(&self, guard: &'g G) -> Retiring<'g, T, G>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        self.take_all(guard).reversed()
    }

    /// Pops the newest value by the sole owner; its node is freed at once.
    pub fn pop_mut(&mut self) -> Option<T> {
        let node = self.head.get_mut();
        if node.is_null() {
            return None;
        }
        // SAFETY: nobody else has the stack, so that nobody can reach its nodes.
        let node = unsafe { node.into_owned() };
        // Nobody else has the stack: what is stored is not compared with.
        *self.head = Atomic::null();
        self.head.store(node.next(), Ordering::Relaxed);
        // SAFETY: R3: it was linked, and is the caller's now.
        Some(unsafe { node.take() })
    }

    /// Whether it was empty at some moment of the call.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        self.head.peek(Ordering::Relaxed).is_null()
    }
}

/// # Safety
///
/// The caller has unlinked the node, which is retired here for the only time, and whose domain the
/// guard is of.
#[inline]
unsafe fn take_and_retire<T, G: Guard>(
    node: Shared<'_, Node<T, G::Header>, G::Header>,
    guard: &G,
) -> T {
    // SAFETY: unlinked by the caller, and not retired yet.
    let inner = unsafe { node.deref() };
    // SAFETY: R3.
    let value = unsafe { inner.take() };
    // SAFETY: unlinked, made by a guard of this domain, retired once; its drop touches nothing
    // (R3).
    unsafe { guard.retire(node) };
    value
}

impl<T, S: Scheme> Drop for ReclaimStack<T, S> {
    fn drop(&mut self) {
        /// Goes on when a value's drop panics.
        struct Rest<'a, T, S: Scheme>(&'a mut ReclaimStack<T, S>);
        impl<T, S: Scheme> Drop for Rest<'_, T, S> {
            fn drop(&mut self) {
                while self.0.pop_mut().is_some() {}
            }
        }
        let rest = Rest(self);
        while rest.0.pop_mut().is_some() {}
    }
}

impl<T, S: Scheme + Default> Default for ReclaimStack<T, S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<T, S: Scheme> fmt::Debug for ReclaimStack<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReclaimStack")
            .field("scheme", &S::NAME)
            .field("is_empty", &self.is_empty())
            .finish_non_exhaustive()
    }
}

/// A row that is not published yet. Its drop publishes it, also when the iterator panics.
struct Building<'a, T, S: Scheme, G: Guard<Scheme = S, Header = S::Header>> {
    stack: &'a ReclaimStack<T, S>,
    guard: &'a G,
    top: Pointer<T, S::Header>,
    bottom: Pointer<T, S::Header>,
}

impl<T, S: Scheme, G: Guard<Scheme = S, Header = S::Header>> Building<'_, T, S, G> {
    fn add(&mut self, value: T) {
        let node: Owned<_, _> = self.guard.own(Node::new(value));
        node.set_next(self.top);
        self.top = node.into_tagged();
        if self.bottom.is_null() {
            self.bottom = self.top;
        }
    }
}

impl<T, S: Scheme, G: Guard<Scheme = S, Header = S::Header>> Drop for Building<'_, T, S, G> {
    fn drop(&mut self) {
        if !self.top.is_null() {
            // SAFETY: the row is this one's, which ends here; the guard was checked.
            unsafe { self.stack.publish(self.top, self.bottom, self.guard) };
        }
    }
}

/// Values taken from a [`ReclaimStack`] in one swap; each node is retired as its value comes out.
///
/// Dropping it drops the rest, each value once, even when one's drop panics. Forgetting it leaks
/// the rest and harms nothing.
pub struct Retiring<'g, T, G: Guard> {
    first: Shared<'g, Node<T, G::Header>, G::Header>,
    guard: &'g G,
}

impl<T, G: Guard> Retiring<'_, T, G> {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// The rest the other way round. O(n), in place.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        let (mut rest, mut done) = (self.first, Tagged::null());
        // SAFETY: unlinked by the take-all, and not retired yet.
        while let Some(node) = unsafe { rest.as_ref() } {
            let next = node.next();
            node.set_next(done);
            done = rest.as_tagged();
            rest = next.as_shared();
        }
        self.first = done.as_shared();
        self
    }
}

impl<T, G: Guard> Iterator for Retiring<'_, T, G> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let node = self.first;
        // SAFETY: unlinked by the take-all, and not retired yet.
        self.first = unsafe { node.as_ref() }?.next().as_shared();
        // SAFETY: as above; it is retired here, and not looked at again.
        Some(unsafe { take_and_retire(node, self.guard) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.is_empty()), self.is_empty().then_some(0))
    }
}

impl<T, G: Guard> FusedIterator for Retiring<'_, T, G> {}

impl<T, G: Guard> Drop for Retiring<'_, T, G> {
    fn drop(&mut self) {
        /// Goes on when a value's drop panics.
        struct Rest<'a, 'g, T, G: Guard>(&'a mut Retiring<'g, T, G>);
        impl<T, G: Guard> Drop for Rest<'_, '_, T, G> {
            fn drop(&mut self) {
                while self.0.next().is_some() {}
            }
        }
        let rest = Rest(self);
        while rest.0.next().is_some() {}
    }
}

impl<T, G: Guard> fmt::Debug for Retiring<'_, T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retiring").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
