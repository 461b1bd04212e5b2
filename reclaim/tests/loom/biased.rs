use latchwork_reclaim::biased::Biased;
use latchwork_reclaim::faults::{GUEST_NO_HEAVY, OWNER_NO_LIGHT, put_back};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use super::probe::Probe;

/// The owner's access.
fn own(lock: &Biased<String>, text: &str) -> String {
    // SAFETY: one thread of each scene calls this, and not from within.
    unsafe { lock.with(|value| std::mem::replace(value, text.to_owned())) }
}

fn visit(lock: &Biased<String>) -> String {
    let (seen, _) = lock.with_guest(|value| {
        value.push('g');
        value.clone()
    });
    seen
}

/// The owner goes in twice, a guest once.
fn owner_against_guest<const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let lock = Arc::new(Biased::new(String::new()));
    let theirs = Arc::clone(&lock);
    let guest = thread::spawn(move || visit(&theirs));
    let first = own(&lock, "1");
    let second = own(&lock, "2");
    let seen = guest.join().unwrap();
    format!("{first} {second} {seen} {}", own(&lock, ""))
}

/// Two guests, one of whom sees what the other has done; then the owner.
fn guest_against_guest() -> String {
    put_back(0);
    let lock = Arc::new(Biased::new(String::new()));
    let theirs = Arc::clone(&lock);
    let guest = thread::spawn(move || visit(&theirs));
    let seen = visit(&lock);
    let theirs = guest.join().unwrap();
    assert!(seen.len() + theirs.len() == 3, "one came after the other");
    format!("{seen} {theirs} {}", own(&lock, ""))
}

/// A guest who comes again: the owner, who made way for the first visit, may meet the second.
fn owner_against_returning_guest<const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let lock = Arc::new(Biased::new(String::new()));
    let theirs = Arc::clone(&lock);
    let guest = thread::spawn(move || [0; 2].map(|_| visit(&theirs)));
    let first = own(&lock, "1");
    let seen = guest.join().unwrap();
    format!("{first} {seen:?} {}", own(&lock, ""))
}

/// Two guests while the owner goes in: whoever comes sees what those before have done.
fn owner_against_two_guests() -> String {
    put_back(0);
    let lock = Arc::new(Biased::new(String::new()));
    let guests = [0; 2].map(|_| {
        let theirs = Arc::clone(&lock);
        thread::spawn(move || visit(&theirs))
    });
    let first = own(&lock, "1");
    let seen = guests.map(|guest| guest.join().unwrap());
    let last = own(&lock, "");
    assert_eq!(first.len() + last.len(), 3, "no visit is lost");
    assert_ne!(seen[0], seen[1], "one guest came after the other, or after the owner");
    String::new()
}

/// The owner leaves with a destructor to run, and comes again; a guest that has seen it run visits
/// once more, and then waits for its end.
fn destructor_against_guest() -> String {
    put_back(0);
    let lock = Arc::new(Biased::new(String::new()));
    let probe = Arc::new(Probe::new());
    let (theirs, object) = (Arc::clone(&lock), Arc::clone(&probe));
    let owner = thread::spawn(move || {
        // SAFETY: this thread alone is the owner, and no destructor runs yet.
        let (taken, ()) = unsafe { theirs.take(|_| (Some(object), ())) };
        let running = theirs.running();
        taken.expect("just put there").free();
        drop(running);
        own(&theirs, "1")
    });
    let ((), mark) = lock.with_guest(|_| ());
    visit(&lock);
    if let Some(mark) = mark {
        lock.wait_for_destructor(mark);
        assert!(probe.is_freed(), "the destructor has ended");
    }
    format!("{} {}", mark.is_some(), owner.join().unwrap())
}

pub(super) fn models() -> Vec<Model> {
    vec![
        Model::new("biased_owner_against_guest", owner_against_guest::<0>)
            .random_under_shuttle(20_000)
            .twin("no_light", owner_against_guest::<OWNER_NO_LIGHT>)
            .twin("no_heavy", owner_against_guest::<GUEST_NO_HEAVY>),
        Model::new("biased_owner_against_guest_by_fences", owner_against_guest::<0>)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("no_light", owner_against_guest::<OWNER_NO_LIGHT>)
            .twin("no_heavy", owner_against_guest::<GUEST_NO_HEAVY>),
        Model::new("biased_guest_against_guest", guest_against_guest).random_under_shuttle(20_000),
        Model::new("biased_owner_against_returning_guest", owner_against_returning_guest::<0>)
            // One misses what shuttle observes.
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("no_light", owner_against_returning_guest::<OWNER_NO_LIGHT>),
        Model::new("biased_owner_against_two_guests", owner_against_two_guests)
            .bound(0)
            .least(10)
            .random_under_shuttle(20_000),
        Model::new("biased_destructor_against_guest", destructor_against_guest)
            // Two miss what shuttle observes.
            .bound(3)
            .random_under_shuttle(20_000),
    ]
}
