use latchwork_reclaim::biased::Biased;
use latchwork_reclaim::faults::{GUEST_NO_HEAVY, OWNER_NO_LIGHT, put_back};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

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
        Model::new("biased_guest_against_guest", guest_against_guest)
            .bound(3)
            .random_under_shuttle(20_000),
    ]
}
