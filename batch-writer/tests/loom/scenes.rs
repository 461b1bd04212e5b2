//! The scenes.

use std::process::ExitCode;

use latchwork_batch_writer::twin::{Bug, put_back};
use latchwork_batch_writer::{
    Batch, BatchWriter, Cause, Options, Poison, Sink, SubmitError, WriteFailure,
};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, advance, main};
use latchwork_sync::thread::{JoinHandle, spawn};
use latchwork_sync::time::{Duration, Instant};

/// What strikes the sink at its sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strike {
    Never,
    Error,
    Panic,
}

/// Data of a submitter that the sink reads, or of the sink that the submitter reads: loom reports
/// a race where the protocol doesn't order them.
#[derive(Default)]
struct Payload(UnsafeCell<u32>);

// SAFETY: shared on purpose: loom reports accesses that race.
unsafe impl Sync for Payload {}
// SAFETY: plain integers.
unsafe impl Send for Payload {}

/// An operation: whose, and a place where the sink leaves a mark for it.
type Op = (u32, Arc<Payload>);

/// Keeps the order of what was executed; asserts that one holder at a time calls it, and nobody
/// after a failure or a close.
struct Probe {
    executed: Vec<u32>,
    inside: UnsafeCell<u32>,
    strike: Strike,
    dead: bool,
}

impl Probe {
    fn new(strike: Strike) -> Self {
        Self { executed: Vec::new(), inside: UnsafeCell::new(0), strike, dead: false }
    }

    /// A write that races with any other holder's (I1).
    fn step(&self) {
        // SAFETY: the caller holds the role; loom fails the scene where another does too.
        self.inside.with_mut(|count| unsafe { *count += 1 });
    }
}

type Error = &'static str;
type Writer = BatchWriter<Probe>;
type Outcome = Result<u32, SubmitError<Op, Error>>;

impl Sink for Probe {
    type Op = Op;
    type Output = u32;
    type Error = Error;

    fn bytes(_: &Op) -> usize {
        1
    }

