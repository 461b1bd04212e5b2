//! What happens at the ends: more waiters than can be counted, a writer that has waited too long.

use latchwork_rwlock::{PhaseFair, Policy};
use latchwork_sync::model::{Model, advance};

use crate::scene::{
    Faulty, Locked, Narrow, SOUND, Ticks, UNCOUNTED_FORGET_DEADLINES, URGENT_FORGETS_READERS,
    URGENT_GIVES_WAY, Unbounded, WRITER_IS_SILENT, start, ticks_from_now, until,
};

/// One reader can be counted as waiting, and two come.
fn more_readers_than_can_wait<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let readers = [start(&locked, Locked::read), start(&locked, Locked::read)];
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    let seen = readers.map(|reader| reader.join().unwrap());
    locked.check(1);
    format!("{seen:?}")
}

/// One writer can be counted as waiting, and two come.
fn more_writers_than_can_wait<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writers = [start(&locked, Locked::write), start(&locked, Locked::write)];
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    for writer in writers {
        writer.join().unwrap();
    }
    locked.check(2);
    String::new()
}

/// One that waits is counted, and one comes that can't be, for a while only: its time is over
/// before the lock is free.
fn uncounted_wait_ends_in_time<P: Policy, const WRITES: bool>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_exclusive(None));
    let patient =
        start(&locked, |locked| if WRITES { locked.write() } else { assert_eq!(locked.read(), 0) });
    until(|| locked.lock.blocked_readers() + locked.lock.waiting_writers() == 1);
    let timed = start(&locked, move |locked| {
        if WRITES { locked.write_until(deadline) } else { locked.read_until(deadline).is_some() }
    });
    advance(1);
    assert!(!timed.join().unwrap(), "the lock is held");
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    patient.join().unwrap();
    locked.check(WRITES.into());
    String::new()
}

/// A writer has waited for its longest wait: a reader whose patience is over stays out until it
/// has written.
fn urgent_writer_goes_first<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, Locked::write);
    until(|| locked.lock.waiting_writers() == 1);
    advance(1);
    until(|| format!("{:?}", locked.lock).contains("urgent"));
    let reader = start(&locked, Locked::read);
    until(|| locked.lock.blocked_readers() == 1);
    advance(1);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    assert_eq!(reader.join().unwrap(), 1, "a reader came before the writer");
    writer.join().unwrap();
    locked.check(1);
    String::new()
}

/// The readers that an urgent writer held back go before the next writer.
fn urgent_writer_owes_readers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, |locked| {
        assert!(locked.lock.lock_exclusive(None));
        let before = locked.get();
        locked.add();
        // SAFETY: acquired above.
        unsafe { locked.lock.unlock_exclusive() };
        before
    });
    until(|| locked.lock.waiting_writers() == 1);
    advance(1);
    until(|| format!("{:?}", locked.lock).contains("urgent"));
    let reader = start(&locked, Locked::read);
    until(|| locked.lock.blocked_readers() == 1);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    locked.write();
    let seen = reader.join().unwrap();
    let before = writer.join().unwrap();
    locked.check(2);
    assert!(before == 1 || seen == 1, "a writer overtook the readers that the urgent one owed");
    format!("{before} {seen}")
}

/// A writer that comes between the end of a write section and the leaver's look at who waits,
/// which here never comes, lets the overdue reader in: that reader, awake, must not go to sleep on
/// what it saw before.
fn overdue_reader_is_let_in_by_the_next_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let reader = start(&locked, Locked::read);
    until(|| locked.lock.blocked_readers() == 1);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    locked.write();
    let seen = reader.join().unwrap();
    locked.check(1);
    assert_eq!(seen, 0, "a writer overtook an overdue reader");
    String::new()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("more_readers_than_can_wait", more_readers_than_can_wait::<Narrow>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("writer_is_silent", more_readers_than_can_wait::<Narrow<WRITER_IS_SILENT>>),
        Model::new("more_writers_than_can_wait", more_writers_than_can_wait::<Narrow>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("writer_is_silent", more_writers_than_can_wait::<Narrow<WRITER_IS_SILENT>>),
        Model::new("uncounted_read_ends_in_time", uncounted_wait_ends_in_time::<Narrow, false>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "uncounted_forget_deadlines",
                uncounted_wait_ends_in_time::<Narrow<UNCOUNTED_FORGET_DEADLINES>, false>,
            ),
        Model::new("uncounted_write_ends_in_time", uncounted_wait_ends_in_time::<Narrow, true>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "uncounted_forget_deadlines",
                uncounted_wait_ends_in_time::<Narrow<UNCOUNTED_FORGET_DEADLINES>, true>,
            ),
        Model::new("urgent_writer_goes_first", urgent_writer_goes_first::<Ticks<1, 0, SOUND, 1>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("urgent_gives_way", urgent_writer_goes_first::<Ticks<1, 0, URGENT_GIVES_WAY, 1>>),
        Model::new(
            "urgent_writer_owes_readers",
            urgent_writer_owes_readers::<Ticks<5, 0, SOUND, 1>>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin(
            "urgent_forgets_readers",
            urgent_writer_owes_readers::<Ticks<5, 0, URGENT_FORGETS_READERS, 1>>,
        ),
        Model::new(
            "overdue_reader_is_let_in_by_the_next_writer",
            overdue_reader_is_let_in_by_the_next_writer::<Faulty<PhaseFair, WRITER_IS_SILENT>>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin(
            "no_phases",
            overdue_reader_is_let_in_by_the_next_writer::<Unbounded<WRITER_IS_SILENT>>,
        ),
    ]
}
