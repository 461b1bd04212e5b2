use latchwork_reclaim::engine::faults::{Faulty, NO_LIGHT as UNLIT};
use latchwork_reclaim::engine::{ByBirth, Numbered, Whole};
use latchwork_reclaim::faults::{NO_LIGHT, NO_MARK, PAST_REMOVED, put_back};
use latchwork_reclaim::structures::{List, Queue};
use latchwork_reclaim::{Handle, Hazard, Leak, Scheme};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use super::snapshot::Eager;

/// A producer, against a thread that takes what there is, and produces too.
fn push_against_pop_and_push() -> String {
    put_back(0);
    let queue = Arc::new(Queue::new_in(Leak::eager()));
    let theirs = Arc::clone(&queue);
    let mut producers = queue.domain().register();
    let mut handle = queue.domain().register();
    let producer = thread::spawn(move || theirs.push(Box::new(1), &producers.pin()));
    let first = queue.pop(&handle.pin());
    queue.push(Box::new(2), &handle.pin());
    producer.join().unwrap();
    let guard = handle.pin();
    let rest = [0, 1].map(|_| queue.pop(&guard));
    let order: Vec<_> = first.iter().chain(rest.iter().flatten()).map(|value| **value).collect();
    assert!(order == [1, 2] || first.is_none() && order == [2, 1], "{order:?}");
    format!("{order:?}")
}

/// A producer, whose way to the end may lead by a node that another thread frees, which produces,
/// takes what is first, and scans.
fn push_against_push_and_pop<S: Eager, const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let queue = Arc::new(Queue::new_in(S::eager()));
    let theirs = Arc::clone(&queue);
    let mut producers = queue.domain().register();
    let mut handle = queue.domain().register();
    let producer = thread::spawn(move || {
        theirs.push(Box::new(1), &producers.pin());
        producers
    });
    queue.push(Box::new(2), &handle.pin());
    let first = queue.pop(&handle.pin()).map(|value| *value);
    handle.flush();
    let second = queue.pop(&handle.pin()).map(|value| *value);
    drop(producer.join().unwrap());
    let third = queue.pop(&handle.pin()).map(|value| *value);
    let order: Vec<_> = [first, second, third].into_iter().flatten().collect();
    assert!(first.is_some() && (order == [1, 2] || order == [2, 1]), "{order:?}");
    format!("{order:?}")
}

/// A thread pushes and pops, so that the front is its own node, whose value it has taken; the other
/// comes by it.
fn pop_against_push_and_pop() -> String {
    put_back(0);
    let queue = Arc::new(Queue::new_in(Leak::eager()));
    let theirs = Arc::clone(&queue);
    let mut others = queue.domain().register();
    let mut handle = queue.domain().register();
    let other = thread::spawn(move || {
        let guard = others.pin();
        theirs.push(Box::new(1), &guard);
        theirs.pop(&guard).map(|value| *value)
    });
    let here = queue.pop(&handle.pin()).map(|value| *value);
    let there = other.join().unwrap();
    assert_eq!(here.xor(there), Some(1), "the value is taken once");
    format!("{here:?}")
}

/// Two consumers, two values.
fn pop_against_pops<S: Eager, const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let queue = Arc::new(Queue::new_in(S::eager()));
    let mut handle = queue.domain().register();
    {
        let guard = handle.pin();
        queue.push(Box::new(1), &guard);
        queue.push(Box::new(2), &guard);
    }
    let theirs = Arc::clone(&queue);
    let mut others = queue.domain().register();
    let other = thread::spawn(move || theirs.pop(&others.pin()).map(|value| *value));
    let seen = [0, 1].map(|_| queue.pop(&handle.pin()).map(|value| *value));
    handle.flush();
    let other = other.join().unwrap();
    let mut all: Vec<_> = seen.into_iter().chain([other]).flatten().collect();
    all.sort_unstable();
    assert_eq!(all, [1, 2], "each value is taken once");
    format!("{other:?}")
}

