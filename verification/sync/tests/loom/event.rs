//! Events of one waiter, thread or task.

use std::future::Future;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, advance, block_on};
use latchwork_sync::time::{Duration, Instant};
use latchwork_sync::{Event, thread};

use crate::naive::{self, Naive};
use crate::shared::Shared;

fn event_hands_over_data() -> String {
    let shared = Arc::new((Event::new(), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let setter = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.set();
    });
    let asleep = shared.0.is_set();
    shared.0.wait();
    assert_eq!(shared.1.get(), 1);
    setter.join().unwrap();
    asleep.to_string()
}

fn event_hands_over_data_to_task() -> String {
    let shared = Arc::new((Event::new(), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let setter = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.set();
    });
    let asleep = shared.0.is_set();
    block_on(shared.0.wait_async());
    assert_eq!(shared.1.get(), 1);
    setter.join().unwrap();
    asleep.to_string()
}

fn event_is_reused() -> String {
    let shared = Arc::new((Event::new(), Event::new()));
    let theirs = Arc::clone(&shared);
    let child = thread::spawn(move || {
        for _ in 0..2 {
            theirs.0.wait();
            theirs.0.reset();
            theirs.1.set();
        }
    });
    for _ in 0..2 {
        shared.0.set();
        block_on(shared.1.wait_async());
        shared.1.reset();
    }
    child.join().unwrap();
    String::new()
}

fn event_times_out_or_is_set() -> String {
    let shared = Arc::new((Event::new(), Shared::new(0)));
    let start = Instant::now();
    let deadline = start + Duration::from_millis(1);
    let waiting = Arc::clone(&shared);
    let waiter = thread::spawn(move || {
        let set = waiting.0.wait_until(deadline);
        if set {
            assert_eq!(waiting.1.get(), 1);
        } else {
            assert!(start.elapsed() >= Duration::from_millis(1), "too early");
        }
        set
    });
    let setting = Arc::clone(&shared);
    let setter = thread::spawn(move || {
        setting.1.set(1);
        setting.0.set();
    });
    advance(1);
    let was_set = waiter.join().unwrap();
    setter.join().unwrap();
    assert!(shared.0.is_set());
    was_set.to_string()
}

/// An event that its waiter drops in place as soon as its wait is over, while the setter may
/// still be in `set`. The memory itself outlives both.
struct Doomed<E>(NonNull<E>);

// SAFETY: the scenes share events, which are meant for that.
unsafe impl<E> Send for Doomed<E> {}

impl<E> Clone for Doomed<E> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<E> Doomed<E> {
    fn new(event: E) -> Self {
        Self(NonNull::from(Box::leak(Box::new(event))))
    }

    fn get(&self) -> &E {
        // SAFETY: the memory lives until `bury`; loom reports accesses after the drop.
        unsafe { self.0.as_ref() }
    }

    fn drop_in_place(&self) {
        // SAFETY: the waiter does so, once; loom reports accesses that race with it.
        unsafe { self.0.drop_in_place() };
    }

    fn bury(self) {
        // SAFETY: the value was dropped, the memory came from a box, and nobody else is left.
        drop(unsafe { Box::from_raw(self.0.as_ptr().cast::<core::mem::ManuallyDrop<E>>()) });
    }
}

fn freed_after_wait(touch: bool, wait: fn(&Event)) -> String {
    let event = Doomed::new(Event::new());
    let theirs = event.clone();
    let setter = thread::spawn(move || {
        theirs.get().set();
        if touch {
            theirs.get().is_set();
        }
    });
    wait(event.get());
    event.drop_in_place();
    setter.join().unwrap();
    event.bury();
    String::new()
}

fn thread_frees_event() -> String {
    freed_after_wait(false, Event::wait)
}

fn thread_frees_event_that_is_touched() -> String {
    freed_after_wait(true, Event::wait)
}

fn task_frees_event() -> String {
    freed_after_wait(false, |event| block_on(event.wait_async()))
}

fn task_frees_event_that_is_touched() -> String {
    freed_after_wait(true, |event| block_on(event.wait_async()))
}

/// The waiter polls with a waker that leads nowhere, then as a task.
fn waker_is_replaced() -> String {
    let shared = Arc::new((Event::new(), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let setter = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.set();
    });
    let mut nowhere = Context::from_waker(Waker::noop());
    let first = shared.0.poll_wait(&mut nowhere).is_ready();
    block_on(shared.0.wait_async());
    assert_eq!(shared.1.get(), 1);
    setter.join().unwrap();
    first.to_string()
}

