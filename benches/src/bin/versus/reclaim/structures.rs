//! The queue and the list of `structures` on each scheme, against the same code on peers' schemes
//! and against other structures for the same purpose.

use std::cell::Cell;

use crossbeam_queue::SegQueue;
use crossbeam_skiplist::SkipMap;
use latchwork_benches::{Contender, Versus};
use latchwork_reclaim::adapters::crossbeam::CrossbeamEpoch;
use latchwork_reclaim::adapters::haphazard::Haphazard;
use latchwork_reclaim::structures::{List, Queue};
use latchwork_reclaim::{Epoch, Handle, Hazard, Interval, Scheme};

use super::GROUP;
use super::stack::run;

/// Keys of the list: half of them are in it.
const KEYS: u64 = 64;

pub(super) fn rows(versus: &mut Versus) {
    queues(versus, "epoch", &Epoch::new(), "crossbeam-epoch", &CrossbeamEpoch);
    queues(versus, "hazard", &Hazard::new(), "haphazard", &Haphazard::new());
    lists(versus, "epoch", &Epoch::new(), "crossbeam-epoch", &CrossbeamEpoch);
    lists(versus, "interval", &Interval::new(), "crossbeam-epoch", &CrossbeamEpoch);
    lists(versus, "hazard", &Hazard::new(), "haphazard", &Haphazard::new());
}

/// Push and pop in turn.
fn queues<S: Scheme, P: Scheme>(
    versus: &mut Versus,
    scheme: &str,
    domain: &S,
    peer: &str,
    theirs: &P,
) {
    let pairs = versus.sized(200_000, 2_000);
    for threads in [1, 8] {
        let row = format!("queue_{scheme}_{threads}t");
        if versus.wants(GROUP, &row) {
            let rounds = if threads == 1 { 21 } else { 13 };
            let (ours, theirs) = (Queue::new_in(domain.clone()), Queue::new_in(theirs.clone()));
            let (seg, sdd) = (SegQueue::new(), sdd::Queue::default());
            versus.compare(
                (GROUP, &row, "ns/pair"),
                rounds,
                || run(threads, pairs, || queue_pair(&ours)),
                vec![
                    Contender::new(peer, || run(threads, pairs, || queue_pair(&theirs))),
                    Contender::new("crossbeam-queue", || {
                        run(threads, pairs, || {
                            || {
                                seg.push(1);
                                seg.pop();
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

fn queue_pair<S: Scheme>(queue: &Queue<u64, S>) -> impl FnMut() {
    let mut handle = queue.domain().register();
    move || {
        queue.push(1, &handle.pin());
        queue.pop(&handle.pin());
    }
}

/// Looks for keys, nine times in ten; else puts one in or takes one out.
fn lists<S: Scheme, P: Scheme>(
    versus: &mut Versus,
    scheme: &str,
    domain: &S,
    peer: &str,
    theirs: &P,
) {
    let operations = versus.sized(200_000, 2_000);
    for threads in [1, 8] {
        let row = format!("list_{scheme}_{threads}t");
        if versus.wants(GROUP, &row) {
            let rounds = if threads == 1 { 21 } else { 13 };
            let (ours, theirs) = (filled(domain), filled(theirs));
            let skip: SkipMap<u64, u64> = (0..KEYS).step_by(2).map(|key| (key, key)).collect();
            versus.compare(
                (GROUP, &row, "ns"),
                rounds,
                || run(threads, operations, || list_operation(&ours)),
                vec![
                    Contender::new(peer, || run(threads, operations, || list_operation(&theirs))),
                    Contender::new("crossbeam-skiplist", || {
                        run(threads, operations, || {
                            let keys = Keys::new();
                            let skip = &skip;
                            move || match keys.next() {
                                (Turn::Look, key) => drop(skip.contains_key(&key)),
                                (Turn::Insert, key) => drop(skip.get_or_insert(key, key)),
                                (Turn::Remove, key) => drop(skip.remove(&key)),
                            }
                        })
                    }),
                ],
            );
        }
    }
}

fn filled<S: Scheme>(domain: &S) -> List<u64, u64, S> {
    let list = List::new_in(domain.clone());
    let mut handle = domain.register();
    for key in (0..KEYS).step_by(2) {
        list.insert(key, key, &handle.pin()).expect("not there yet");
    }
    drop(handle);
    list
}

fn list_operation<S: Scheme>(list: &List<u64, u64, S>) -> impl FnMut() {
    let mut handle = list.domain().register();
    let keys = Keys::new();
    move || {
        let guard = handle.pin();
        match keys.next() {
            (Turn::Look, key) => drop(list.contains(&key, &guard)),
            (Turn::Insert, key) => drop(list.insert(key, key, &guard)),
            (Turn::Remove, key) => drop(list.remove(&key, &guard)),
        }
    }
}

enum Turn {
    Look,
    Insert,
    Remove,
}

/// Keys at random (xorshift, Marsaglia 2003), the same for every contender.
struct Keys(Cell<u64>);

impl Keys {
    fn new() -> Self {
        Self(Cell::new(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&self) -> (Turn, u64) {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        let turn = match (x >> 32) % 20 {
            0 => Turn::Insert,
            1 => Turn::Remove,
            _ => Turn::Look,
        };
        (turn, x % KEYS)
    }
}
