//! Reads and writes without timeouts: exclusion and no lost wake, for each policy.

use latchwork_rwlock::{PhaseFair, Policy, ReaderPriority, WriterPriority};
use latchwork_sync::model::Model;

use crate::scene::{
    BLOCK_IS_SILENT, FAIR_UNLOCK_IS_PLAIN, Faulty, LAST_READER_IS_SILENT, Locked,
    SLEEPER_KEEPS_WAKE, Unbounded, Untagged, WAKE_IS_TRUSTED, WRITER_IGNORES_READERS,
    WRITER_IS_SILENT, start,
};

fn two_writers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let other = start(&locked, Locked::write);
    locked.write();
    other.join().unwrap();
    locked.check(2);
    String::new()
}

fn reader_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let reader = start(&locked, Locked::read);
    locked.write();
    let seen = reader.join().unwrap();
    locked.check(1);
    seen.to_string()
}

fn reader_and_two_writes<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let reader = start(&locked, Locked::read);
    locked.write();
    locked.write();
    let seen = reader.join().unwrap();
    locked.check(2);
    seen.to_string()
}

fn two_readers_and_writer<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let readers = [start(&locked, Locked::read), start(&locked, Locked::read)];
    locked.write();
    let seen = readers.map(|reader| reader.join().unwrap());
    locked.check(1);
    format!("{seen:?}")
}

fn reader_and_two_writers<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let writer = start(&locked, Locked::write);
    let reader = start(&locked, Locked::read);
    locked.write();
    writer.join().unwrap();
    let seen = reader.join().unwrap();
    locked.check(2);
    seen.to_string()
}

fn tries<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    let other = start(&locked, |locked| {
        let held = locked.lock.try_lock_shared();
        if held {
            locked.get();
            // SAFETY: acquired above.
            unsafe { locked.lock.unlock_shared() };
        }
        held
    });
    let wrote = locked.lock.try_lock_exclusive();
    if wrote {
        locked.add();
        // SAFETY: acquired above.
        unsafe { locked.lock.unlock_exclusive() };
    }
    let read = other.join().unwrap();
    locked.check(wrote.into());
    assert!(read || wrote, "one of two that meet gets in");
    format!("{read} {wrote}")
}

/// A write section that is handed to the readers that wait, against a second writer.
fn fair_unlock<P: Policy>() -> String {
    let locked = Locked::<P>::new();
    assert!(locked.lock.lock_exclusive(None));
    let writer = start(&locked, Locked::write);
    let reader = start(&locked, Locked::read);
    let before = locked.lock.blocked_readers();
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.lock.unlock_exclusive_fair() };
    let seen = reader.join().unwrap();
    writer.join().unwrap();
    locked.check(2);
    assert!(before == 0 || seen == 1, "a writer overtook a reader that the lock was handed to");
    format!("{before} {seen}")
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("two_writers", two_writers::<Unbounded>)
            .twin("writer_is_silent", two_writers::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("reader_and_writer", reader_and_writer::<Unbounded>)
            .twin("last_reader_is_silent", reader_and_writer::<Unbounded<LAST_READER_IS_SILENT>>)
            .twin("writer_is_silent", reader_and_writer::<Unbounded<WRITER_IS_SILENT>>),
        Model::new("reader_and_writer_with_spurious_wakes", reader_and_writer::<Unbounded>)
            .spurious(1)
            .twin("wake_is_trusted", reader_and_writer::<Unbounded<WAKE_IS_TRUSTED>>),
        Model::new("reader_and_two_writes", reader_and_two_writes::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("sleeper_keeps_wake", reader_and_two_writes::<Unbounded<SLEEPER_KEEPS_WAKE>>),
        Model::new("tries", tries::<Unbounded>)
            .twin("writer_ignores_readers", tries::<Unbounded<WRITER_IGNORES_READERS>>),
        Model::new("two_readers_and_writer", two_readers_and_writer::<Unbounded>)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("block_is_silent", two_readers_and_writer::<Unbounded<BLOCK_IS_SILENT>>),
        Model::new("fair_unlock", fair_unlock::<Unbounded>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("fair_unlock_is_plain", fair_unlock::<Unbounded<FAIR_UNLOCK_IS_PLAIN>>),
        // The grant after a write section enters the other half of the tags.
        Model::new("fair_unlock_with_tags_used_up", fair_unlock::<Untagged<Unbounded>>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("writer_is_silent", fair_unlock::<Untagged<Unbounded<WRITER_IS_SILENT>>>),
        Model::new("writer_priority", reader_and_two_writers::<WriterPriority>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "sleeper_keeps_wake",
                reader_and_two_writers::<Faulty<WriterPriority, SLEEPER_KEEPS_WAKE>>,
            ),
        Model::new("phase_fair", reader_and_two_writers::<PhaseFair>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin(
                "sleeper_keeps_wake",
                reader_and_two_writers::<Faulty<PhaseFair, SLEEPER_KEEPS_WAKE>>,
            ),
        Model::new("phase_fair_two_readers", two_readers_and_writer::<PhaseFair>)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("block_is_silent", two_readers_and_writer::<Faulty<PhaseFair, BLOCK_IS_SILENT>>),
        Model::new("phase_fair_two_writes", reader_and_two_writes::<PhaseFair>)
            .bound(3)
            .random_under_shuttle(20_000)
            .twin("writer_is_silent", reader_and_two_writes::<Faulty<PhaseFair, WRITER_IS_SILENT>>),
        Model::new("reader_priority", reader_and_two_writers::<ReaderPriority>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin(
                "sleeper_keeps_wake",
                reader_and_two_writers::<Faulty<ReaderPriority, SLEEPER_KEEPS_WAKE>>,
            ),
        Model::new("reader_priority_two_readers", two_readers_and_writer::<ReaderPriority>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin(
                "last_reader_is_silent",
                two_readers_and_writer::<Faulty<ReaderPriority, LAST_READER_IS_SILENT>>,
            ),
    ]
}
