//! Pools, their stacks, and the mailbox with a sleeping consumer, on real threads.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::catch_unwind;
use std::thread;
use std::time::Instant;

use latchwork_treiber::intrusive::{Node, Pool, PoolBox, Stack, WaitingMailbox};

#[test]
fn nodes_go_round_between_stacks_and_stay_where_they_are() {
    let pool = Pool::new();
    let stacks = [Stack::new(&pool), Stack::new(&pool)];
    let places: Vec<_> = (0..8_usize)
        .map(|n| {
            let node = pool.insert(n);
            let place = core::ptr::from_ref(&*node).addr();
            stacks[n % 2].push(node);
            place
        })
        .collect();
    thread::scope(|scope| {
        for thread in 0..3 {
            let (stacks, places) = (&stacks, &places);
            scope.spawn(move || {
                for turn in 0..20_000 {
                    if let Some(node) = stacks[(thread + turn) % 2].pop() {
                        assert_eq!(core::ptr::from_ref(&*node).addr(), places[*node]);
                        stacks[turn % 2].push(node);
                    }
                }
            });
        }
    });
    let mut left: Vec<usize> =
        stacks.iter().flat_map(Stack::take_all).map(PoolBox::into_inner).collect();
    left.sort_unstable();
    assert!(left.into_iter().eq(0..8));
}

#[test]
fn boxes_drop_their_values_once() {
    struct Counted<'a>(&'a AtomicUsize, bool);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "a drop that panics");
        }
    }
    let drops = AtomicUsize::new(0);
    let pool = Pool::new();
    let stack = Stack::new(&pool);
    for n in 0..5 {
        stack.push(pool.insert(Counted(&drops, n == 2)));
    }
    drop(stack.pop());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 5);
    core::mem::forget(pool.insert(Counted(&drops, true)).into_inner());
    let mut node = pool.insert(Counted(&drops, true));
    node.1 = false;
    drop(node);
    assert_eq!(drops.load(Ordering::Relaxed), 6);
}

#[test]
fn a_sleeping_consumer_gets_everything() {
    let mailbox = WaitingMailbox::new();
    let mut sum = 0;
    thread::scope(|scope| {
        for pusher in 0..3_u64 {
            let mailbox = &mailbox;
            scope.spawn(move || {
                for n in 0..5_000 {
                    mailbox.push(Box::new(Node::new(pusher * 5_000 + n)));
                    if n % 100 == 0 {
                        thread::yield_now();
                    }
                }
            });
        }
        let mut count = 0;
        while count < 15_000 {
            for node in mailbox.wait() {
                sum += **node;
                count += 1;
            }
        }
    });
    assert_eq!(sum, (0..15_000).sum());
    let soon = Instant::now() + Duration::from_millis(5);
    assert!(mailbox.wait_until(soon).is_empty());
    assert!(Instant::now() >= soon);
    mailbox.push(Box::new(Node::new(1)));
    assert_eq!(mailbox.wait_until(Instant::now()).count(), 1);
}
