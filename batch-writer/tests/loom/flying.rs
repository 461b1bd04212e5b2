//! Syncs in flight while the role goes on.

use latchwork_batch_writer::checked::Flaws;
use latchwork_batch_writer::{Cause, SubmitError};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread::spawn;

use crate::probe::{Strike, Writer, ahead, spawn_submit, submit};

/// The order of execution, and how many syncs have landed: all, since a turn waits for them.
fn order<F: Flaws>(writer: &Writer<F>) -> String {
    let seen = |probe: &mut crate::probe::Probe| format!("{:?} {}", probe.executed, probe.landed());
    writer.with_sink(seen).expect("the role is free")
}

fn flying<F: Flaws>(lanes: usize, others: u32, batch: usize) -> String {
    let writer = ahead::<F>(lanes, batch, Strike::Never);
    let others: Vec<_> = (1..=others).map(|whose| spawn_submit(&writer, whose)).collect();
    submit(&writer, 0, None).unwrap();
    // With three, the turn would make too many executions.
    let during = (others.len() == 1).then(|| order(&writer));
    for other in others {
        other.join().unwrap().unwrap();
    }
    during.unwrap_or_else(|| order(&writer))
}

/// Two submitters, and a turn while the other may be in flight.
pub(crate) fn one_lane<F: Flaws>() -> String {
    flying::<F>(1, 1, 8)
}

pub(crate) fn two_lanes<F: Flaws>() -> String {
    flying::<F>(2, 1, 8)
}

/// Three submitters, one operation a batch: a flight waits for the one before it, the role's
/// holder for a lane.
pub(crate) fn one_lane_of_three<F: Flaws>() -> String {
    flying::<F>(1, 2, 1)
}

pub(crate) fn two_lanes_of_three<F: Flaws>() -> String {
    flying::<F>(2, 2, 1);
    "committed".into()
}

/// The first flight fails or panics: nobody is told of success, whatever a later sync says, and
/// of two, who saw the failure is refused from then on.
fn struck<F: Flaws>(lanes: usize, strike: Strike, others: u32) -> String {
    let (batch, again) = if others == 1 { (8, true) } else { (1, false) };
    let writer = ahead::<F>(lanes, batch, strike);
    let attempt = move |writer: &Writer<F>, whose| {
        let attempt = std::panic::AssertUnwindSafe(|| submit(writer, whose, None));
        let told = match std::panic::catch_unwind(attempt) {
            Err(panic) if panic.downcast_ref::<&str>() == Some(&"struck") => 'l',
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(Err(SubmitError::Unknown(Cause::Sync("EIO") | Cause::Panic))) => 'u',
            Ok(Err(SubmitError::Poisoned(..))) => 'p',
            Ok(other) => panic!("{other:?} after a failed flight (I6)"),
        };
        assert!(writer.poison().is_some(), "told before the gate was shut (L3)");
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
    assert!(matches!(writer.flush(), Err(SubmitError::Poisoned(..))));
    told.sort_unstable();
    told.iter().collect()
}

pub(crate) fn failed_flight<F: Flaws>() -> String {
    struck::<F>(2, Strike::Error, 1)
}

pub(crate) fn failed_flight_in_one_lane<F: Flaws>() -> String {
    struck::<F>(1, Strike::Error, 1)
}

pub(crate) fn failed_flight_of_three<F: Flaws>() -> String {
    struck::<F>(1, Strike::Error, 2)
}

pub(crate) fn panic_in_flight<F: Flaws>() -> String {
    struck::<F>(2, Strike::Panic, 1)
}

/// A close while a sync is in flight.
pub(crate) fn close_in_flight<F: Flaws>() -> String {
    let writer = ahead::<F>(2, 8, Strike::Never);
    let other = spawn_submit(&writer, 1);
    writer.close().unwrap();
    match other.join().unwrap() {
        Ok(_) => "committed".into(),
        Err(SubmitError::Closed(_)) => "closed".into(),
        Err(error) => panic!("{error}"),
    }
}
