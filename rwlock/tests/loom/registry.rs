//! What threads show of what they hold.

use core::panic::Location;

use latchwork_rwlock::registry::{Record, Registry};
use latchwork_sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

/// Whoever sees that something is held sees from where and since when.
fn glimpse_of_a_record() -> String {
    let record = Arc::new(Record::new());
    let owner = {
        let record = Arc::clone(&record);
        thread::spawn(move || assert!(record.fill(8, Location::caller(), 5)))
    };
    let seen = record.glimpse();
    owner.join().unwrap();
    assert!(seen.is_none_or(|(what, _, since)| (what, since) == (8, 5)), "{seen:?}");
    seen.is_some().to_string()
}

/// The same of a record that says that something is held before it says since when.
fn glimpse_of_a_record_filled_backwards() -> String {
    let record = Arc::new((AtomicUsize::new(0), AtomicU64::new(0)));
    let owner = {
        let record = Arc::clone(&record);
        thread::spawn(move || {
            record.0.store(8, Ordering::Release);
            record.1.store(5, Ordering::Relaxed);
        })
    };
    let what = record.0.load(Ordering::Acquire);
    let since = record.1.load(Ordering::Relaxed);
    owner.join().unwrap();
    assert!(what == 0 || since == 5, "{since}");
    (what == 0).to_string()
}

/// Two threads claim, show, leave: none has the other's block, a block that is taken over shows
/// what was left in it, and who comes by while one is added sees it whole. `LEAVES_FIRST` shows
/// what it holds in a block that it has left.
fn blocks_are_claimed_and_left<const LEAVES_FIRST: bool>() -> String {
    let registry = Arc::new(Registry::new());
    let visit = |registry: &Registry, what: usize| {
        registry.find(|what| what == 8).for_each(drop);
        let block = registry.claim();
        if LEAVES_FIRST {
            block.leave();
        }
        let mine = block.show(what, Location::caller(), 1).expect("there is room");
        // It is never freed here: the next owner must take another.
        assert_eq!(mine.glimpse().map(|(what, ..)| what), Some(what));
        block.leave();
    };
    let other = {
        let registry = Arc::clone(&registry);
        thread::spawn(move || visit(&registry, 8))
    };
    visit(&registry, 16);
    other.join().unwrap();
    let mut held: Vec<_> = registry.find(|_| true).map(|(_, what, ..)| what).collect();
    held.sort_unstable();
    assert_eq!(held, [8, 16]);
    registry.blocks().count().to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("glimpse_of_a_record", glimpse_of_a_record)
            .twin("filled_backwards", glimpse_of_a_record_filled_backwards),
        Model::new("blocks_are_claimed_and_left", blocks_are_claimed_and_left::<false>)
            .random_under_shuttle(20_000)
            .twin("leaves_first", blocks_are_claimed_and_left::<true>),
    ]
}
