//! The mailboxes on real threads.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use core::panic::AssertUnwindSafe;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::catch_unwind;
use std::thread;

use latchwork_treiber::Mailbox;
use latchwork_treiber::intrusive::{self, Chain, MarkedMailbox, Node};

#[test]
fn every_value_arrives_once_and_in_its_pushers_order() {
    const PUSHERS: usize = 4;
    const EACH: usize = 20_000;
    let mailbox = Mailbox::new();
    let mut seen = vec![Vec::new(); PUSHERS];
    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let mailbox = &mailbox;
            scope.spawn(move || {
                for n in 0..EACH {
                    mailbox.push((pusher, n));
                }
            });
        }
        while seen.iter().map(Vec::len).sum::<usize>() < PUSHERS * EACH {
            for (pusher, n) in mailbox.drain_fifo() {
                seen[pusher].push(n);
            }
            thread::yield_now();
        }
    });
    for values in seen {
        assert!(values.into_iter().eq(0..EACH));
    }
}

#[test]
fn one_push_between_two_takes_finds_it_empty() {
    let mailbox = Mailbox::new();
    let firsts = AtomicUsize::new(0);
    let mut takes = 0;
    thread::scope(|scope| {
        let pushers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for n in 0..20_000 {
                        firsts.fetch_add(usize::from(mailbox.push(n)), Ordering::Relaxed);
                    }
                })
            })
            .collect();
        while !pushers.iter().all(thread::ScopedJoinHandle::is_finished) {
            takes += usize::from(mailbox.take_all().count() > 0);
        }
        takes += usize::from(mailbox.take_all().count() > 0);
    });
    assert_eq!(firsts.into_inner(), takes);
}

struct Counted<'a> {
    drops: &'a AtomicUsize,
    panics: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "a drop that panics");
    }
}

#[test]
fn a_panicking_drop_leaves_none_behind_and_drops_none_twice() {
    for bad in 0..5 {
        let drops = AtomicUsize::new(0);
        let mailbox: Mailbox<_> =
            (0..5).map(|n| Counted { drops: &drops, panics: n == bad }).collect();
        let mut drain = mailbox.take_all();
        let first = drain.next();
        let result = catch_unwind(AssertUnwindSafe(|| drop(drain)));
        assert_eq!(result.is_err(), bad != 4);
        assert_eq!(drops.load(Ordering::Relaxed), 4);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(first)));
        assert_eq!(drops.load(Ordering::Relaxed), 5);
    }
}

#[test]
fn dropping_the_mailbox_drops_what_is_in_it() {
    let drops = AtomicUsize::new(0);
    let mailbox = Mailbox::new();
    for _ in 0..3 {
        mailbox.push(Counted { drops: &drops, panics: false });
    }
    drop(mailbox);
    assert_eq!(drops.into_inner(), 3);
}

#[test]
fn a_forgotten_drain_leaks_and_the_mailbox_goes_on() {
    let drops = AtomicUsize::new(0);
    // Borrowed nodes, so that this test itself leaks no memory.
    let counted = || Node::new(Counted { drops: &drops, panics: false });
    let mut nodes = [counted(), counted(), counted()];
    let mailbox = intrusive::Mailbox::new();
    let [a, b, c] = &mut nodes;
    mailbox.push(a);
    mailbox.push(b);
    core::mem::forget(mailbox.take_all());
    assert!(mailbox.push(c));
    assert_eq!(mailbox.take_all().count(), 1);
    drop(mailbox);
    drop(nodes);
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

#[test]
fn a_rest_is_put_back_in_front() {
    let mailbox: Mailbox<_> = (0..5).collect();
    let mut drain = mailbox.take_all();
    assert_eq!(drain.next(), Some(4));
    assert!(!mailbox.is_empty() || mailbox.push(9));
    assert!(!mailbox.put_back(drain));
    assert!(mailbox.drain_fifo().eq([9, 0, 1, 2, 3]));
    assert!(!mailbox.put_back(mailbox.take_all()));
}

#[test]
fn chains_keep_their_order() {
    let chain = |range: core::ops::Range<i32>| -> Chain<Box<Node<i32>>> {
        range.map(Node::new).map(Box::new).collect()
    };
    let values = |chain: Chain<Box<Node<i32>>>| chain.map(|node| **node).collect::<Vec<_>>();
    let mut all = chain(0..2).reversed();
    all.append(chain(2..4).reversed());
    all.append(Chain::new());
    all.push_back(Box::new(Node::new(4)));
    assert_eq!(values(all), [0, 1, 2, 3, 4]);

    let mailbox = intrusive::Mailbox::new();
    mailbox.push_chain(chain(0..3));
    let mut taken = mailbox.take_all();
    taken.append(chain(3..5)); // behind an end that had to be found
    assert_eq!(values(taken), [2, 1, 0, 4, 3]);
    let mut empty = Chain::new();
    empty.append(chain(0..1));
    empty.reverse();
    empty.push_front(Box::new(Node::new(1)));
    assert!(mailbox.push_chain(empty));
    assert_eq!(values(mailbox.take_all()), [1, 0]);
    assert!(!mailbox.push_chain(Chain::new()));
    assert!(mailbox.is_empty());
}

#[test]
fn marks_stay_apart_from_nodes() {
    const CLOSED: usize = 1;
    let node = |n: u64| Box::new(Node::new(n));
    let mailbox = MarkedMailbox::new(0);
    mailbox.push_with(node(1), |_| Some(2)).unwrap();
    assert_eq!(mailbox.replace_mark(2, 0).unwrap_err().mark, 2);
    assert!(!mailbox.set_bits(CLOSED).is_empty);
    let refused = mailbox
        .push_with(node(2), |seen| (seen.mark & CLOSED == 0).then_some(seen.mark))
        .unwrap_err();
    assert_eq!((**refused.node, refused.seen.mark), (2, 3));
    let (seen, chain) = mailbox.take_keeping(CLOSED);
    assert_eq!((seen.mark, chain.map(|node| **node).sum::<u64>()), (3, 1));
    assert_eq!(mailbox.replace_mark(CLOSED, 0), Ok(()));
    assert!(catch_unwind(AssertUnwindSafe(|| mailbox.take(64))).is_err());
    mailbox.push_with(node(3), |_| Some(0)).unwrap();
}

#[test]
fn a_panicking_decision_drops_the_node_once() {
    let drops = AtomicUsize::new(0);
    let mailbox = MarkedMailbox::new(0);
    let node = || Box::new(Node::new(Counted { drops: &drops, panics: false }));
    let push = AssertUnwindSafe(|| mailbox.push_with(node(), |_| panic!("no decision")));
    assert!(catch_unwind(push).is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert!(mailbox.load().is_empty);
}

#[test]
fn send_and_sync_follow_the_values() {
    fn both<T: Send + Sync>() {}
    both::<Mailbox<core::cell::Cell<u8>>>();
    both::<Chain<Box<Node<core::cell::Cell<u8>>>>>();
}
