//! Tasks on a dedicated thread: outcomes, withdrawal, backpressure, wakers that misbehave.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod store;

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::sync::{Arc, mpsc};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Duration;

use latchwork_batch_writer::sinks::{Fault, Memory, Point, Trigger};
use latchwork_batch_writer::{Cause, Options, SubmitError};

use store::gated;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn tasks_and_threads_together() {
    for inline in [true, false] {
        let options = Options::new().queue_operations(3).batch_operations(2).inline(inline);
        let writer = options.build_dedicated(Memory::new()).unwrap();
        thread::scope(|scope| {
            for number in 0..6_u32 {
                let writer = &writer;
                scope.spawn(move || {
                    for op in 0..500_u32 {
                        if (number + op) % 2 == 0 {
                            block_on(writer.submit_async((number, op))).unwrap();
                        } else {
                            writer.submit((number, op)).unwrap();
                        }
                    }
                });
            }
        });
        let kept = writer.with_sink(|memory| memory.operations().to_vec()).unwrap();
        assert_eq!(kept.len(), 3000);
        for number in 0..6 {
            assert!(kept.iter().filter(|op| op.0 == number).is_sorted());
        }
        assert!(inline || writer.metrics().dedicated == writer.metrics().batches);
        writer.close().unwrap();
        assert!(matches!(block_on(writer.submit_async((9, 9))), Err(SubmitError::Closed((9, 9)))));
    }
}

#[test]
fn an_operation_that_no_batch_has_is_withdrawn() {
    let (sink, open, inside) = gated();
    let writer = Options::new().build_dedicated(sink).unwrap();
    let mut first = writer.submit_async(1);
    assert!(poll_once(&mut first).is_pending());
    inside.recv().unwrap();
    assert_eq!(first.withdraw(), None, "its batch is in its sync");
    let mut second = writer.submit_async(2);
    assert!(poll_once(&mut second).is_pending());
    assert_eq!(second.withdraw(), Some(2));
    let mut third = writer.submit_async(3);
    assert!(poll_once(&mut third).is_pending());
    drop(third);
    let mut never_polled = writer.submit_async(4);
    assert_eq!(never_polled.withdraw(), Some(4));
    drop(open);
    assert_eq!(block_on(first).unwrap(), 0);
    assert_eq!(writer.with_sink(|sink| sink.disk().written.clone()).unwrap(), [1]);
    assert_eq!(writer.metrics().withdrawn, 2);
}

#[test]
fn an_operation_that_a_batch_has_is_committed_without_its_task() {
    let (sink, open, inside) = gated();
    let writer = Options::new().build_dedicated(sink).unwrap();
    let mut first = writer.submit_async(1);
    assert!(poll_once(&mut first).is_pending());
    inside.recv().unwrap();
    drop(first);
    drop(open);
    assert_eq!(writer.with_sink(|sink| sink.disk().written.clone()).unwrap(), [1]);
}

#[test]
fn a_forgotten_submission_is_committed() {
    let (sink, open, _inside) = gated();
    let writer = Options::new().build_dedicated(sink).unwrap();
    let mut first = writer.submit_async(1);
    assert!(poll_once(&mut first).is_pending());
    std::mem::forget(first);
    drop(open);
    writer.flush().unwrap();
    assert_eq!(writer.with_sink(|sink| sink.disk().written.clone()).unwrap(), [1]);
}

#[test]
fn a_full_queue_makes_tasks_wait() {
    let (sink, open, inside) = gated();
    let writer = Options::new().queue_operations(1).build_dedicated(sink).unwrap();
    let mut first = writer.submit_async(1);
    assert!(poll_once(&mut first).is_pending());
    inside.recv().unwrap();
    let mut second = writer.submit_async(2);
    let mut third = writer.submit_async(3);
    assert!(poll_once(&mut second).is_pending());
    assert!(poll_once(&mut third).is_pending());
    assert_eq!(writer.metrics().queued, 1);
    assert!(matches!(writer.try_submit(4), Err(SubmitError::Full(4))));
    drop(open);
    thread::scope(|scope| {
        scope.spawn(|| block_on(third).unwrap());
        scope.spawn(|| block_on(second).unwrap());
    });
    block_on(first).unwrap();
    assert_eq!(writer.metrics().operations, 3);
}

#[test]
fn a_waker_that_panics_concerns_nobody_else() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let (sink, open, inside) = gated();
    let writer = Options::new().build_dedicated(sink).unwrap();
    let waker = Waker::from(Arc::new(Panics));
    let mut first = writer.submit_async(1);
    assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
    inside.recv().unwrap();
    drop(open);
    assert_eq!(writer.submit(2).unwrap(), 1);
    assert_eq!(block_on(first).unwrap(), 0, "its outcome stands");
    assert_eq!(writer.poison(), None);
}

#[test]
fn a_failed_sync_is_told_to_tasks() {
    let (sink, open, inside) = gated();
    let fails = |point, _| (point == Point::AfterWrite).then_some(Trigger::Fatal("EIO"));
    let writer = Options::new().build_dedicated(Fault::new(sink, fails)).unwrap();
    drop((open, inside));
    let outcome = block_on(writer.submit_async(1));
    assert!(matches!(outcome, Err(SubmitError::Unknown(Cause::Write("EIO")))), "{outcome:?}");
    let outcome = block_on(writer.submit_async(2));
    assert!(matches!(outcome, Err(SubmitError::Poisoned(2, _))), "{outcome:?}");
}

#[test]
fn a_panic_of_the_sink_ends_the_thread_and_nobody_hangs() {
    let (sink, open, inside) = gated();
    let fails = |point, _| (point == Point::Sync).then_some(Trigger::Panic);
    let writer = Options::new().inline(false).build_dedicated(Fault::new(sink, fails)).unwrap();
    drop((open, inside));
    assert!(matches!(writer.submit(1), Err(SubmitError::Unknown(Cause::Panic))));
    assert!(matches!(block_on(writer.submit_async(2)), Err(SubmitError::Poisoned(2, _))));
}

/// Drops the writer on its own thread, from a waker.
#[test]
fn a_writer_dropped_by_a_waker_ends() {
    struct Holds(std::sync::Mutex<Option<Box<dyn Send>>>, mpsc::Sender<()>);
    impl Wake for Holds {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
    let (sink, open, inside) = gated();
    let writer = Arc::new(Options::new().inline(false).build_dedicated(sink).unwrap());
    let (dropped, ended) = mpsc::channel();
    let held: Box<dyn Send> = Box::new(Arc::clone(&writer));
    let waker = Waker::from(Arc::new(Holds(std::sync::Mutex::new(Some(held)), dropped)));
    let mut submission = writer.submit_async(1);
    assert!(Pin::new(&mut submission).poll(&mut Context::from_waker(&waker)).is_pending());
    std::mem::forget(submission);
    inside.recv().unwrap();
    drop(writer);
    drop(open);
    ended.recv_timeout(Duration::from_mins(10)).expect("the last owner dropped it");
}
