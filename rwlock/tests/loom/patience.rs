//! The readers' patience and the gate's cool-down.

use latchwork_rwlock::{Patient, Policy};
use latchwork_sync::atomic::Ordering;
use latchwork_sync::model::{Model, advance};
use latchwork_sync::thread::yield_now;
use latchwork_sync::time::Duration;

use crate::scene::{
    LAST_READER_IS_SILENT, Locked, SLEEPER_KEEPS_WAKE, Ticks, Unbounded, Untagged,
    WRITER_IS_SILENT, pass_time_until, start, ticks_from_now,
};

/// One holds a share, a writer waits for ever, a reader comes between: its patience lets it in
/// although the holder stays until then.
fn patience_opens_gate<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, Locked::write);
    let reader = start(&locked, |locked| {
        let seen = locked.read();
        locked.over.store(true, Ordering::Release);
        seen
    });
    pass_time_until(&locked.over);
    let waits = locked.lock.waiting_writers();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    assert_eq!(reader.join().unwrap(), 0, "the first holder had not left");
    writer.join().unwrap();
    locked.check(1);
    waits.to_string()
}

/// A patient writer opens the gate of its own will, under a policy without patience.
fn patient_writer_steps_back(patience: u64) -> String {
    let locked = Locked::<Unbounded>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, move |locked| {
        let plan = Patient::within(Duration::from_millis(9))
            .patience(Duration::from_millis(patience))
            .cool_down(Duration::from_millis(2));
        let result = locked.lock.lock_exclusive_patiently(plan);
        if result.is_ok() {
            locked.add();
            // SAFETY: acquired above.
            unsafe { locked.lock.unlock_exclusive() };
        }
        result.is_ok()
    });
    let reader = start(&locked, |locked| {
        let deadline = ticks_from_now(4);
        let seen = locked.read_until(deadline);
        locked.over.store(true, Ordering::Release);
        seen
    });
    pass_time_until(&locked.over);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    assert_eq!(reader.join().unwrap(), Some(0), "no reader waits for longer than the patience");
    let wrote = writer.join().unwrap();
    locked.check(wrote.into());
    wrote.to_string()
}

fn writer_with_patience() -> String {
    patient_writer_steps_back(1)
}

fn writer_without_patience() -> String {
    patient_writer_steps_back(8)
}

/// A writer holds the lock when a reader's patience ends: that reader goes before the next writer.
fn overdue_reader_and_two_writers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let reader = start(&locked, Locked::read);
    yield_now();
    let writer = start(&locked, Locked::write);
    advance(1);
    let overdue = format!("{:?}", locked.lock).contains("overdue");
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    advance(1);
    let seen = reader.join().unwrap();
    writer.join().unwrap();
    locked.check(1);
    assert!(!overdue || seen == 0, "a writer overtook an overdue reader");
    format!("{overdue} {seen}")
}

/// Two reads and two writes with everything on.
fn all_on<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let writer = start(&locked, |locked| {
        locked.write();
        locked.write();
    });
    let reader = start(&locked, |locked| {
        locked.read();
        locked.read();
    });
    advance(1);
    writer.join().unwrap();
    reader.join().unwrap();
    locked.check(2);
    String::new()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("patience_opens_gate", patience_opens_gate::<Ticks<1, 0>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("no_patience", patience_opens_gate::<Unbounded>),
        Model::new("patience_opens_gate_cool_down", patience_opens_gate::<Ticks<1, 1>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "last_reader_is_silent",
                patience_opens_gate::<Ticks<1, 1, LAST_READER_IS_SILENT>>,
            ),
        Model::new("patience_with_tags_used_up", patience_opens_gate::<Untagged<Ticks<1, 0>>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("no_patience", patience_opens_gate::<Untagged<Unbounded>>),
        // Its patience is kept by the writer, so it holds where the writer runs when it may.
        Model::new("patient_writer_steps_back", writer_with_patience)
            .bound(0)
            .loom_only(
                "a random schedule lets the clock run on while the writer may run and doesn't",
            )
            .twin("no_patience", writer_without_patience),
        Model::new("overdue_reader_and_two_writers", overdue_reader_and_two_writers::<Ticks<1, 0>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "writer_is_silent",
                overdue_reader_and_two_writers::<Ticks<1, 0, WRITER_IS_SILENT>>,
            ),
        Model::new("all_on", all_on::<Ticks<1, 1>>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("sleeper_keeps_wake", all_on::<Ticks<1, 1, SLEEPER_KEEPS_WAKE>>)
            .twin("writer_is_silent", all_on::<Ticks<1, 1, WRITER_IS_SILENT>>),
    ]
}
