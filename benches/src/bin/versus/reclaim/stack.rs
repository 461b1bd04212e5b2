//! A Treiber stack over each scheme: push and pop pairs.

use std::sync::Barrier;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;

use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu};
use latchwork_reclaim::{
    Atomic, Epoch, Guard, Handle, Hazard, Interval, Scheme, Shared, Shield, Tagged,
};

use super::GROUP;

pub(super) fn rows(versus: &mut Versus) {
    schemes(versus, "epoch", &Epoch::new());
    schemes(versus, "interval", &Interval::new());
    schemes(versus, "hazard", &Hazard::new());
}

fn schemes<S: Scheme>(versus: &mut Versus, scheme: &str, domain: &S) {
    let pairs = versus.sized(200_000, 2_000);
    for threads in [1, 2, 8] {
        let row = format!("stack_{scheme}_{threads}t");
        if versus.wants(GROUP, &row) {
            let ours = Stack::<S> { head: Atomic::null(), domain: domain.clone() };
            let (crossbeam, kovan) = (CrossbeamStack::default(), KovanStack::new());
            let sdd = SddStack::new();
            let rounds = if threads == 1 { 21 } else { 13 };
            versus.compare(
                (GROUP, &row, "ns/pair"),
                rounds,
                || {
                    run(threads, pairs, || {
                        let mut handle = ours.domain.register();
                        let ours = &ours;
                        move || {
                            ours.push(1, &handle.pin());
                            ours.pop(&handle.pin());
                        }
                    })
                },
                vec![
                    Contender::new("crossbeam-epoch", || {
                        run(threads, pairs, || {
                            || {
                                crossbeam.push(1);
                                crossbeam.pop();
                            }
                        })
                    }),
                    Contender::new("kovan", || {
                        run(threads, pairs, || {
                            || {
                                kovan.push(1);
                                kovan.pop();
                            }
                        })
                    }),
                    Contender::new("sdd", || {
                        run(threads, pairs, || {
                            || {
                                sdd.push(1);
                                sdd.pop();
                            }
                        })
                    }),
                ],
            );
        }
    }
}

/// Processor time of all threads for one pair.
pub(super) fn run<F: FnMut()>(threads: usize, pairs: u64, make: impl Fn() -> F + Sync) -> f64 {
    let each = pairs / threads as u64;
    let gate = Barrier::new(threads);
    let work = || {
        let mut pair = make();
        gate.wait();
        (0..each).for_each(|_| pair());
    };
    let watch = Stopwatch::start(process_cpu);
    if threads == 1 {
        work();
    } else {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    watch.per(each * threads as u64)
}

struct Node<H> {
    value: u64,
    next: Tagged<Node<H>, H>,
}

struct Stack<S: Scheme> {
    head: Atomic<Node<S::Header>, S::Header>,
    domain: S,
}

// SAFETY: nodes hold an integer and an address.
unsafe impl<S: Scheme> Sync for Stack<S> {}

impl<S: Scheme> Stack<S> {
    fn push<G: Guard<Scheme = S, Header = S::Header>>(&self, value: u64, guard: &G) {
        let mut head = self.head.peek(Relaxed);
        let mut node = guard.own(Node { value, next: head });
        loop {
            match self.head.compare_exchange_weak(head, node, Release, Relaxed) {
                Ok(_) => return,
                Err(error) => {
                    head = error.current;
                    node = error.new;
                    node.next = head;
                }
            }
        }
    }

    fn pop<G: Guard<Scheme = S, Header = S::Header>>(&self, guard: &G) -> Option<u64> {
        let mut shield = guard.shield();
        loop {
            let head = shield.protect(&self.head);
            // SAFETY: loaded from the root, published whole.
            let node = unsafe { head.as_ref() }?;
            if self.head.compare_exchange_weak(head, node.next, Relaxed, Relaxed).is_ok() {
                let value = node.value;
                let node: Shared<'_, _, _> = head;
                // SAFETY: the exchange took the only way to it.
                unsafe { guard.retire(node) };
                return Some(value);
            }
        }
    }
}

#[derive(Default)]
struct CrossbeamStack {
    head: crossbeam_epoch::Atomic<CrossbeamNode>,
}

struct CrossbeamNode {
    value: u64,
    next: crossbeam_epoch::Atomic<CrossbeamNode>,
}

impl CrossbeamStack {
    fn push(&self, value: u64) {
        let guard = crossbeam_epoch::pin();
        let mut node = crossbeam_epoch::Owned::new(CrossbeamNode {
            value,
            next: crossbeam_epoch::Atomic::null(),
        });
        let mut head = self.head.load(Relaxed, &guard);
        loop {
            node.next.store(head, Relaxed);
            match self.head.compare_exchange_weak(head, node, Release, Relaxed, &guard) {
                Ok(_) => return,
                Err(error) => {
                    head = error.current;
                    node = error.new;
                }
            }
        }
    }

    fn pop(&self) -> Option<u64> {
        let guard = crossbeam_epoch::pin();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: loaded and used under one guard.
            let node = unsafe { head.as_ref() }?;
            let next = node.next.load(Relaxed, &guard);
            if self.head.compare_exchange_weak(head, next, Relaxed, Relaxed, &guard).is_ok() {
                let value = node.value;
                // SAFETY: the exchange took the only way to it.
                unsafe { guard.defer_destroy(head) };
                return Some(value);
            }
        }
    }
}

