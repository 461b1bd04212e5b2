//! The queue of Michael and Scott.
//!
//! ```text
//! head --> | dummy | next --> | value | next --> | value | null |
//!                                                    ^-- tail, or one before
//! ```
//!
//! - I1: the node that `head` points to is a dummy: its value has been taken, or it never had one.
//! - I2: `tail` is never behind `head`: who moves `head` has seen that `tail` is not at the node it
//!   moves from, or has moved `tail` on. So no root leads to a node that was retired.
//! - I3: whoever moves `head` from a node retires it, and takes the value of the next.
//!
//! Source: Michael, Scott, *Simple, fast, and practical non-blocking and blocking concurrent queue
//! algorithms*, PODC 1996; its use of hazard pointers: Michael, 2004.

use core::fmt;
use core::mem::MaybeUninit;

use latchwork_sync::CachePadded;
use latchwork_sync::atomic::Ordering;
use latchwork_sync::cell::UnsafeCell;

use super::check;
use crate::pointer::{Atomic, Tagged};
use crate::scheme::{Guard, Handle, Scheme, Shield};

/// A queue without a bound, for any number of producers and consumers.
///
/// Memory ordering: what a thread did before a `push` is visible to who gets the value. Progress:
/// lock-free. Cost: an allocation and two exchanges for a push, one exchange and a retire for a
/// pop. A guard of another domain than the queue's makes the call panic.
///
/// ```
/// use latchwork_reclaim::structures::Queue;
/// use latchwork_reclaim::{Handle, Hazard};
///
/// let queue = Queue::new_in(Hazard::new());
/// let mut handle = queue.domain().register();
/// let guard = handle.pin();
/// queue.push(1, &guard);
/// queue.push(2, &guard);
/// assert_eq!(queue.pop(&guard), Some(1));
/// assert_eq!(queue.pop(&guard), Some(2));
/// assert_eq!(queue.pop(&guard), None);
/// ```
pub struct Queue<T, S: Scheme> {
    head: CachePadded<Link<T, S>>,
    tail: CachePadded<Link<T, S>>,
    domain: S,
}

type Link<T, S> = Atomic<Node<T, <S as Scheme>::Header>, <S as Scheme>::Header>;

struct Node<T, H> {
    /// Initialised while the node is behind the dummy.
    value: UnsafeCell<MaybeUninit<T>>,
    next: Atomic<Node<T, H>, H>,
}

// SAFETY: a value is written before its node is published, and then only taken out, by the one
// thread that moves `head` there (I3).
unsafe impl<T: Send, H: Send + Sync> Sync for Node<T, H> {}

impl<T, H> Node<T, H> {
    fn new(value: MaybeUninit<T>) -> Self {
        Self { value: UnsafeCell::new(value), next: Atomic::null() }
    }
}

impl<T: Send + 'static, S: Scheme> Queue<T, S> {
    /// An empty queue in `domain`.
    ///
    /// Cost: registers for a moment, for the first node's header.
    pub fn new_in(domain: S) -> Self {
        let dummy = domain.register().pin().own(Node::new(MaybeUninit::uninit())).into_tagged();
        let root = || {
            let root = Atomic::null();
            root.store(dummy, Ordering::Relaxed);
            CachePadded::new(root)
        };
        Self { head: root(), tail: root(), domain }
    }

    /// The domain whose guards the queue is used under.
    pub fn domain(&self) -> &S {
        &self.domain
    }

    /// Puts `value` at the end.
    pub fn push<G>(&self, value: T, guard: &G)
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        check(&self.domain, guard);
        let mut new = guard.own(Node::new(MaybeUninit::new(value)));
        let mut shield = guard.shield();
        loop {
            let tail = shield.protect(&self.tail);
            // SAFETY: a root leads to it (I2), and it was published whole.
            let last = unsafe { tail.deref() };
            // Acquire: pairs with the Release that linked the node, which is published once more.
            let next = last.next.peek(Ordering::Acquire);
            if !next.is_null() {
                self.move_tail(tail.as_tagged(), next);
                continue;
            }
            // Release: publishes the node to who follows the link.
            match last.next.compare_exchange(next, new, Ordering::Release, Ordering::Relaxed) {
                Ok(node) => return self.move_tail(tail.as_tagged(), node),
                Err(error) => new = error.new,
            }
        }
    }

    /// Moves `tail` on, unless another thread has.
    fn move_tail(
        &self,
        from: Tagged<Node<T, S::Header>, S::Header>,
        to: Tagged<Node<T, S::Header>, S::Header>,
    ) {
        // Release: publishes the node to who comes by the root.
        let _ = self.tail.compare_exchange(from, to, Ordering::Release, Ordering::Relaxed);
    }

    /// Takes the value at the front.
    pub fn pop<G>(&self, guard: &G) -> Option<T>
    where
        G: Guard<Scheme = S, Header = S::Header>,
    {
        check(&self.domain, guard);
        let (mut first, mut second) = (guard.shield(), guard.shield());
        loop {
            let head = first.protect(&self.head);
            // Good if `head` still leads to its node, which the exchange tells: until then it is
            // only compared.
            // SAFETY: a root leads to it, and it was published whole.
            let next = second.protect(&unsafe { head.deref() }.next);
            if next.is_null() {
                return None;
            }
            // Relaxed: who has moved `head` here had read a newer `tail` than that of before (I2).
            if self.tail.peek(Ordering::Relaxed) == head.as_tagged() {
                self.move_tail(head.as_tagged(), next.as_tagged());
            }
            // Release: who finds `head` here reads no older `tail` than this thread (I2).
            if self.head.compare_exchange(head, next, Ordering::Release, Ordering::Relaxed).is_ok()
            {
                // SAFETY: the second shield protects it: it can't have been retired before this
                // exchange.
                let node = unsafe { next.deref() };
                // SAFETY: whoever moves `head` here has the value (I3), and nobody else looks at it.
                let value = node.value.with(|value| unsafe { value.read() });
                // SAFETY: it is behind a dummy (I1).
                let value = unsafe { value.assume_init() };
                // SAFETY: `head` was moved by this thread, `tail` is past it (I2), so no root
                // leads there; the value is Send and without borrows, and gone.
                unsafe { guard.retire(head) };
                return Some(value);
            }
        }
    }
}

impl<T, S: Scheme> Drop for Queue<T, S> {
    fn drop(&mut self) {
        // SAFETY: no other thread can reach the queue; the nodes in it are not retired.
        let mut next = unsafe { self.head.take() };
        let mut is_dummy = true;
        while let Some(mut node) = next {
            if !is_dummy {
                // SAFETY: behind the dummy (I1).
                unsafe { node.value.get_mut().assume_init_drop() };
            }
            is_dummy = false;
            // SAFETY: as above.
            next = unsafe { node.next.take() };
        }
    }
}

impl<T, S: Scheme> fmt::Debug for Queue<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("scheme", &S::NAME).finish_non_exhaustive()
    }
}
