//! The writer on real threads: order, bounds, backpressure, deadlines, its end.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod store;

use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_batch_writer::sinks::{Fault, Memory, Point, Trigger};
use latchwork_batch_writer::{BatchWriter, Options, SubmitError};
use latchwork_sync::atomic::{AtomicUsize, Ordering};

use store::{Broken, Store, gated, queued, until};

#[test]
fn everybody_gets_the_result_of_its_own_operation() {
    const THREADS: usize = 8;
    const EACH: u32 = 2000;
    let writer = Options::new().batch_operations(5).build(Store::new());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let writer = &writer;
            scope.spawn(move || {
                for op in 0..EACH {
                    let place = writer.submit((number, op)).unwrap();
                    assert!(writer.durable_upto() > place as u64);
                    let kept = writer.with_sink(|store| store.disk().written[place]).unwrap();
                    assert_eq!(kept, (number, op));
                }
            });
        }
    });
    let metrics = writer.metrics();
    assert_eq!(metrics.operations, THREADS as u64 * u64::from(EACH));
    assert_eq!(metrics.inline + metrics.handed + metrics.onward, metrics.batches);
    assert!(metrics.batch_operations.max() <= 5);
    assert_eq!((metrics.queued, metrics.queued_bytes), (0, 0));
    writer
        .with_sink(|store| assert_eq!(store.disk().written.len(), THREADS * EACH as usize))
        .unwrap();
}

#[test]
fn operations_of_one_thread_keep_their_order() {
    let writer = BatchWriter::new(Memory::new());
    thread::scope(|scope| {
        for number in 0..4 {
            let writer = &writer;
            scope.spawn(move || {
                (0..1000).for_each(|op| assert!(writer.submit((number, op)).is_ok()));
            });
        }
    });
    let kept = writer.with_sink(|memory| memory.operations().to_vec()).unwrap();
    for number in 0..4 {
        let own: Vec<_> = kept.iter().filter(|(whose, _)| *whose == number).collect();
        assert!(own.is_sorted_by_key(|(_, op)| op));
    }
}

#[test]
fn those_who_queue_during_a_sync_are_one_batch() {
    let (store, open, inside) = gated();
    let writer = Options::new().sibling_wait(Duration::ZERO).build(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        for number in 1..=5 {
            let writer = &writer;
            queued(writer, || scope.spawn(move || writer.submit((number, 0)).unwrap()));
        }
        assert_eq!(writer.metrics().queued, 5);
        open.send(()).unwrap();
        inside.recv().unwrap();
        open.send(()).unwrap();
    });
    assert_eq!(writer.metrics().batch_operations.max(), 5);
    drop(open);
    assert_eq!(writer.with_sink(|store| store.disk().batches.clone()).unwrap(), [1, 5]);
}

#[test]
fn batches_are_bounded_by_bytes() {
    let (store, open, inside) = gated();
    let writer = Options::new().batch_bytes(25).sibling_wait(Duration::ZERO).build(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        for number in 1..=4 {
            let writer = &writer;
            queued(writer, || scope.spawn(move || writer.submit((number, 0)).unwrap()));
        }
        assert_eq!(writer.metrics().queued, 4);
        drop(open);
    });
    assert_eq!(writer.with_sink(|store| store.disk().batches.clone()).unwrap(), [1, 2, 2]);
}

#[test]
fn a_full_queue_refuses_or_makes_wait() {
    let (store, open, inside) = gated();
    let writer = Options::new().queue_operations(1).build(store);
    let returned = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        scope.spawn(|| writer.submit((1, 0)).unwrap());
        until(|| writer.metrics().queued == 1);
        assert!(matches!(writer.try_submit((2, 7)), Err(SubmitError::Full((2, 7)))));
        let late = writer.submit_until((3, 7), Instant::now() + Duration::from_millis(5));
        assert!(matches!(late, Err(SubmitError::TimedOut((3, 7)))));
        for number in 4..8 {
            let (writer, returned) = (&writer, &returned);
            scope.spawn(move || {
                writer.submit((number, 0)).unwrap();
                returned.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(open);
    });
    assert_eq!(returned.into_inner(), 4);
    assert_eq!(writer.with_sink(|store| store.disk().written.len()).unwrap(), 6);
}

#[test]
fn an_operation_larger_than_the_queue_still_goes_through() {
    let (store, open, inside) = gated();
    let writer = Options::new().queue_bytes(1).batch_bytes(1).build(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        scope.spawn(|| writer.submit((1, 0)).unwrap());
        scope.spawn(|| writer.submit((2, 0)).unwrap());
        drop(open);
    });
    assert_eq!(writer.metrics().operations, 3);
}