struct KovanStack {
    head: kovan::Atomic<KovanNode>,
}

#[repr(C)]
struct KovanNode {
    retired: kovan::RetiredNode,
    value: u64,
    next: *mut KovanNode,
}

// SAFETY: nodes hold an integer and an address.
unsafe impl Sync for KovanStack {}

impl KovanStack {
    fn new() -> Self {
        Self { head: kovan::Atomic::null() }
    }

    fn push(&self, value: u64) {
        let guard = kovan::pin();
        let node = Box::into_raw(Box::new(KovanNode {
            retired: kovan::RetiredNode::new(),
            value,
            next: std::ptr::null_mut(),
        }));
        let mut head = self.head.load(Relaxed, &guard);
        loop {
            // SAFETY: not yet published.
            unsafe { (*node).next = head.as_raw() };
            // SAFETY: a box of this type.
            let new = unsafe { kovan::Shared::from_raw(node) };
            match self.head.compare_exchange_weak(head, new, Release, Relaxed, &guard) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn pop(&self) -> Option<u64> {
        let guard = kovan::pin();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: loaded and used under one guard.
            let node = unsafe { head.as_ref() }?;
            // SAFETY: the address of a node or null, as the list holds it.
            let next = unsafe { kovan::Shared::from_raw(node.next) };
            if self.head.compare_exchange_weak(head, next, Relaxed, Relaxed, &guard).is_ok() {
                let value = node.value;
                // SAFETY: the exchange took the only way to it; the node begins with its link.
                unsafe { kovan::retire(head.as_raw()) };
                return Some(value);
            }
        }
    }
}

struct SddStack {
    head: sdd::AtomicRaw<SddNode>,
}

struct SddNode {
    value: u64,
    next: sdd::AtomicRaw<SddNode>,
}

impl SddStack {
    fn new() -> Self {
        Self { head: sdd::AtomicRaw::null() }
    }

    fn push(&self, value: u64) {
        let guard = sdd::Guard::new();
        let mut head = self.head.load(Relaxed, &guard);
        let node = sdd::Owned::new(SddNode { value, next: sdd::AtomicRaw::null() }).into_raw();
        loop {
            // SAFETY: an object that nobody frees before it is popped.
            let new = unsafe { node.into_ptr() };
            let new = new.as_ref().expect("just made");
            new.next.store(head, Relaxed);
            match self.head.compare_exchange(head, node, Release, Relaxed, &guard) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn pop(&self) -> Option<u64> {
        let guard = sdd::Guard::new();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: loaded and used under one guard.
            let node = unsafe { head.into_ptr() }.as_ref()?;
            let next = node.next.load(Relaxed, &guard);
            if self.head.compare_exchange(head, next, Relaxed, Relaxed, &guard).is_ok() {
                let value = node.value;
                // SAFETY: the exchange took the only way to it; to drop it is to retire it.
                drop(unsafe { sdd::Owned::from_raw(head) });
                return Some(value);
            }
        }
    }
}
