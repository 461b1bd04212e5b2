//! Events on real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use latchwork_sync::Event;
use latchwork_sync::time::{Duration, Instant};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn deadlines_pass_and_sets_end_them() {
    let event = Event::new();
    assert!(!event.wait_until(Instant::now()));
    assert!(!event.wait_until(Instant::now() + Duration::from_millis(1)));
    assert!(!event.take());
    event.set();
    event.set();
    assert!(event.wait_until(Instant::now()));
    assert!(event.take());
    assert!(!event.is_set());
    assert_eq!(format!("{event:?}"), "Event { set: false, .. }");
}

#[test]
fn ping_pong_of_threads_and_tasks() {
    const ROUNDS: usize = 20_000;
    let (call, answer) = (Event::new(), Event::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                match round % 3 {
                    0 => call.wait(),
                    1 => block_on(call.wait_async()),
                    _ => while !call.wait_until(Instant::now() + Duration::from_micros(1)) {},
                }
                call.reset();
                answer.set();
            }
        });
        for round in 0..ROUNDS {
            call.set();
            if round % 2 == 0 {
                answer.wait();
            } else {
                block_on(answer.wait_async());
            }
            answer.reset();
        }
    });
}

/// An event on the waiter's stack, gone as soon as its wait is over.
#[test]
fn waiter_frees_the_event() {
    const ROUNDS: usize = 20_000;
    let (send, receive) = std::sync::mpsc::sync_channel::<SendPtr>(4);
    let setter = thread::spawn(move || {
        for SendPtr(event) in receive {
            // SAFETY: the waiter keeps the event until it has seen it set, which this call does
            // as its last access.
            Event::set(unsafe { &*event });
        }
    });
    for round in 0..ROUNDS {
        let event = Box::new(Event::new());
        send.send(SendPtr(&raw const *event)).unwrap();
        if round % 2 == 0 {
            event.wait();
        } else {
            block_on(event.wait_async());
        }
        drop(event);
    }
    drop(send);
    setter.join().unwrap();
}

struct SendPtr(*const Event);
// SAFETY: an event may be set from any thread.
unsafe impl Send for SendPtr {}

/// Producers count up and set; a consumer that takes, looks and waits sees the last of them.
#[test]
fn consumer_misses_no_producer() {
    const PRODUCERS: usize = 3;
    const EACH: usize = 10_000;
    let (event, count) = (Event::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    count.fetch_add(1, Ordering::Relaxed);
                    event.set();
                }
            });
        }
        loop {
            event.take();
            if count.load(Ordering::Relaxed) == PRODUCERS * EACH {
                break;
            }
            event.wait();
        }
    });
}

struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn only_the_last_waker_is_woken_and_none_is_kept() {
    let wakers = [(); 2].map(|()| Arc::new(Counted(AtomicUsize::new(0))));
    let event = Event::new();
    for counted in &wakers {
        let waker = Waker::from(Arc::clone(counted));
        assert!(event.poll_wait(&mut Context::from_waker(&waker)).is_pending());
    }
    event.set();
    assert_eq!(wakers.each_ref().map(|counted| counted.0.load(Ordering::Relaxed)), [0, 1]);
    assert_eq!(wakers.each_ref().map(Arc::strong_count), [1, 1]);
}

#[test]
fn a_dropped_future_takes_its_waker_back() {
    let counted = Arc::new(Counted(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&counted));
    let event = Event::new();
    {
        let mut waiting = pin!(event.wait_async());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&counted), 3);
    }
    assert_eq!(Arc::strong_count(&counted), 2);
    event.set();
    assert_eq!(counted.0.load(Ordering::Relaxed), 0);
}

/// Any number of waiters at once, with whatever calls: nothing but memory safety is promised.
#[test]
fn misuse_harms_no_memory() {
    let event = Event::new();
    thread::scope(|scope| {
        for number in 0..4 {
            let event = &event;
            scope.spawn(move || {
                for round in 0..5_000 {
                    let waker = Waker::from(Arc::new(Counted(AtomicUsize::new(0))));
                    match (number + round) % 4 {
                        0 => event.set(),
                        1 => event.reset(),
                        2 => drop(event.poll_wait(&mut Context::from_waker(&waker))),
                        _ => {
                            event.wait_until(Instant::now() + Duration::from_micros(1));
                        }
                    }
                }
            });
        }
    });
}
