//! Queue and list on real threads, over every scheme: nothing lost, nothing twice, and each run has
//! an order in which one thread could have played it.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use latchwork_linearize::{Spec, play};
use latchwork_reclaim::structures::{List, Queue};
use latchwork_reclaim::{Config, Epoch, Guard, Handle, Hazard, Interval, Leak, Scheme};

/// Runs `$test` with a domain of each scheme, with bags so small that much is freed meanwhile.
macro_rules! on_every_scheme {
    ($test:expr) => {{
        let config = Config::DEFAULT.batch(8);
        ($test)(Epoch::with_config(config));
        ($test)(Interval::with_config(config));
        ($test)(Hazard::with_config(config));
        ($test)(Leak::new());
        #[cfg(feature = "crossbeam-epoch")]
        ($test)(latchwork_reclaim::adapters::crossbeam::CrossbeamEpoch);
        #[cfg(feature = "haphazard")]
        ($test)(latchwork_reclaim::adapters::haphazard::Haphazard::new());
    }};
}

fn every_value_comes_out_once<S: Scheme>(domain: S) {
    const EACH: u64 = 2_000;
    let queue = Queue::new_in(domain);
    let queue = &queue;
    let taken: Vec<Vec<Box<u64>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                scope.spawn(move || {
                    let mut handle = queue.domain().register();
                    let mut taken = Vec::new();
                    for index in 0..EACH {
                        let guard = handle.pin();
                        queue.push(Box::new(worker * EACH + index), &guard);
                        taken.extend(queue.pop(&guard));
                    }
                    taken
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    for taken in &taken {
        for producer in 0..4 {
            let own: Vec<_> = taken.iter().filter(|value| ***value / EACH == producer).collect();
            assert!(own.is_sorted(), "{}: a producer's values keep their order", S::NAME);
        }
    }
    let mut handle = queue.domain().register();
    let guard = handle.pin();
    let rest = std::iter::from_fn(|| queue.pop(&guard));
    let mut all: Vec<u64> = taken.into_iter().flatten().chain(rest).map(|value| *value).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..4 * EACH), "{}", S::NAME);
}

#[test]
fn queue_gives_every_value_once() {
    on_every_scheme!(every_value_comes_out_once);
}

