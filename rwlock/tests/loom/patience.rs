//! The readers' patience and the gate's cool-down.

use latchwork_rwlock::Policy;
use latchwork_sync::atomic::Ordering;
use latchwork_sync::model::{Model, advance};

use crate::scene::{Locked, Ticks, pass_time_until, start};

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

/// A writer holds the lock when a reader's patience ends: that reader goes before the next writer.
fn overdue_reader_and_two_writers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let reader = start(&locked, Locked::read);
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
            .bound(2)
            .random_under_shuttle(20_000),
        Model::new("patience_opens_gate_cool_down", patience_opens_gate::<Ticks<1, 1>>)
            .bound(2)
            .random_under_shuttle(20_000),
        Model::new("overdue_reader_and_two_writers", overdue_reader_and_two_writers::<Ticks<1, 0>>)
            .bound(2)
            .random_under_shuttle(20_000),
        Model::new("all_on", all_on::<Ticks<1, 1>>).bound(2).random_under_shuttle(20_000),
    ]
}
