use latchwork_reclaim::engine::{ByBirth, Mode, Numbered, Whole};
use latchwork_reclaim::faults::{NO_GRACE, put_back};
use latchwork_reclaim::{Config, Handle, Hazard, Leak, Scheme, Snapshot};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use super::probe::Probe;

/// A domain that seals or scans with every retire.
pub(super) trait Eager: Scheme {
    fn eager() -> Self;
}

impl<M: Mode> Eager for Numbered<M> {
    fn eager() -> Self {
        Self::with_config(Config::DEFAULT.batch(1))
    }
}

impl Eager for Hazard {
    fn eager() -> Self {
        Self::with_config(Config::DEFAULT.batch(1))
    }
}

impl Eager for Leak {
    fn eager() -> Self {
        Self::new()
    }
}

/// A value whose reads and drop the explorer sees.
struct Value(Probe, u32);

impl Value {
    fn new(number: u32) -> Self {
        Self(Probe::new(), number)
    }

    fn look(&self) -> u32 {
        self.0.look();
        self.1
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.free();
    }
}

fn cell<S: Eager>(faults: u32) -> Arc<Snapshot<Value, S>> {
    put_back(faults);
    Arc::new(Snapshot::new_in(Value::new(0), S::eager()))
}

/// A reader loads, keeps what it found beyond its guard, and looks again; a writer stores.
fn load_against_store<S: Eager, const FAULTS: u32>() -> String {
    let cell = cell::<S>(FAULTS);
    let theirs = Arc::clone(&cell);
    let mut readers = cell.domain().register();
    let mut handle = cell.domain().register();
    let reader = thread::spawn(move || {
        let held = {
            let guard = readers.pin();
            let loaded = theirs.load(&guard);
            loaded.look();
            loaded.to_held()
        };
        held.look()
    });
    cell.store(Value::new(1), &handle.pin());
    handle.flush();
    let seen = reader.join().unwrap();
    seen.to_string()
}

/// Two writers, each of whom frees what the other may have made.
fn swap_against_store<S: Eager>() -> String {
    let cell = cell::<S>(0);
    let theirs = Arc::clone(&cell);
    let mut others = cell.domain().register();
    let mut handle = cell.domain().register();
    let other = thread::spawn(move || {
        theirs.store(Value::new(1), &others.pin());
        others.flush();
    });
    let old = cell.swap(Value::new(2), &handle.pin()).look();
    handle.flush();
    other.join().unwrap();
    format!("{old}")
}

/// Two updates, none of which is lost.
fn update_against_update<S: Eager>() -> String {
    let cell = cell::<S>(0);
    let theirs = Arc::clone(&cell);
    let mut others = cell.domain().register();
    let mut handle = cell.domain().register();
    let other = thread::spawn(move || {
        theirs.update(&others.pin(), |value| Value::new(value.look() + 1));
        others.flush();
    });
    cell.update(&handle.pin(), |value| Value::new(value.look() + 1));
    other.join().unwrap();
    let now = cell.load(&handle.pin()).look();
    assert_eq!(now, 2, "an update was lost");
    now.to_string()
}

/// A held value is cloned, and dropped by two threads at once.
fn held_by_two() -> String {
    let cell = cell::<Hazard>(0);
    let mut handle = cell.domain().register();
    let held = cell.load_full(&handle.pin());
    let other = held.clone();
    let other = thread::spawn(move || other.look());
    cell.store(Value::new(1), &handle.pin());
    handle.flush();
    let seen = held.look();
    drop(held);
    format!("{seen}{}", other.join().unwrap())
}

pub(super) fn models() -> Vec<Model> {
    vec![
        Model::new("snapshot_load_against_store_epoch", load_against_store::<Numbered<Whole>, 0>)
            .random_under_shuttle(10_000)
            .twin("no_grace", load_against_store::<Numbered<Whole>, NO_GRACE>),
        Model::new(
            "snapshot_load_against_store_interval",
            load_against_store::<Numbered<ByBirth>, 0>,
        )
        .random_under_shuttle(10_000)
        .twin("no_grace", load_against_store::<Numbered<ByBirth>, NO_GRACE>),
        Model::new("snapshot_load_against_store_hazard", load_against_store::<Hazard, 0>)
            .bound(1)
            .random_under_shuttle(10_000)
            .twin("no_grace", load_against_store::<Hazard, NO_GRACE>),
        Model::new("snapshot_swap_against_store", swap_against_store::<Hazard>)
            .bound(1)
            .random_under_shuttle(10_000),
        Model::new("snapshot_update_against_update", update_against_update::<Hazard>)
            .bound(1)
            .random_under_shuttle(10_000),
        Model::new("snapshot_held_by_two", held_by_two).random_under_shuttle(10_000),
    ]
}
