//! Sinks that fail or panic: who is told what, and what the writer is afterwards.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod store;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use latchwork_batch_writer::sinks::{Fault, Null, Point, Trigger};
use latchwork_batch_writer::{Batch, BatchWriter, Cause, Options, Sink, SubmitError, WriteFailure};

use store::{Broken, Store, crowd, gated, queued};

type Op = (usize, u32);

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
fn nobody_is_told_what_is_not_so() {
    let triggers =
        [Trigger::Undone("no"), Trigger::Separable("no"), Trigger::Fatal("no"), Trigger::Panic];
    for point in [Point::BeforeWrite, Point::AfterWrite, Point::Sync] {
        for trigger in &triggers {
            for at in [0, 1, 7, 50] {
                strike(point, trigger, at);
            }
        }
    }
}

fn strike(point: Point, trigger: &Trigger<Broken>, at: u64) {
    let store = Store::new();
    let trigger = trigger.clone();
    let choose = move |reached, times| (reached == point && times == at).then(|| trigger.clone());
    let writer = Options::new().batch_operations(3).build(Fault::new(store.clone(), choose));
    let told = crowd(&writer);
    assert_eq!(writer.poison().is_some(), writer.metrics().poisoned);
    store.disk().check(told);
}
