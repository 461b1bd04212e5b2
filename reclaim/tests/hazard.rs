//! Hazard pointers on real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod counted;

use latchwork_sync::atomic::Ordering;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use latchwork_reclaim::{Atomic, Config, Guard, Hazard, Owned, Shield, hazard};

use counted::{Counted, counter, retire_new};

fn replace<T>(cell: &Atomic<T>, value: T, guard: &impl Guard<Header = ()>) {
    let old = cell.swap(Owned::new(value), Ordering::AcqRel, guard);
    // SAFETY: the cell was the only way to it.
    unsafe { guard.retire(old) };
}

fn clear<T>(mut cell: Atomic<T>) {
    // SAFETY: the tests' other threads have ended.
    drop(unsafe { cell.take() });
}

#[test]
fn shield_holds_back_its_object_and_no_other() {
    let freed = counter();
    let domain = Hazard::new();
    let mut reader = domain.register();
    let mut writer = domain.register();
    let cell = Atomic::new(Owned::new(Counted(Arc::clone(&freed))));
    let guard = reader.pin();
    let mut shield = guard.shield();
    shield.protect(&cell);
    for _ in 0..1_000 {
        replace(&cell, Counted(Arc::clone(&freed)), &writer.pin());
    }
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 999);
    assert_eq!((domain.stats().pending, domain.stats().pinned), (1, 1));
    shield.clear();
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 1_000);
    drop(shield);
    clear(cell);
}

#[test]
fn garbage_stays_within_a_bag_while_a_reader_stalls() {
    let freed = counter();
    let domain = Hazard::new();
    let (mut reader, mut writer) = (domain.register(), domain.register());
    let cell = Atomic::new(Owned::new(Counted(Arc::clone(&freed))));
    let guard = reader.pin();
    let mut shield = guard.shield();
    shield.protect(&cell);
    let mut peak = 0;
    for retired in 1..100_000 {
        replace(&cell, Counted(Arc::clone(&freed)), &writer.pin());
        peak = peak.max(retired - freed.load(Ordering::Relaxed));
    }
    assert!(peak <= 258, "{peak} objects");
    drop(shield);
    clear(cell);
}

#[test]
fn many_shields_protect_different_objects() {
    const MANY: usize = 100;
    let freed = counter();
    let domain = Hazard::with_config(Config::DEFAULT.batch(4));
    let (mut reader, mut writer) = (domain.register(), domain.register());
    let cells: Vec<_> =
        (0..MANY).map(|_| Atomic::new(Owned::new(Counted(Arc::clone(&freed))))).collect();
    let guard = reader.pin();
    let sources: [_; MANY] = std::array::from_fn(|index| &cells[index]);
    let mut shields = guard.shield_array();
    shields.protect_all(sources);
    for cell in &cells {
        replace(cell, Counted(Arc::clone(&freed)), &writer.pin());
    }
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    for (held, shield) in (1..=MANY).rev().zip(shields.into_inner()) {
        assert_eq!(freed.load(Ordering::Relaxed), MANY - held);
        drop(shield);
        writer.flush();
    }
    // The same slots serve again.
    drop(guard.shield_array::<MANY>());
    cells.into_iter().for_each(clear);
}

#[test]
fn leaked_shield_protects_until_its_handle_is_dropped() {
    let freed = counter();
    let domain = Hazard::new();
    let (mut reader, mut writer) = (domain.register(), domain.register());
    let cell = Atomic::new(Owned::new(Counted(Arc::clone(&freed))));
    {
        let guard = reader.pin();
        let mut shield = guard.shield();
        shield.protect(&cell);
        std::mem::forget(shield);
    }
    replace(&cell, Counted(Arc::clone(&freed)), &writer.pin());
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    drop(reader);
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 1);
    clear(cell);
}

#[test]
fn scope_frees_everything_at_its_end() {
    let freed = counter();
    let kept = Hazard::scope(|domain| {
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    let mut handle = domain.register();
                    for _ in 0..100 {
                        retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
                    }
                });
            }
        });
        let mut handle = domain.register();
        retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
        handle
    });
    // Also what a handle that goes on living has retired.
    assert_eq!(freed.load(Ordering::Relaxed), 401);
    drop(kept);
}

#[test]
fn retire_allocates_nothing() {
    // The bag has its room from the beginning: what is pending is within it.
    let domain = Hazard::with_config(Config::DEFAULT.batch(16));
    let mut handle = domain.register();
    for _ in 0..1_000 {
        retire_new(&handle.pin(), 1_u64);
        assert!(domain.stats().pending <= 17, "{:?}", domain.stats());
    }
}

#[test]
fn guard_of_another_domain_is_told() {
    let (ours, theirs) = (Hazard::new(), Hazard::new());
    let mut handle = ours.register();
    let guard = handle.pin();
    assert!(guard.guards(&ours));
    assert!(!guard.guards(&theirs));
    assert!(hazard::pin().guards(&Hazard::global()));
}

struct PinsInDrop(mpsc::Sender<()>);

impl Drop for PinsInDrop {
    fn drop(&mut self) {
        let guard = hazard::pin();
        let again = hazard::pin();
        let cell = Atomic::new(Owned::new(1));
        let mut shield = again.shield();
        shield.protect(&cell);
        replace(&cell, 7, &guard);
        drop(guard);
        clear(cell);
        self.0.send(()).unwrap();
    }
}

#[test]
fn thread_local_destructors_may_pin() {
    thread_local! {
        static BEFORE: std::cell::RefCell<Option<PinsInDrop>> = const { std::cell::RefCell::new(None) };
        static HELD: std::cell::RefCell<Option<hazard::Guard>> = const { std::cell::RefCell::new(None) };
        static AFTER: std::cell::RefCell<Option<PinsInDrop>> = const { std::cell::RefCell::new(None) };
    }
    let (send, receive) = mpsc::channel();
    for _ in 0..20 {
        let send = send.clone();
        thread::spawn(move || {
            BEFORE.set(Some(PinsInDrop(send.clone())));
            retire_new(&hazard::pin(), 1);
            HELD.set(Some(hazard::pin()));
            AFTER.set(Some(PinsInDrop(send)));
        })
        .join()
        .unwrap();
    }
    assert_eq!(receive.try_iter().count(), 40);
    hazard::barrier();
}