fn each_key_is_removed_as_often_as_inserted<S: Scheme>(domain: S) {
    let list = List::new_in(domain);
    let list = &list;
    let balance: i32 = thread::scope(|scope| {
        let workers: Vec<_> = (1..=4_u64)
            .map(|seed| {
                scope.spawn(move || {
                    let mut handle = list.domain().register();
                    let (mut state, mut balance) = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), 0);
                    for _ in 0..5_000 {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        let key = state % 16;
                        let guard = handle.pin();
                        match state >> 32 & 3 {
                            0 => {
                                let done = list.insert(key, Box::new(key), &guard);
                                balance += i32::from(done.is_ok());
                            }
                            1 => balance -= i32::from(list.remove(&key, &guard)),
                            _ => {
                                let seen = list.get(&key, &guard, |value| **value);
                                assert!(seen.is_none_or(|seen| seen == key));
                            }
                        }
                    }
                    balance
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let mut handle = list.domain().register();
    let guard = handle.pin();
    let left: i32 = (0..16).map(|key| i32::from(list.contains(&key, &guard))).sum();
    assert_eq!(left, balance, "{}", S::NAME);
}

#[test]
fn list_keeps_count_of_its_keys() {
    on_every_scheme!(each_key_is_removed_as_often_as_inserted);
}

#[test]
fn what_is_left_in_them_is_dropped_with_them() {
    let value = Arc::new(());
    {
        let queue = Queue::new_in(Epoch::new());
        let list = List::new_in(Hazard::new());
        let (mut one, mut two) = (queue.domain().register(), list.domain().register());
        for key in 0..5 {
            queue.push(Arc::clone(&value), &one.pin());
            list.insert(key, Arc::clone(&value), &two.pin()).unwrap();
        }
        drop(queue.pop(&one.pin()));
        assert!(list.remove(&3, &two.pin()));
    }
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
#[should_panic(expected = "another domain")]
fn guard_of_another_domain_is_refused() {
    let queue = Queue::new_in(Epoch::new());
    queue.push(1, &Epoch::new().register().pin());
}

/// A queue, one operation at a time: `Some` pushes, `None` pops.
struct OneQueue;

impl Spec for OneQueue {
    type State = Vec<u32>;
    type Call = Option<u32>;
    type Return = Option<u32>;

    fn start(&self) -> Vec<u32> {
        Vec::new()
    }

    fn next(
        &self,
        state: &Vec<u32>,
        call: &Option<u32>,
        returned: Option<&Option<u32>>,
    ) -> Vec<Vec<u32>> {
        let mut next = state.clone();
        let expected = match call {
            Some(value) => {
                next.push(*value);
                None
            }
            None if next.is_empty() => None,
            None => Some(next.remove(0)),
        };
        if returned.is_none_or(|returned| *returned == expected) { vec![next] } else { vec![] }
    }
}

fn queue_is_linearizable<S: Scheme>(domain: &S) {
    for round in 0..60_u32 {
        let queue = Arc::new(Queue::new_in(domain.clone()));
        let lists = (0..3).map(|thread| {
            let call = |step: u32| step.is_multiple_of(2 + round % 2).then_some(10 * thread + step);
            (0..6).map(call).collect()
        });
        let worker = move |_| {
            let queue = Arc::clone(&queue);
            let mut handle = queue.domain().register();
            move |call: &Option<u32>| match call {
                Some(value) => {
                    queue.push(*value, &handle.pin());
                    None
                }
                None => queue.pop(&handle.pin()),
            }
        };
        play(lists.collect(), worker).check(&OneQueue).expect("an order for all operations");
    }
}

#[test]
fn queue_has_an_order_for_every_run() {
    on_every_scheme!(|domain| queue_is_linearizable(&domain));
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Insert(u32),
    Remove(u32),
    Contains(u32),
}

/// A set, one operation at a time.
struct OneSet;

impl Spec for OneSet {
    type State = BTreeSet<u32>;
    type Call = Call;
    type Return = bool;

    fn start(&self) -> BTreeSet<u32> {
        BTreeSet::new()
    }

    fn next(&self, state: &Self::State, call: &Call, returned: Option<&bool>) -> Vec<Self::State> {
        let mut next = state.clone();
        let expected = match call {
            Call::Insert(key) => next.insert(*key),
            Call::Remove(key) => next.remove(key),
            Call::Contains(key) => next.contains(key),
        };
        if returned.is_none_or(|returned| *returned == expected) { vec![next] } else { vec![] }
    }
}

fn list_is_linearizable<S: Scheme>(domain: &S) {
    for round in 0..60_u32 {
        let list = Arc::new(List::new_in(domain.clone()));
        let lists = (0..3_u32).map(|thread| {
            let call = |step: u32| {
                let mixed = (round * 31 + thread * 7 + step * 5).wrapping_mul(2_654_435_761) >> 16;
                let key = mixed % 3;
                match mixed / 3 % 3 {
                    0 => Call::Insert(key),
                    1 => Call::Remove(key),
                    _ => Call::Contains(key),
                }
            };
            (0..6).map(call).collect()
        });
        let worker = move |_| {
            let list = Arc::clone(&list);
            let mut handle = list.domain().register();
            move |call: &Call| {
                let guard = handle.pin();
                let done = match call {
                    Call::Insert(key) => list.insert(*key, (), &guard).is_ok(),
                    Call::Remove(key) => list.remove(key, &guard),
                    Call::Contains(key) => list.contains(key, &guard),
                };
                guard.flush();
                done
            }
        };
        play(lists.collect(), worker).check(&OneSet).expect("an order for all operations");
    }
}

#[test]
fn list_has_an_order_for_every_run() {
    on_every_scheme!(|domain| list_is_linearizable(&domain));
}
