//! The gate stays open for the cool-down: who sees it open sees until when.

use latchwork_rwlock::{Patient, Policy};
use latchwork_sync::model::{Model, advance};
use latchwork_sync::thread::yield_now;
use latchwork_sync::time::Duration;

use crate::scene::{Locked, TAGS_WRAP, Ticks, Unbounded, Untagged, start, ticks_from_now, until};

/// What each scene checks: the gate is open, since no time has passed since it was opened.
fn check_open<P: Policy>(locked: &Locked<P>) {
    assert!(locked.lock.try_lock_shared(), "the gate is shut again before its time");
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
}

/// A reader's patience opens the gate; a writer that comes then leaves it open.
fn opened_by_a_reader<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let first = start(&locked, Locked::write);
    until(|| locked.lock.waiting_writers() == 1);
    let late = start(&locked, |locked| {
        until(|| locked.lock.blocked_readers() == 1);
        while locked.lock.blocked_readers() == 1 {
            advance(1);
            yield_now();
        }
        locked.write();
    });
    // A second share, kept until the late writer has come: giving it back would tell that writer
    // everything.
    assert!(locked.lock.lock_shared(None));
    assert_eq!(locked.get(), 0);
    until(|| locked.lock.waiting_writers() == 2);
    check_open(&locked);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    first.join().unwrap();
    late.join().unwrap();
    locked.check(2);
    String::new()
}

/// A writer that gives up opens the gate; the reader that it held back comes back as a writer and
/// leaves it open.
fn opened_by_a_writer_that_gives_up<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let deadline = ticks_from_now(1);
    let first = start(&locked, move |locked| locked.write_until(deadline));
    until(|| locked.lock.waiting_writers() == 1);
    let reader = start(&locked, |locked| {
        assert_eq!(locked.read(), 0);
        locked.write();
    });
    until(|| locked.lock.blocked_readers() == 1);
    advance(1);
    assert!(!first.join().unwrap(), "the first holder had not left");
    until(|| locked.lock.waiting_writers() == 1);
    check_open(&locked);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    reader.join().unwrap();
    locked.check(1);
    String::new()
}

fn write_patiently<P: Policy>(locked: &Locked<P>, cool_down: u64) {
    let plan = Patient::within(Duration::from_millis(9))
        .patience(Duration::from_millis(1))
        .cool_down(Duration::from_millis(cool_down));
    assert!(locked.lock.lock_exclusive_patiently(plan).is_ok(), "time doesn't pass so far");
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
}

/// A patient writer opens the gate and goes on waiting; the reader that it held back is told, and
/// leaves the gate open as another patient writer.
fn opened_by_a_patient_writer<P: Policy, const COOL_DOWN: u64>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let first = start(&locked, |locked| write_patiently(locked, COOL_DOWN));
    until(|| locked.lock.waiting_writers() == 1);
    let reader = start(&locked, |locked| {
        assert_eq!(locked.read(), 0);
        write_patiently(locked, COOL_DOWN);
    });
    until(|| locked.lock.blocked_readers() == 1);
    advance(1);
    until(|| locked.lock.waiting_writers() == 2);
    check_open(&locked);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    reader.join().unwrap();
    first.join().unwrap();
    locked.check(2);
    String::new()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("opened_by_a_reader", opened_by_a_reader::<Ticks<1, 1_000_000>>)
            .bound(0)
            .random_under_shuttle(20_000)
            .twin("no_cool_down", opened_by_a_reader::<Ticks<1, 0>>),
        Model::new(
            "opened_by_a_writer_that_gives_up",
            opened_by_a_writer_that_gives_up::<Ticks<0, 1>>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin("no_cool_down", opened_by_a_writer_that_gives_up::<Unbounded>),
        Model::new("opened_by_a_patient_writer", opened_by_a_patient_writer::<Unbounded, 2>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("no_cool_down", opened_by_a_patient_writer::<Unbounded, 0>),
        Model::new(
            "opened_by_a_patient_writer_with_tags_used_up",
            opened_by_a_patient_writer::<Untagged<Unbounded>, 2>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin("tags_wrap", opened_by_a_patient_writer::<Untagged<Unbounded<TAGS_WRAP>>, 2>),
    ]
}