#[test]
fn a_deadline_takes_back_what_no_batch_has_taken() {
    let (store, open, inside) = gated();
    let writer = BatchWriter::new(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        let late = writer.submit_until((1, 7), Instant::now() + Duration::from_millis(5));
        assert!(matches!(late, Err(SubmitError::TimedOut((1, 7)))));
        let soon = scope.spawn(|| {
            writer.submit_until((2, 0), Instant::now() + Duration::from_secs(3600)).unwrap()
        });
        until(|| writer.metrics().queued == 2);
        drop(open);
        soon.join().unwrap();
    });
    assert_eq!(writer.with_sink(|store| store.disk().written.clone()).unwrap(), [(0, 0), (2, 0)]);
    assert_eq!(writer.metrics().withdrawn, 1);
    assert_eq!(writer.metrics().queued, 0);
}

#[test]
fn flush_waits_for_what_is_queued() {
    let (store, open, inside) = gated();
    let writer = BatchWriter::new(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        let second = queued(&writer, || scope.spawn(|| writer.submit((1, 0)).unwrap()));
        drop(open);
        writer.flush().unwrap();
        assert_eq!(writer.metrics().operations, 2);
        second.join().unwrap();
    });
}

#[test]
fn close_drains_and_refuses() {
    let (store, open, inside) = gated();
    let writer = BatchWriter::new(store);
    thread::scope(|scope| {
        scope.spawn(|| writer.submit((0, 0)).unwrap());
        inside.recv().unwrap();
        queued(&writer, || scope.spawn(|| writer.submit((1, 0)).unwrap()));
        let closing = scope.spawn(|| writer.close());
        until(|| {
            assert!(!closing.is_finished());
            let late = writer.submit_until((9, 9), Instant::now());
            matches!(late, Err(SubmitError::Closed((9, 9))))
        });
        drop(open);
        closing.join().unwrap().unwrap();
    });
    assert_eq!(writer.metrics().operations, 2);
    assert!(matches!(writer.submit((2, 0)), Err(SubmitError::Closed((2, 0)))));
    assert!(matches!(writer.flush(), Err(SubmitError::Closed(()))));
    assert!(matches!(writer.close(), Err(SubmitError::Closed(()))));
}

#[test]
fn drop_closes_once() {
    for close_first in [false, true] {
        let store = Store::new();
        let writer = BatchWriter::new(store.clone());
        writer.submit(1).unwrap();
        if close_first {
            writer.close().unwrap();
        }
        drop(writer);
        assert_eq!(store.disk().closed, 1);
    }
}

#[test]
fn submitting_from_within_the_sink_is_an_error() {
    type Hook = Box<dyn FnMut(Point, u64) -> Option<Trigger<Broken>> + Send>;
    // Weak: a writer doesn't keep itself.
    let writer = Arc::new(OnceLock::<BatchWriter<Fault<Store<u8>, Hook>>>::new());
    let own = Arc::downgrade(&writer);
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let hook: Hook = Box::new(move |_, _| {
        let writer = own.upgrade().expect("the test has it");
        let writer = writer.get().expect("it was built before it is used");
        assert!(matches!(writer.submit(7), Err(SubmitError::Reentered(7))));
        assert!(matches!(writer.flush(), Err(SubmitError::Reentered(()))));
        count.fetch_add(1, Ordering::Relaxed);
        None
    });
    let writer = writer.get_or_init(|| BatchWriter::new(Fault::new(Store::new(), hook)));
    writer.submit(1).unwrap();
    assert_eq!(refused.load(Ordering::Relaxed), 3, "before and after the write, and in the sync");
}

#[test]
fn every_way_in_at_once() {
    let writer =
        Options::new().queue_operations(3).batch_operations(2).build(Memory::<(usize, u32)>::new());
    let accepted = AtomicUsize::new(0);
    let start = Barrier::new(6);
    thread::scope(|scope| {
        for number in 0..6 {
            let (writer, accepted, start) = (&writer, &accepted, &start);
            scope.spawn(move || {
                start.wait();
                for op in 0..3000 {
                    let outcome = match (number + op as usize) % 4 {
                        0 => writer.submit((number, op)).map(drop),
                        1 => writer.try_submit((number, op)).map(drop),
                        2 => {
                            let deadline = Instant::now() + Duration::from_nanos(u64::from(op));
                            writer.submit_until((number, op), deadline).map(drop)
                        }
                        _ => {
                            writer.flush().unwrap();
                            continue;
                        }
                    };
                    match outcome {
                        Ok(()) => drop(accepted.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => assert_eq!(error.into_op(), Some((number, op))),
                    }
                }
            });
        }
    });
    let kept = writer.with_sink(|memory| memory.operations().len()).unwrap();
    assert_eq!(kept, accepted.into_inner());
}