/// The waiter gives up as a task, and then as a thread, before it waits as a task again.
fn waiter_changes_its_mind() -> String {
    let event = Arc::new(Event::new());
    let deadline = Instant::now();
    let setters = [(); 2].map(|()| {
        let event = Arc::clone(&event);
        thread::spawn(move || event.set())
    });
    let mut waiting = std::pin::pin!(event.wait_async());
    let mut nowhere = Context::from_waker(Waker::noop());
    let first = waiting.as_mut().poll(&mut nowhere).is_ready();
    let second = event.wait_until(deadline);
    block_on(event.wait_async());
    for setter in setters {
        setter.join().unwrap();
    }
    format!("{first}{second}")
}

/// A future that is dropped leaves nothing behind that could be woken, and no lost set.
fn future_is_dropped() -> String {
    let shared = Arc::new((Event::new(), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let setter = thread::spawn(move || {
        theirs.1.set(1);
        theirs.0.set();
    });
    {
        let mut waiting = std::pin::pin!(shared.0.wait_async());
        let mut nowhere = Context::from_waker(Waker::noop());
        let _ = waiting.as_mut().poll(&mut nowhere);
    }
    shared.0.wait();
    assert_eq!(shared.1.get(), 1);
    setter.join().unwrap();
    String::new()
}

/// Producers count up and then set; the consumer takes, looks, and waits.
fn consumer(reset: fn(&Event)) -> String {
    let shared = Arc::new((Event::new(), AtomicU32::new(0)));
    let producers = [(); 2].map(|()| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            shared.1.fetch_add(1, Ordering::Relaxed);
            shared.0.set();
        })
    });
    let mut rounds = 0;
    loop {
        reset(&shared.0);
        if shared.1.load(Ordering::Relaxed) == 2 {
            break;
        }
        rounds += 1;
        shared.0.wait();
    }
    for producer in producers {
        producer.join().unwrap();
    }
    rounds.to_string()
}

fn consumer_takes() -> String {
    consumer(|event| {
        event.take();
    })
}

fn consumer_resets() -> String {
    consumer(Event::reset)
}

/// Two tasks poll one event, against the rules, while it is set and reset: no race, no panic.
fn two_waiters_harm_no_memory() -> String {
    let event = Arc::new(Event::new());
    let setting = Arc::clone(&event);
    let setter = thread::spawn(move || setting.set());
    let polling = Arc::clone(&event);
    let poller = thread::spawn(move || {
        let mut nowhere = Context::from_waker(Waker::noop());
        let ready = polling.poll_wait(&mut nowhere).is_ready();
        polling.reset();
        ready
    });
    let mut nowhere = Context::from_waker(Waker::noop());
    let ready = event.poll_wait(&mut nowhere).is_ready();
    let theirs = poller.join().unwrap();
    setter.join().unwrap();
    format!("{ready}{theirs}")
}

/// The protocol in small, with one mistake: a task waits, with a waker that was replaced before.
fn naive<const BUG: u8>() -> String {
    let event = Doomed::new(Naive::<BUG>::new());
    let theirs = event.clone();
    let setter = thread::spawn(move || theirs.get().set());
    let mut nowhere = Context::from_waker(Waker::noop());
    let first = event.get().poll_wait(&mut nowhere) == Poll::Ready(());
    if !first {
        block_on(std::future::poll_fn(|context| event.get().poll_wait(context)));
    }
    event.get().freed();
    setter.join().unwrap();
    event.drop_in_place();
    event.bury();
    first.to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("event_hands_over_data", event_hands_over_data),
        Model::new("event_hands_over_data_with_spurious_wakes", event_hands_over_data).spurious(1),
        Model::new("event_hands_over_data_to_task", event_hands_over_data_to_task),
        Model::new("event_is_reused", event_is_reused).bound(1).random_under_shuttle(20_000),
        Model::new("event_times_out_or_is_set", event_times_out_or_is_set)
            .random_under_shuttle(20_000),
        Model::new("thread_frees_event", thread_frees_event)
            .twin("touched_after_set", thread_frees_event_that_is_touched),
        Model::new("task_frees_event", task_frees_event)
            .twin("touched_after_set", task_frees_event_that_is_touched),
        Model::new("waker_is_replaced", waker_is_replaced)
            .twin("waker_taken_after_set", naive::<{ naive::TAKEN_AFTER_SET }>)
            .twin("check_then_park", naive::<{ naive::CHECK_THEN_PARK }>)
            .twin("replaced_in_place", naive::<{ naive::REPLACED_IN_PLACE }>)
            .random_under_shuttle(20_000),
        Model::new("naive_event_without_a_mistake", naive::<{ naive::NONE }>)
            .random_under_shuttle(20_000),
        Model::new("waiter_changes_its_mind", waiter_changes_its_mind)
            .bound(2)
            .random_under_shuttle(20_000),
        Model::new("future_is_dropped", future_is_dropped),
        Model::new("consumer_takes", consumer_takes)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("resets", consumer_resets),
        Model::new("two_waiters_harm_no_memory", two_waiters_harm_no_memory)
            .bound(1)
            .random_under_shuttle(20_000),
    ]
}
