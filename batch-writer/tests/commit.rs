//! The writer on real threads: order, bounds, backpressure, deadlines, faults.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use latchwork_sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_batch_writer::sinks::{Fault, Memory, Null, Point, Trigger};
use latchwork_batch_writer::{Batch, BatchWriter, Cause, Options, Sink, SubmitError, WriteFailure};

/// Keeps what was synced; blocks in each sync until let go, if a gate is given.
#[derive(Default)]
struct Store {
    written: Vec<(usize, u32)>,
    synced: usize,
    batches: Vec<usize>,
    gate: Option<mpsc::Receiver<()>>,
    entered: Option<mpsc::Sender<()>>,
}

type Op = (usize, u32);
type Broken = &'static str;

impl Sink for Store {
    type Op = Op;
    type Output = usize;
    type Error = Broken;

    fn bytes(_: &Op) -> usize {
        10
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, Op, usize, Broken>,
    ) -> Result<(), WriteFailure<Broken>> {
        if self.batches.is_empty() {
            self.batches.reserve(1024);
        }
        self.batches.push(batch.len());
        // Backwards: results go to their submitters by index.
        for index in (0..batch.len()).rev() {
            self.written.push(*batch.op(index));
            batch.accept(index, self.written.len() - 1);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Broken> {
        if let Some(entered) = &self.entered {
            entered.send(()).unwrap();
        }
        if let Some(gate) = &self.gate {
            // A gate whose other end is gone stands open.
            let _ = gate.recv();
        }
        self.synced = self.written.len();
        Ok(())
    }

    fn position(&self) -> u64 {
        self.synced as u64
    }
}

/// A store whose syncs wait for a message, and tell when they begin.
fn gated() -> (Store, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, gate) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    (Store { gate: Some(gate), entered: Some(entered), ..Store::default() }, open, inside)
}

fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// Makes another thread submit while the writer is in a sync, and returns when the operation is
/// queued. The metrics count it as soon as it has its room, which is before that.
fn queued<S: Sink, T>(writer: &BatchWriter<S>, submit: impl FnOnce() -> T) -> T {
    // It shows the newest of the queue.
    let before = format!("{writer:?}");
    let submitter = submit();
    until(|| format!("{writer:?}") != before);
    submitter
}

#[test]
fn everybody_gets_the_result_of_its_own_operation() {
    const THREADS: usize = 8;
    const EACH: u32 = 2000;
    let writer = Options::new().batch_operations(5).build(Store::default());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let writer = &writer;
            scope.spawn(move || {
                for op in 0..EACH {
                    let place = writer.submit((number, op)).unwrap();
                    assert!(writer.durable_upto() > place as u64);
                    let kept = writer.with_sink(|store| store.written[place]).unwrap();
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
    writer.with_sink(|store| assert_eq!(store.written.len(), THREADS * EACH as usize)).unwrap();
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
    assert_eq!(writer.with_sink(|store| store.batches.clone()).unwrap(), [1, 5]);
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
    assert_eq!(writer.with_sink(|store| store.batches.clone()).unwrap(), [1, 2, 2]);
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
    assert_eq!(writer.with_sink(|store| store.written.len()).unwrap(), 6);
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
    assert_eq!(writer.with_sink(|store| store.written.clone()).unwrap(), [(0, 0), (2, 0)]);
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
    struct Closing(Arc<AtomicUsize>);
    impl Sink for Closing {
        type Op = ();
        type Output = ();
        type Error = Broken;
        fn bytes((): &()) -> usize {
            0
        }
        fn write(
            &mut self,
            batch: &mut Batch<'_, (), (), Broken>,
        ) -> Result<(), WriteFailure<Broken>> {
            batch.accept(0, ());
            Ok(())
        }
        fn sync(&mut self) -> Result<(), Broken> {
            Ok(())
        }
        fn position(&self) -> u64 {
            0
        }
        fn close(&mut self) -> Result<(), Broken> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }
    for close_first in [false, true] {
        let closed = Arc::new(AtomicUsize::new(0));
        let writer = BatchWriter::new(Closing(Arc::clone(&closed)));
        writer.submit(()).unwrap();
        if close_first {
            writer.close().unwrap();
        }
        drop(writer);
        assert_eq!(closed.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn submitting_from_within_the_sink_is_an_error() {
    struct Nested {
        outer: Option<Arc<BatchWriter<Nested>>>,
        refused: Arc<AtomicBool>,
    }
    impl Sink for Nested {
        type Op = u8;
        type Output = ();
        type Error = Broken;
        fn bytes(_: &u8) -> usize {
            1
        }
        fn write(
            &mut self,
            batch: &mut Batch<'_, u8, (), Broken>,
        ) -> Result<(), WriteFailure<Broken>> {
            if let Some(outer) = &self.outer {
                let again = outer.submit(7);
                let flushed = outer.flush();
                let refused = matches!(again, Err(SubmitError::Reentered(7)))
                    && matches!(flushed, Err(SubmitError::Reentered(())));
                self.refused.store(refused, Ordering::Relaxed);
            }
            batch.accept(0, ());
            Ok(())
        }
        fn sync(&mut self) -> Result<(), Broken> {
            Ok(())
        }
        fn position(&self) -> u64 {
            0
        }
    }
    let refused = Arc::new(AtomicBool::new(false));
    let writer = Arc::new(BatchWriter::new(Nested { outer: None, refused: Arc::clone(&refused) }));
    let outer = Arc::clone(&writer);
    writer.with_sink(|sink| sink.outer = Some(outer)).unwrap();
    writer.submit(1).unwrap();
    assert!(refused.load(Ordering::Relaxed));
    writer.with_sink(|sink| sink.outer = None).unwrap();
}

/// Queues `queued` operations behind one that is in its sync, then lets the syncs go on.
fn behind_a_sync<S>(
    writer: &BatchWriter<S>,
    inside: &mpsc::Receiver<()>,
    open: mpsc::Sender<()>,
) -> Vec<Result<usize, SubmitError<Op, Broken>>>
where
    S: Sink<Op = Op, Output = usize, Error = Broken> + Send,
{
    thread::scope(|scope| {
        let first = scope.spawn(|| writer.submit((0, 0)));
        inside.recv().unwrap();
        let submit = |number| scope.spawn(move || writer.submit((number, 0)));
        let rest: Vec<_> = (1..=3).map(|number| queued(writer, || submit(number))).collect();
        drop(open);
        let outcomes = [first].into_iter().chain(rest);
        outcomes.map(|submitter| submitter.join().unwrap()).collect()
    })
}

#[test]
fn a_failed_sync_is_unknown_to_its_batch_and_refuses_the_rest() {
    let (store, open, inside) = gated();
    let fails =
        |point, times| (point == Point::Sync && times == 1).then_some(Trigger::Fatal("EIO"));
    let options = Options::new().batch_operations(2).sibling_wait(Duration::ZERO);
    let writer = options.build(Fault::new(store, fails));
    let outcomes = behind_a_sync(&writer, &inside, open);
    assert!(outcomes[0].is_ok());
    let unknown = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(SubmitError::Unknown(Cause::Sync("EIO")))))
        .count();
    let refused = outcomes
        .iter()
        .filter(|outcome| {
            matches!(outcome, Err(SubmitError::Poisoned(_, poison)) if poison.durable_upto == 1)
        })
        .count();
    assert_eq!((unknown, refused), (2, 1), "{outcomes:?}");
    assert!(matches!(writer.submit((9, 9)), Err(SubmitError::Poisoned((9, 9), _))));
    assert!(matches!(writer.flush(), Err(SubmitError::Poisoned((), _))));
    assert!(matches!(writer.close(), Err(SubmitError::Poisoned((), _))));
    assert_eq!(writer.poison().unwrap().cause, Cause::Sync("EIO"));
    assert_eq!(writer.durable_upto(), 1);
    assert_eq!(writer.metrics().queued, 0);
}

#[test]
fn a_panic_of_the_sink_reaches_its_leader_and_nobody_is_told_ok() {
    for point in [Point::BeforeWrite, Point::AfterWrite, Point::Sync] {
        let (store, open, inside) = gated();
        let fails = move |at, times| (at == point && times == 1).then_some(Trigger::Panic);
        let writer = BatchWriter::new(Fault::new(store, fails));
        let outcome = thread::scope(|scope| {
            let first = scope.spawn(|| writer.submit((0, 0)));
            inside.recv().unwrap();
            let rest: Vec<_> = (1..=3)
                .map(|number| {
                    let writer = &writer;
                    queued(writer, || scope.spawn(move || writer.submit((number, 0))))
                })
                .collect();
            drop(open);
            first.join().unwrap().unwrap();
            rest.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        assert_eq!(outcome.iter().filter(|outcome| outcome.is_err()).count(), 1, "one leader");
        for outcome in outcome.into_iter().flatten() {
            assert!(matches!(outcome, Err(SubmitError::Unknown(Cause::Panic))), "{outcome:?}");
        }
        assert!(matches!(writer.submit((9, 9)), Err(SubmitError::Poisoned(..))));
    }
}

#[test]
fn a_failure_that_left_nothing_fails_its_batch_alone() {
    let (store, open, inside) = gated();
    let fails =
        |point, times| (point == Point::BeforeWrite && times == 1).then_some(Trigger::Undone("no"));
    let writer = BatchWriter::new(Fault::new(store, fails));
    let outcomes = behind_a_sync(&writer, &inside, open);
    assert!(outcomes[0].is_ok());
    let failed = |outcome: &&Result<_, _>| matches!(outcome, Err(SubmitError::Failed("no")));
    assert_eq!(outcomes.iter().filter(failed).count(), 3);
    assert!(writer.submit((9, 9)).is_ok());
    assert_eq!(writer.metrics().failed, 3);
}

#[test]
fn a_separable_failure_is_tried_again_one_by_one() {
    let (store, open, inside) = gated();
    // The batch of three fails, and then the second of the three alone.
    let fails = |point, times| {
        (point == Point::BeforeWrite && (times == 1 || times == 3))
            .then_some(Trigger::Separable("no"))
    };
    let writer = BatchWriter::new(Fault::new(store, fails));
    let outcomes = behind_a_sync(&writer, &inside, open);
    let failed = |outcome: &&Result<_, _>| matches!(outcome, Err(SubmitError::Failed("no")));
    assert_eq!(outcomes.iter().filter(failed).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(writer.metrics().reruns, 1);
}

#[test]
fn an_operation_without_an_answer_is_the_sinks_fault() {
    struct Forgetful;
    impl Sink for Forgetful {
        type Op = ();
        type Output = ();
        type Error = Broken;
        fn bytes((): &()) -> usize {
            0
        }
        fn write(&mut self, _: &mut Batch<'_, (), (), Broken>) -> Result<(), WriteFailure<Broken>> {
            Ok(())
        }
        fn sync(&mut self) -> Result<(), Broken> {
            Ok(())
        }
        fn position(&self) -> u64 {
            0
        }
    }
    let writer = BatchWriter::new(Forgetful);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.submit(())));
    assert!(caught.is_err());
    assert!(matches!(writer.submit(()), Err(SubmitError::Poisoned(..))));
}

#[test]
fn a_panic_in_a_turn_poisons() {
    let writer = BatchWriter::new(Null::<u8>::new());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.with_sink(|_| panic!("in a turn"))
    }));
    assert!(caught.is_err());
    assert!(matches!(writer.submit(1), Err(SubmitError::Poisoned(1, _))));
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
