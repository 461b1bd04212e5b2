//! The upgradable share, upgrades and downgrades, without clocks; the mixes have them beside others
//! and with deadlines.

use latchwork_rwlock::Policy;
use latchwork_sync::model::{Model, advance};

use crate::scene::{
    CANCEL_FORGETS_READERS, DOWNGRADE_LETS_GO, LAST_READER_IS_SILENT, Locked, TURN_IS_SILENT,
    UPGRADE_LETS_GO, Unbounded, WRITER_IS_SILENT, start, ticks_from_now,
};

/// The upgradable share is given back while a writer comes.
fn upgradable_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_upgradable(None));
    let writer = start(&locked, Locked::write);
    let seen = locked.get();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_upgradable() };
    writer.join().unwrap();
    locked.check(1);
    seen.to_string()
}

fn upgrade_and_reader<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let reader = start(&locked, Locked::read);
    locked.upgrade();
    let seen = reader.join().unwrap();
    locked.check(1);
    seen.to_string()
}

fn upgrade_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let writer = start(&locked, Locked::write);
    locked.upgrade();
    writer.join().unwrap();
    locked.check(2);
    String::new()
}

fn two_upgrades<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let other = start(&locked, Locked::upgrade);
    locked.upgrade();
    other.join().unwrap();
    locked.check(2);
    String::new()
}

/// The upgrade may time out, and then leaves no one behind its gate.
fn timed_upgrade_and_readers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let deadline = ticks_from_now(1);
    assert!(locked.lock.lock_shared(None));
    let upgrader = start(&locked, move |locked| locked.upgrade_until(None, deadline));
    let reader = start(&locked, Locked::read);
    advance(1);
    reader.join().unwrap();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_shared() };
    let outcome = upgrader.join().unwrap();
    locked.check(outcome.into());
    outcome.to_string()
}

fn downgrade_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let writer = start(&locked, Locked::write);
    let written = locked.downgrade();
    writer.join().unwrap();
    locked.check(2);
    written.to_string()
}

fn downgrade_and_reader<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let reader = start(&locked, Locked::read);
    assert!(locked.lock.lock_exclusive(None));
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.lock.downgrade() };
    // The share is held until the other reader has been let in beside it.
    let seen = reader.join().unwrap();
    // SAFETY: downgraded above.
    unsafe { locked.lock.unlock_shared() };
    locked.check(1);
    seen.to_string()
}

/// Down to the upgradable share, up again, and down to a plain one beside one who waits for it.
fn all_changes<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let other = start(&locked, Locked::upgrade);
    assert!(locked.lock.lock_exclusive(None));
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.lock.downgrade_to_upgradable() };
    // SAFETY: downgraded above.
    assert!(unsafe { locked.lock.upgrade(None) });
    locked.add();
    // SAFETY: upgraded above.
    unsafe { locked.lock.downgrade_to_upgradable() };
    // SAFETY: downgraded above.
    unsafe { locked.lock.downgrade_upgradable() };
    let seen = locked.get();
    // SAFETY: downgraded above.
    unsafe { locked.lock.unlock_shared() };
    other.join().unwrap();
    locked.check(3);
    seen.to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("upgradable_and_writer", upgradable_and_writer::<Unbounded>)
            .twin("turn_is_silent", upgradable_and_writer::<Unbounded<TURN_IS_SILENT>>),
        Model::new("upgrade_and_reader", upgrade_and_reader::<Unbounded>)
            .twin("last_reader_is_silent", upgrade_and_reader::<Unbounded<LAST_READER_IS_SILENT>>),
        Model::new("upgrade_and_writer", upgrade_and_writer::<Unbounded>)
            .twin("upgrade_lets_go", upgrade_and_writer::<Unbounded<UPGRADE_LETS_GO>>)
            .twin("writer_is_silent", upgrade_and_writer::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("two_upgrades", two_upgrades::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("upgrade_lets_go", two_upgrades::<Unbounded<UPGRADE_LETS_GO>>)
            .twin("writer_is_silent", two_upgrades::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("timed_upgrade_and_readers", timed_upgrade_and_readers::<Unbounded>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin(
                "cancel_forgets_readers",
                timed_upgrade_and_readers::<Unbounded<CANCEL_FORGETS_READERS>>,
            ),
        Model::new("downgrade_and_writer", downgrade_and_writer::<Unbounded>)
            .twin("downgrade_lets_go", downgrade_and_writer::<Unbounded<DOWNGRADE_LETS_GO>>),
        Model::new("downgrade_and_reader", downgrade_and_reader::<Unbounded>)
            .twin("writer_is_silent", downgrade_and_reader::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("all_changes", all_changes::<Unbounded>)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("last_reader_is_silent", all_changes::<Unbounded<LAST_READER_IS_SILENT>>),
    ]
}
