//! The readers' patience and the gate's cool-down.

use latchwork_rwlock::Policy;
use latchwork_sync::model::{Model, advance};

use crate::scene::{CANCEL_DROPS_TIMER, Locked, Ticks, start, ticks_from_now};

/// One holds a share, a writer waits for ever, a reader comes between: its patience lets it in
/// although the holder stays until then.
fn patience_opens_gate<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, Locked::write);
    let reader = start(&locked, Locked::read);
    advance(1);
    let seen = reader.join().unwrap();
    assert_eq!(seen, 0, "the first holder has not left");
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    writer.join().unwrap();
    locked.check(1);
    String::new()
}

/// After a reader has opened the gate it stays open for the cool-down: with the clock at rest a
/// second read needs no waiting.
fn gate_stays_open<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_shared(None));
    let writer = start(&locked, Locked::write);
    let reader = start(&locked, |locked| {
        let before = locked.lock.try_lock_shared();
        if before {
            // SAFETY: acquired above.
            unsafe { locked.lock.unlock_shared() };
        }
        locked.read();
        let after = locked.lock.try_lock_shared();
        if after {
            // SAFETY: acquired above.
            unsafe { locked.lock.unlock_shared() };
        }
        (before, after)
    });
    advance(1);
    let (before, after) = reader.join().unwrap();
    assert!(before || after, "the gate was shut again within the cool-down");
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    writer.join().unwrap();
    locked.check(1);
    format!("{before} {after}")
}

/// A writer holds the lock when a reader's patience ends: that reader goes before the next writer.
fn overdue_reader_and_two_writers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let reader = start(&locked, Locked::read);
    let writer = start(&locked, Locked::write);
    advance(1);
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive() };
    let seen = reader.join().unwrap();
    writer.join().unwrap();
    locked.check(1);
    seen.to_string()
}

/// A timed writer gives up while another waits behind a gate that cools down: someone must shut it
/// again, or the other waits for ever behind readers that overlap.
fn timer_is_handed_on<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let timed = start(&locked, move |locked| locked.write_until(deadline));
    let patient = start(&locked, Locked::write);
    let reader = start(&locked, Locked::read);
    advance(1);
    reader.join().unwrap();
    let wrote = timed.join().unwrap();
    // The share is held still: nothing but the timer wakes the writer that waits. It shuts the
    // gate, if it has come already.
    let waits = locked.lock.waiting_writers();
    advance(2);
    let mut looks = 0;
    while waits > 0 && locked.lock.try_lock_shared() {
        // SAFETY: acquired above.
        unsafe { locked.lock.unlock_shared() };
        latchwork_sync::thread::yield_now();
        looks += 1;
        assert!(looks < 100, "nobody shuts the gate");
    }
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    patient.join().unwrap();
    locked.check(1 + u32::from(wrote));
    format!("{wrote} {waits}")
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
            .bound(3)
            .random_under_shuttle(20_000),
        Model::new("patience_opens_gate_cool_down", patience_opens_gate::<Ticks<1, 1>>)
            .bound(3)
            .random_under_shuttle(20_000),
        Model::new("gate_stays_open", gate_stays_open::<Ticks<1, 1>>)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("no_cool_down", gate_stays_open::<Ticks<1, 0>>),
        Model::new("overdue_reader_and_two_writers", overdue_reader_and_two_writers::<Ticks<1, 0>>)
            .bound(3)
            .random_under_shuttle(20_000),
        Model::new("timer_is_handed_on", timer_is_handed_on::<Ticks<0, 1>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("cancel_drops_timer", timer_is_handed_on::<Ticks<0, 1, CANCEL_DROPS_TIMER>>),
        Model::new("all_on", all_on::<Ticks<1, 1>>).bound(2).random_under_shuttle(20_000),
    ]
}