    fn write(&mut self, batch: &mut Batch<'_, Op, u32, Error>) -> Result<(), WriteFailure<Error>> {
        self.step();
        assert!(!self.dead, "a write after a failure or a close (I6, I7)");
        for index in 0..batch.len() {
            let (whose, payload) = batch.op(index);
            let whose = *whose;
            assert!(!self.executed.contains(&whose), "executed twice (I2)");
            // SAFETY: the operation is the holder's; loom fails the scene where it is not.
            payload.0.with_mut(|place| unsafe { *place += 1 });
            self.executed.push(whose);
            batch.accept(index, whose);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.step();
        match self.strike {
            Strike::Never => Ok(()),
            Strike::Error => {
                self.dead = true;
                Err("EIO")
            }
            Strike::Panic => {
                self.dead = true;
                std::panic::resume_unwind(Box::new("struck"));
            }
        }
    }

    fn position(&self) -> u64 {
        0
    }

    fn close(&mut self) -> Result<(), Error> {
        self.step();
        assert!(!self.dead, "a close after a failure or a close");
        self.dead = true;
        Ok(())
    }
}

fn writer(batch: usize, strike: Strike) -> Arc<Writer> {
    let options = Options::new().batch_operations(batch).sibling_wait(Duration::ZERO);
    Arc::new(options.build(Probe::new(strike)))
}

/// Submits, and reads what the sink left: 1 after success.
fn submit(writer: &Writer, whose: u32, deadline: Option<Instant>) -> Outcome {
    let payload = Arc::new(Payload::default());
    // SAFETY: not yet shared.
    payload.0.with_mut(|place| unsafe { *place = 0 });
    let op = (whose, Arc::clone(&payload));
    let outcome = match deadline {
        None => writer.submit(op),
        Some(deadline) => writer.submit_until(op, deadline),
    };
    let executed = match &outcome {
        Ok(output) => {
            assert_eq!(*output, whose, "somebody else's answer");
            Some(1)
        }
        Err(SubmitError::Unknown(_)) => None,
        Err(_) => Some(0),
    };
    if let Some(executed) = executed {
        // SAFETY: answered: the payload is ours again, or loom fails the scene.
        let found = payload.0.with(|place| unsafe { *place });
        assert_eq!(found, executed, "executed exactly if told so (I2)");
    }
    outcome
}

fn spawn_submit(writer: &Arc<Writer>, whose: u32) -> JoinHandle<Outcome> {
    let writer = Arc::clone(writer);
    spawn(move || submit(&writer, whose, None))
}

/// The order of execution, when everybody has left: the role is free (I5).
fn order(writer: &Writer) -> String {
    writer.with_sink(|probe| format!("{:?}", probe.executed)).expect("the role is free")
}

/// Three submitters, one operation each.
fn three(batch: usize) -> String {
    let writer = writer(batch, Strike::Never);
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    submit(&writer, 0, None).unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    let order = order(&writer);
    assert_eq!(order.matches(char::is_numeric).count(), 3, "{order}");
    order
}

fn three_one_by_one() -> String {
    three(1)
}

fn three_in_batches() -> String {
    three(8)
}

/// Two submitters, two operations each: nodes lie in the same places again.
fn two_twice() -> String {
    let writer = writer(8, Strike::Never);
    let theirs = Arc::clone(&writer);
    let other = spawn(move || {
        submit(&theirs, 2, None).unwrap();
        submit(&theirs, 3, None).unwrap();
    });
    submit(&writer, 0, None).unwrap();
    submit(&writer, 1, None).unwrap();
    other.join().unwrap();
    order(&writer)
}

/// One with a deadline among others: withdrawn, or executed, never both.
fn deadline(batch: usize, others: u32) -> String {
    let writer = writer(batch, Strike::Never);
    let deadline = Instant::now() + Duration::from_millis(1);
    let others: Vec<_> = (1..=others).map(|whose| spawn_submit(&writer, whose)).collect();
    let theirs = Arc::clone(&writer);
    let timed = spawn(move || match submit(&theirs, 0, Some(deadline)) {
        Ok(_) => true,
        Err(SubmitError::TimedOut((0, _))) => false,
        Err(error) => panic!("{error}"),
    });
    advance(1);
    let executed = timed.join().unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    let order = order(&writer);
    assert_eq!(order.contains('0'), executed, "{order}");
    order
}

fn deadline_of_two() -> String {
    deadline(8, 1)
}

fn deadline_one_by_one() -> String {
    deadline(1, 2)
}

fn deadline_in_batches() -> String {
    deadline(8, 2)
}

/// The first sync fails: nobody is told of success, and who saw the failure is refused if it
/// tries `again`.
fn failed_sync(batch: usize, others: u32, again: bool) -> String {
    let writer = writer(batch, Strike::Error);
    let attempt = move |writer: &Writer, whose| {
        let outcome = submit(writer, whose, None);
        assert!(writer.poison().is_some(), "told before the gate was shut (T4)");
        let told = match &outcome {
            Err(SubmitError::Unknown(Cause::Sync("EIO"))) => 'u',
            Err(SubmitError::Poisoned(_, Poison { cause: Cause::Sync("EIO"), .. })) => 'p',
            other => panic!("{other:?} after a failed sync (I6)"),
        };
        if again {
            let after = submit(writer, whose + 10, None);
            assert!(matches!(after, Err(SubmitError::Poisoned(..))), "{after:?} (I6)");
        }
        told
    };
    let others: Vec<_> = (1..=others)
        .map(|whose| {
            let theirs = Arc::clone(&writer);
            spawn(move || attempt(&theirs, whose))
        })
        .collect();
    let mut told = vec![attempt(&writer, 0)];
    told.extend(others.into_iter().map(|other| other.join().unwrap()));
    assert!(told.contains(&'u'));
    told.sort_unstable();
    told.iter().collect()
}

fn failed_sync_of_two() -> String {
    failed_sync(8, 1, true)
}

fn failed_sync_one_by_one() -> String {
    failed_sync(1, 2, false)
}

fn failed_sync_in_batches() -> String {
    failed_sync(8, 2, false)
}

/// The leader's sink panics: the others are told the truth.
fn panic_in_the_sink(others: u32) -> String {
    let writer = writer(8, Strike::Panic);
    let attempt = |writer: &Writer, whose| {
        let attempt = std::panic::AssertUnwindSafe(|| submit(writer, whose, None));
        match std::panic::catch_unwind(attempt) {
            Err(panic) if panic.downcast_ref::<&str>() == Some(&"struck") => 'l',
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(Err(SubmitError::Unknown(Cause::Panic))) => 'u',
            Ok(Err(SubmitError::Poisoned(..))) => 'p',
            Ok(other) => panic!("{other:?} after a panic"),
        }
    };
    let others: Vec<_> = (1..=others)
        .map(|whose| {
            let theirs = Arc::clone(&writer);
            spawn(move || attempt(&theirs, whose))
        })
        .collect();
    let mut told = vec![attempt(&writer, 0)];
    told.extend(others.into_iter().map(|other| other.join().unwrap()));
    assert_eq!(told.iter().filter(|told| **told == 'l').count(), 1, "one leader panics");
    told.sort_unstable();
    told.iter().collect()
}

fn panic_of_two() -> String {
    panic_in_the_sink(1)
}

fn panic_of_three() -> String {
    panic_in_the_sink(2)
}

/// A close among submissions: each is executed before it, or refused.
fn close_against_submit() -> String {
    let writer = writer(8, Strike::Never);
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    writer.close().unwrap();
    let told = others.map(|other| match other.join().unwrap() {
        Ok(_) => 'o',
        Err(SubmitError::Closed(_)) => 'c',
        Err(error) => panic!("{error}"),
    });
    assert!(matches!(writer.close(), Err(SubmitError::Closed(()))));
    assert!(matches!(submit(&writer, 9, None), Err(SubmitError::Closed(_))));
    told.iter().collect()
}

/// A close against a failing sync.
fn close_against_failure() -> String {
    let writer = writer(8, Strike::Error);
    let other = spawn_submit(&writer, 1);
    let closed = match writer.close() {
        Ok(()) => 'c',
        Err(SubmitError::Poisoned((), _)) => 'p',
        Err(error) => panic!("{error}"),
    };
    let told = match other.join().unwrap() {
        Err(SubmitError::Unknown(_)) => 'u',
        Err(SubmitError::Closed(_)) => 'c',
        other => panic!("{other:?}"),
    };
    format!("{closed}{told}")
}

/// A flush beside two submitters: it returns when what was queued before is answered.
fn flush_against_submit() -> String {
    let writer = writer(1, Strike::Never);
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    writer.flush().unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    order(&writer)
}

/// Room for one: who finds none waits until it is given back.
fn room_for_one() -> String {
    let options =
        Options::new().queue_operations(1).batch_operations(1).sibling_wait(Duration::ZERO);
    let writer = Arc::new(options.build(Probe::new(Strike::Never)));
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    submit(&writer, 0, None).unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    order(&writer)
}

macro_rules! twins {
    ($($name:ident: $bug:ident in $scene:ident;)*) => {$(
        fn $name() -> String {
            put_back(Bug::$bug);
            $scene()
        }
    )*};
}

twins! {
    gateway: Gateway in three_one_by_one;
    publish_blind: PublishBlind in three_one_by_one;
    park_blind: ParkBlind in three_one_by_one;
    touch_after: TouchAfter in two_twice;
    lifo: Lifo in close_against_submit;
    withdraw_blind: WithdrawBlind in deadline_of_two;
    claim_blind: ClaimBlind in deadline_one_by_one;
    wake_before_gate: WakeBeforeGate in failed_sync_of_two;
    no_drain: NoDrain in failed_sync_of_two;
    poison_flag: PoisonFlag in failed_sync_of_two;
    no_reason_fence: NoReasonFence in failed_sync_of_two;
    no_guard: NoGuard in panic_of_two;
    ok_on_unwind: OkOnUnwind in panic_of_two;
    close_in_two_steps: CloseInTwoSteps in close_against_submit;
    room_forgotten: RoomForgotten in room_for_one;
}

pub(crate) fn run() -> ExitCode {
    main(&[
        Model::new("three_one_by_one", three_one_by_one)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("gateway", gateway)
            .twin("publish_blind", publish_blind)
            .twin("park_blind", park_blind),
        Model::new("three_in_batches", three_in_batches).bound(1).random_under_shuttle(20_000),
        Model::new("two_twice", two_twice)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("touch_after", touch_after),
        Model::new("deadline_of_two", deadline_of_two)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("withdraw_blind", withdraw_blind),
        Model::new("deadline_one_by_one", deadline_one_by_one)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("claim_blind", claim_blind),
        Model::new("deadline_in_batches", deadline_in_batches)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("failed_sync_of_two", failed_sync_of_two)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("wake_before_gate", wake_before_gate)
            .twin("no_drain", no_drain)
            .twin("poison_flag", poison_flag)
            .twin("no_reason_fence", no_reason_fence),
        Model::new("failed_sync_one_by_one", failed_sync_one_by_one)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("failed_sync_in_batches", failed_sync_in_batches)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("panic_of_two", panic_of_two)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("no_guard", no_guard)
            .twin("ok_on_unwind", ok_on_unwind),
        Model::new("panic_of_three", panic_of_three).bound(1).random_under_shuttle(20_000),
        Model::new("close_against_submit", close_against_submit)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("lifo", lifo)
            .twin("close_in_two_steps", close_in_two_steps),
        Model::new("close_against_failure", close_against_failure)
            .bound(3)
            .random_under_shuttle(20_000),
        Model::new("flush_against_submit", flush_against_submit)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("room_for_one", room_for_one)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("room_forgotten", room_forgotten),
    ])
}
