//! What values can be put in and taken out of, one at a time.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crossbeam_epoch::{Atomic, Owned};

use super::{ArrayStack, Handle, Stack};

pub(crate) trait Bag {
    fn push(&mut self, value: u64);
    fn pop(&mut self) -> Option<u64>;
}

macro_rules! bags {
    ($($bag:ty: $push:expr, $pop:expr;)*) => {$(
        impl Bag for $bag {
            #[inline]
            fn push(&mut self, value: u64) {
                let push: fn(&mut Self, u64) = $push;
                push(self, value);
            }

            #[inline]
            fn pop(&mut self) -> Option<u64> {
                let pop: fn(&mut Self) -> Option<u64> = $pop;
                pop(self)
            }
        }
    )*};
}

const POISON: &str = "nobody panics";

bags! {
    Handle<&ArrayStack<u64>>: |it, v| it.push(v).expect("below capacity"), |it| it.pop();
    Handle<&Stack<u64>>: |it, v| it.push(v), |it| it.pop();
    &ArrayStack<u64>: |it, v| ArrayStack::push(it, v).expect("below capacity"), |it| ArrayStack::pop(it);
    &Stack<u64>: |it, v| Stack::push(it, v), |it| Stack::pop(it);
    &Mutex<Vec<u64>>: |it, v| it.lock().expect(POISON).push(v), |it| it.lock().expect(POISON).pop();
    &parking_lot::Mutex<Vec<u64>>: |it, v| it.lock().push(v), |it| it.lock().pop();
    &crossbeam_queue::SegQueue<u64>: |it, v| crossbeam_queue::SegQueue::push(it, v), |it| crossbeam_queue::SegQueue::pop(it);
    &concurrent_queue::ConcurrentQueue<u64>: |it, v| concurrent_queue::ConcurrentQueue::push(it, v).expect("unbounded"), |it| concurrent_queue::ConcurrentQueue::pop(it).ok();
    &EpochStack: |it, v| EpochStack::push(it, v), |it| EpochStack::pop(it);
    &lockfree::stack::Stack<u64>: |it, v| lockfree::stack::Stack::push(it, v), |it| lockfree::stack::Stack::pop(it);
    &sdd::Stack<u64>: |it, v| { sdd::Stack::push(it, v); }, |it| sdd::Stack::pop(it).map(|entry| **entry);
}

struct Node {
    value: ManuallyDrop<u64>,
    next: Atomic<Node>,
}

/// The plain Treiber stack over crossbeam-epoch, as in that crate's own examples of old.
pub(crate) struct EpochStack {
    head: Atomic<Node>,
}

impl EpochStack {
    pub(crate) fn new() -> Self {
        Self { head: Atomic::null() }
    }

    fn push(&self, value: u64) {
        let mut node = Owned::new(Node { value: ManuallyDrop::new(value), next: Atomic::null() });
        let guard = crossbeam_epoch::pin();
        loop {
            let head = self.head.load(Relaxed, &guard);
            node.next.store(head, Relaxed);
            match self.head.compare_exchange(head, node, Release, Relaxed, &guard) {
                Ok(_) => return,
                Err(error) => node = error.new,
            }
        }
    }

    fn pop(&self) -> Option<u64> {
        let guard = crossbeam_epoch::pin();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: the guard keeps what was on the stack.
            let node = unsafe { head.as_ref() }?;
            let next = node.next.load(Relaxed, &guard);
            if self.head.compare_exchange(head, next, Relaxed, Relaxed, &guard).is_ok() {
                // SAFETY: taken off, and no new reader can find it.
                unsafe { guard.defer_destroy(head) };
                // SAFETY: taken off by this thread alone.
                return Some(ManuallyDrop::into_inner(unsafe { ptr::read(&raw const node.value) }));
            }
        }
    }
}

impl Drop for EpochStack {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
