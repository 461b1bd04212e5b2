//! Tasks, and the dedicated thread that serves them.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use latchwork_batch_writer::checked::{Core, Flaws};
use latchwork_batch_writer::{Cause, Options, SubmitError};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::block_on;
use latchwork_sync::thread::spawn;
use latchwork_sync::time::Duration;

use crate::probe::{
    Probe, Strike, assert_executed, check, dedicated, operation, order, spawn_serve, submit,
    submit_async,
};

/// One task, twice: the thread sleeps, or is about to, while the next operation is queued.
pub(crate) fn task_twice<F: Flaws>() -> String {
    let writer = dedicated::<F>(8, Strike::Never);
    let thread = spawn_serve(&writer);
    submit_async(&writer, 0).unwrap();
    submit_async(&writer, 1).unwrap();
    writer.close().unwrap();
    thread.join().unwrap();
    "done".into()
}

/// A task and a submitter that writes for itself where it can.
pub(crate) fn task_and_submitter<F: Flaws>() -> String {
    let options = Options::new().sibling_wait(Duration::ZERO);
    let writer = Arc::new(Core::<_, F>::new(Probe::new(Strike::Never), options, true));
    let thread = spawn_serve(&writer);
    let theirs = Arc::clone(&writer);
    let submitter = spawn(move || submit(&theirs, 1, None));
    submit_async(&writer, 0).unwrap();
    submitter.join().unwrap().unwrap();
    let order = order(&writer);
    writer.close().unwrap();
    thread.join().unwrap();
    order
}

/// Two tasks, one operation a batch.
pub(crate) fn two_tasks<F: Flaws>() -> String {
    let writer = dedicated::<F>(1, Strike::Never);
    let thread = spawn_serve(&writer);
    let theirs = Arc::clone(&writer);
    let other = spawn(move || submit_async(&theirs, 1));
    submit_async(&writer, 0).unwrap();
    other.join().unwrap().unwrap();
    writer.close().unwrap();
    thread.join().unwrap();
    "done".into()
}

/// A task that moves to another waker while its operation is answered.
pub(crate) fn another_waker<F: Flaws>() -> String {
    let writer = dedicated::<F>(8, Strike::Never);
    let thread = spawn_serve(&writer);
    let (op, payload) = operation(0);
    let mut submission = writer.submit_async(op);
    let mut first = Context::from_waker(Waker::noop());
    let outcome = match Pin::new(&mut submission).poll(&mut first) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => block_on(submission),
    };
    check(0, &payload, &outcome);
    outcome.unwrap();
    writer.close().unwrap();
    thread.join().unwrap();
    "done".into()
}

/// A task that gives up: its operation is taken back, or committed without it.
pub(crate) fn abandoned<F: Flaws>() -> String {
    let writer = dedicated::<F>(8, Strike::Never);
    let thread = spawn_serve(&writer);
    let (op, payload) = operation(0);
    let mut submission = writer.submit_async(op);
    let mut context = Context::from_waker(Waker::noop());
    let ready = Pin::new(&mut submission).poll(&mut context).is_ready();
    drop(submission);
    let order = order(&writer);
    assert!(order.contains('0') || !ready);
    writer.close().unwrap();
    thread.join().unwrap();
    assert_executed(&payload, u32::from(order.contains('0')));
    order
}

/// A task that asks for its operation back, and has its outcome if it is too late.
pub(crate) fn withdrawn<F: Flaws>() -> String {
    let writer = dedicated::<F>(8, Strike::Never);
    let thread = spawn_serve(&writer);
    let (op, payload) = operation(0);
    let mut submission = writer.submit_async(op);
    let mut context = Context::from_waker(Waker::noop());
    let told = if Pin::new(&mut submission).poll(&mut context).is_ready() {
        "ready"
    } else if let Some((0, back)) = submission.withdraw() {
        assert_executed(&back, 0);
        "withdrawn"
    } else {
        let outcome = block_on(submission);
        check(0, &payload, &outcome);
        outcome.unwrap();
        "late"
    };
    writer.close().unwrap();
    thread.join().unwrap();
    assert_executed(&payload, u32::from(told != "withdrawn"));
    told.into()
}

/// Room for one, and two tasks.
pub(crate) fn room_for_a_task<F: Flaws>() -> String {
    let options = Options::new().queue_operations(1).sibling_wait(Duration::ZERO);
    let writer =
        Arc::new(Core::<_, F>::new(Probe::new(Strike::Never), options.inline(false), true));
    let thread = spawn_serve(&writer);
    let theirs = Arc::clone(&writer);
    let other = spawn(move || submit_async(&theirs, 1));
    submit_async(&writer, 0).unwrap();
    other.join().unwrap().unwrap();
    writer.close().unwrap();
    thread.join().unwrap();
    "done".into()
}

/// The dedicated thread's sync fails, or its sink panics: the tasks are told, and it ends.
fn struck<F: Flaws>(strike: Strike) -> String {
    let writer = dedicated::<F>(8, strike);
    let thread = {
        let writer = Arc::clone(&writer);
        spawn(move || {
            let serve = std::panic::AssertUnwindSafe(|| writer.serve());
            if let Err(panic) = std::panic::catch_unwind(serve)
                && panic.downcast_ref::<&str>() != Some(&"struck")
            {
                std::panic::resume_unwind(panic);
            }
        })
    };
    let attempt = |outcome| match outcome {
        Err(SubmitError::Unknown(Cause::Sync("EIO") | Cause::Panic)) => 'u',
        Err(SubmitError::Poisoned(..)) => 'p',
        other => panic!("{other:?} after a failure (I6)"),
    };
    let theirs = Arc::clone(&writer);
    let other = spawn(move || attempt(submit_async(&theirs, 1)));
    let own = attempt(submit_async(&writer, 0));
    let other = other.join().unwrap();
    assert!(own == 'u' || other == 'u');
    thread.join().unwrap();
    assert!(matches!(writer.close(), Err(SubmitError::Poisoned(..))));
    format!("{own}{other}")
}

pub(crate) fn failed_sync_for_tasks<F: Flaws>() -> String {
    struck::<F>(Strike::Error)
}

pub(crate) fn panic_for_tasks<F: Flaws>() -> String {
    struck::<F>(Strike::Panic)
}
