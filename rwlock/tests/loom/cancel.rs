//! Timeouts: no lost wake, no lost grant, whoever gives up leaves nobody behind.

use latchwork_rwlock::Policy;
use latchwork_sync::model::{Model, advance};

use crate::scene::{
    CANCEL_FORGETS_READERS, CANCEL_KEEPS_WAKE, DEADLINE_BEFORE_GRANT, DEADLINE_BEFORE_LOCK,
    GRANT_WITHOUT_WAKE, Locked, TAGS_WRAP, TIMED_READ_STAYS_COUNTED, Unbounded, Untagged,
    WRITER_IS_SILENT, start, ticks_from_now, until,
};

/// A writer that may give up against a reader.
fn timed_writer_and_reader<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    let writer = start(&locked, move |locked| locked.write_until(deadline));
    let reader = start(&locked, Locked::read);
    advance(1);
    let wrote = writer.join().unwrap();
    let seen = reader.join().unwrap();
    locked.check(wrote.into());
    format!("{wrote} {seen}")
}

/// One holds a share; a writer waits and gives up; a reader comes between. The holder leaves only
/// when that reader has read, so that the cancel alone can let it in.
fn cancel_lets_blocked_reader_in<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, move |locked| locked.write_until(deadline));
    let reader = start(&locked, Locked::read);
    advance(1);
    let seen = reader.join().unwrap();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    let wrote = writer.join().unwrap();
    locked.check(wrote.into());
    format!("{wrote} {seen}")
}

/// As before with two readers, which the same step lets in.
fn cancel_lets_both_blocked_readers_in<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, move |locked| locked.write_until(deadline));
    let readers = [start(&locked, Locked::read), start(&locked, Locked::read)];
    advance(1);
    let seen = readers.map(|reader| reader.join().unwrap());
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    let wrote = writer.join().unwrap();
    locked.check(wrote.into());
    format!("{wrote} {seen:?}")
}

/// A reader that times out as the writer before it gives up: granted or gone, never both.
fn timed_reader_against_cancel<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, move |locked| locked.write_until(deadline));
    let reader = start(&locked, move |locked| locked.read_until(deadline));
    advance(1);
    let seen = reader.join().unwrap();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    let wrote = writer.join().unwrap();
    locked.check(wrote.into());
    format!("{wrote} {seen:?}")
}

/// Two writers, one of which may give up in the moment in which it is woken: the other must be.
fn timed_writer_passes_wake_on<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_exclusive(None));
    let timed = start(&locked, move |locked| locked.write_until(deadline));
    let patient = start(&locked, Locked::write);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    advance(1);
    let wrote = timed.join().unwrap();
    patient.join().unwrap();
    locked.check(1 + u32::from(wrote));
    wrote.to_string()
}

/// A writer is woken, overtaken, and gives up before it sees the lock free again: the wake that it
/// has used up must not stand in the way of the next one.
fn timed_writer_keeps_no_wake<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let timed = start(&locked, move |locked| locked.write_until(deadline));
    let patient = start(&locked, Locked::write);
    until(|| locked.lock.waiting_writers() == 2);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    assert!(locked.lock.lock_exclusive(None));
    locked.add();
    advance(1);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    let wrote = timed.join().unwrap();
    patient.join().unwrap();
    locked.check(2 + u32::from(wrote));
    wrote.to_string()
}

/// A reader gives up behind a writer that holds the lock.
fn timed_reader_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    let reader = start(&locked, move |locked| locked.read_until(deadline));
    let writer = start(&locked, Locked::write);
    advance(1);
    let seen = reader.join().unwrap();
    writer.join().unwrap();
    locked.check(1);
    format!("{seen:?}")
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("timed_writer_and_reader", timed_writer_and_reader::<Unbounded>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("writer_is_silent", timed_writer_and_reader::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("timed_reader_and_writer", timed_reader_and_writer::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "timed_read_stays_counted",
                timed_reader_and_writer::<Unbounded<TIMED_READ_STAYS_COUNTED>>,
            ),
        Model::new("cancel_lets_blocked_reader_in", cancel_lets_blocked_reader_in::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "cancel_forgets_readers",
                cancel_lets_blocked_reader_in::<Unbounded<CANCEL_FORGETS_READERS>>,
            )
            .twin(
                "grant_without_wake",
                cancel_lets_blocked_reader_in::<Unbounded<GRANT_WITHOUT_WAKE>>,
            ),
        Model::new(
            "cancel_lets_both_blocked_readers_in",
            cancel_lets_both_blocked_readers_in::<Unbounded>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin(
            "cancel_forgets_readers",
            cancel_lets_both_blocked_readers_in::<Unbounded<CANCEL_FORGETS_READERS>>,
        ),
        Model::new(
            "cancel_with_tags_used_up",
            cancel_lets_both_blocked_readers_in::<Untagged<Unbounded>>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin("tags_wrap", cancel_lets_both_blocked_readers_in::<Untagged<Unbounded<TAGS_WRAP>>>),
        Model::new("timed_reader_against_cancel", timed_reader_against_cancel::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "deadline_before_grant",
                timed_reader_against_cancel::<Unbounded<DEADLINE_BEFORE_GRANT>>,
            ),
        Model::new("timed_writer_passes_wake_on", timed_writer_passes_wake_on::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "deadline_before_lock",
                timed_writer_passes_wake_on::<Unbounded<DEADLINE_BEFORE_LOCK>>,
            ),
        Model::new("timed_writer_keeps_no_wake", timed_writer_keeps_no_wake::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("cancel_keeps_wake", timed_writer_keeps_no_wake::<Unbounded<CANCEL_KEEPS_WAKE>>),
    ]
}
