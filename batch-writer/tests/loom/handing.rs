//! Submitters among themselves.

use latchwork_batch_writer::checked::{Core, Flaws};
use latchwork_batch_writer::{Cause, Options, Poison, SubmitError};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::advance;
use latchwork_sync::thread::spawn;
use latchwork_sync::time::{Duration, Instant};

use crate::probe::{Probe, Strike, Writer, order, spawn_submit, submit, writer};

/// Three submitters, one operation each.
pub(crate) fn three<F: Flaws>(batch: usize) -> String {
    let writer = writer::<F>(batch, Strike::Never);
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    submit(&writer, 0, None).unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    let order = order(&writer);
    assert_eq!(order.matches(char::is_numeric).count(), 3, "{order}");
    order
}

pub(crate) fn three_one_by_one<F: Flaws>() -> String {
    three::<F>(1)
}

pub(crate) fn three_in_batches<F: Flaws>() -> String {
    three::<F>(8)
}

/// Two submitters, two operations each: nodes lie in the same places again.
pub(crate) fn two_twice<F: Flaws>() -> String {
    let writer = writer::<F>(8, Strike::Never);
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
pub(crate) fn deadline<F: Flaws>(batch: usize, others: u32) -> String {
    let writer = writer::<F>(batch, Strike::Never);
    let deadline = Instant::now() + Duration::from_millis(1);
    let others: Vec<_> = (1..=others).map(|whose| spawn_submit(&writer, whose)).collect();
    let theirs = Arc::clone(&writer);
    let timed = spawn(move || match submit(&theirs, 0, Some(deadline)) {
        Ok(_) => true,
        Err(SubmitError::TimedOut((0, _))) => {
            assert!(Instant::now() >= deadline, "given up before its time");
            false
        }
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

pub(crate) fn deadline_of_two<F: Flaws>() -> String {
    deadline::<F>(8, 1)
}

pub(crate) fn deadline_one_by_one<F: Flaws>() -> String {
    deadline::<F>(1, 2)
}

pub(crate) fn deadline_in_batches<F: Flaws>() -> String {
    deadline::<F>(8, 2)
}

/// The first sync fails: nobody is told of success, and who saw the failure is refused if it
/// tries `again`.
pub(crate) fn failed_sync<F: Flaws>(batch: usize, others: u32, again: bool) -> String {
    let writer = writer::<F>(batch, Strike::Error);
    let attempt = move |writer: &Writer<F>, whose| {
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

pub(crate) fn failed_sync_of_two<F: Flaws>() -> String {
    failed_sync::<F>(8, 1, true)
}

pub(crate) fn failed_sync_one_by_one<F: Flaws>() -> String {
    failed_sync::<F>(1, 2, false)
}

pub(crate) fn failed_sync_in_batches<F: Flaws>() -> String {
    failed_sync::<F>(8, 2, false)
}

/// The leader's sink panics: the others are told the truth.
pub(crate) fn panic_in_the_sink<F: Flaws>(others: u32) -> String {
    let writer = writer::<F>(8, Strike::Panic);
    let attempt = |writer: &Writer<F>, whose| {
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

pub(crate) fn panic_of_two<F: Flaws>() -> String {
    panic_in_the_sink::<F>(1)
}

pub(crate) fn panic_of_three<F: Flaws>() -> String {
    panic_in_the_sink::<F>(2)
}

/// A close among submissions: each is executed before it, or refused.
pub(crate) fn close_against_submit<F: Flaws>() -> String {
    let writer = writer::<F>(8, Strike::Never);
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
pub(crate) fn close_against_failure<F: Flaws>() -> String {
    let writer = writer::<F>(8, Strike::Error);
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
pub(crate) fn flush_against_submit<F: Flaws>() -> String {
    let writer = writer::<F>(1, Strike::Never);
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    writer.flush().unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    order(&writer)
}

/// Room for one: who finds none waits until it is given back.
pub(crate) fn room_for_one<F: Flaws>() -> String {
    let options =
        Options::new().queue_operations(1).batch_operations(1).sibling_wait(Duration::ZERO);
    let writer = Arc::new(Core::<_, F>::new(Probe::new(Strike::Never), options, false));
    let others = [1, 2].map(|whose| spawn_submit(&writer, whose));
    submit(&writer, 0, None).unwrap();
    for other in others {
        other.join().unwrap().unwrap();
    }
    order(&writer)
}