/// A list of 1 and 2: one thread removes both from the front, the other looks for the last.
fn removes_against_search<S: Eager, const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let list = Arc::new(List::new_in(S::eager()));
    let mut handle = list.domain().register();
    {
        let guard = handle.pin();
        list.insert(2, (), &guard).unwrap();
        list.insert(1, (), &guard).unwrap();
    }
    let theirs = Arc::clone(&list);
    let mut others = list.domain().register();
    let other = thread::spawn(move || theirs.contains(&2, &others.pin()));
    assert!(list.remove(&1, &handle.pin()));
    assert!(list.remove(&2, &handle.pin()));
    handle.flush();
    other.join().unwrap().to_string()
}

/// A neighbour is put in behind a node that is being removed, by who looks for it then.
fn insert_against_remove<S: Eager, const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let list = Arc::new(List::new_in(S::eager()));
    let mut handle = list.domain().register();
    list.insert(1, (), &handle.pin()).unwrap();
    let theirs = Arc::clone(&list);
    let mut others = list.domain().register();
    let other = thread::spawn(move || theirs.insert(2, (), &others.pin()).is_ok());
    let removed = list.remove(&1, &handle.pin());
    let found = list.contains(&2, &handle.pin());
    assert!(other.join().unwrap() && removed);
    let guard = handle.pin();
    assert!(list.contains(&2, &guard), "the insert was lost");
    assert!(!list.contains(&1, &guard));
    found.to_string()
}

/// A node is put in and the one before it removed, while another thread looks for it, and perhaps
/// unlinks the removed one.
fn insert_and_remove_against_search() -> String {
    put_back(0);
    let list = Arc::new(List::new_in(Leak::eager()));
    let mut handle = list.domain().register();
    list.insert(1, (), &handle.pin()).unwrap();
    let theirs = Arc::clone(&list);
    let mut others = list.domain().register();
    let other = thread::spawn(move || {
        let guard = others.pin();
        theirs.insert(2, (), &guard).is_ok() && theirs.remove(&1, &guard)
    });
    let found = list.contains(&2, &handle.pin());
    assert!(other.join().unwrap());
    found.to_string()
}

pub(super) fn models() -> Vec<Model> {
    vec![
        Model::new("queue_push_against_pop_and_push_leak", push_against_pop_and_push)
            .random_under_shuttle(10_000),
        Model::new(
            "queue_push_against_push_and_pop_epoch",
            push_against_push_and_pop::<Numbered<Whole>, 0>,
        )
        .bound(1)
        .random_under_shuttle(10_000)
        .twin("no_light", push_against_push_and_pop::<Numbered<Faulty<Whole, UNLIT>>, 0>),
        Model::new(
            "queue_push_against_push_and_pop_hazard",
            push_against_push_and_pop::<Hazard, 0>,
        )
        .bound(1)
        .random_under_shuttle(10_000)
        .twin("no_light", push_against_push_and_pop::<Hazard, NO_LIGHT>),
        Model::new("queue_pop_against_push_and_pop_leak", pop_against_push_and_pop)
            .random_under_shuttle(10_000),
        Model::new("queue_pop_against_pops_interval", pop_against_pops::<Numbered<ByBirth>, 0>)
            .bound(1)
            .random_under_shuttle(10_000),
        Model::new("queue_pop_against_pops_hazard", pop_against_pops::<Hazard, 0>)
            .bound(1)
            .random_under_shuttle(10_000)
            .twin("no_light", pop_against_pops::<Hazard, NO_LIGHT>),
        Model::new(
            "list_removes_against_search_interval",
            removes_against_search::<Numbered<ByBirth>, 0>,
        )
        .bound(1)
        .random_under_shuttle(10_000)
        .twin("past_removed", removes_against_search::<Numbered<ByBirth>, PAST_REMOVED>),
        Model::new("list_removes_against_search_hazard", removes_against_search::<Hazard, 0>)
            .bound(1)
            .random_under_shuttle(10_000),
        Model::new("list_insert_against_remove_hazard", insert_against_remove::<Hazard, 0>)
            .bound(1)
            .random_under_shuttle(10_000)
            .twin("no_mark", insert_against_remove::<Hazard, NO_MARK>),
        Model::new("list_insert_against_remove_leak", insert_against_remove::<Leak, 0>)
            .random_under_shuttle(10_000),
        Model::new("list_insert_and_remove_against_search", insert_and_remove_against_search)
            .random_under_shuttle(10_000),
    ]
}
