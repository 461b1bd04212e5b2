//! What threads show of what they hold.

use core::panic::Location;

use latchwork_rwlock::registry::{Record, Registry};
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

/// Two threads claim, show, leave: none has the other's block, and a block that is taken over
/// shows what was left in it.
fn blocks_are_claimed_and_left() -> String {
    let registry = Arc::new(Registry::new());
    let visit = |registry: &Registry, what: usize| {
        let block = registry.claim();
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

/// Who comes by while a block is added sees it whole.
fn a_new_block_is_seen_whole() -> String {
    let registry = Arc::new(Registry::new());
    let other = {
        let registry = Arc::clone(&registry);
        thread::spawn(move || registry.claim().show(8, Location::caller(), 1).is_some())
    };
    let seen = registry.find(|what| what == 8).count();
    assert!(other.join().unwrap());
    seen.to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("glimpse_of_a_record", glimpse_of_a_record),
        Model::new("blocks_are_claimed_and_left", blocks_are_claimed_and_left)
            .random_under_shuttle(20_000),
        Model::new("a_new_block_is_seen_whole", a_new_block_is_seen_whole)
            .random_under_shuttle(20_000),
    ]
}
