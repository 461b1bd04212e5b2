//! The epoch scheme on real threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod counted;

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use latchwork_reclaim::{Atomic, Config, Epoch, Guard, Owned, Shield, epoch};

use counted::{Counted, counter, retire_new};

#[test]
fn barrier_frees_everything_retired_before() {
    let freed = counter();
    let domain = Epoch::new();
    let mut handle = domain.register();
    for _ in 0..1_000 {
        retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
    }
    handle.barrier();
    assert_eq!(freed.load(Ordering::Relaxed), 1_000);
    let stats = domain.stats();
    assert_eq!((stats.pending, stats.pending_bytes, stats.freed), (0, 0, 1_000));
}

#[test]
fn guard_holds_back_what_was_retired_after_it_began() {
    let freed = counter();
    let domain = Epoch::with_config(Config::DEFAULT.batch(4));
    let mut reader = domain.register();
    let mut writer = domain.register();
    let guard = reader.pin();
    for _ in 0..100 {
        retire_new(&writer.pin(), Counted(Arc::clone(&freed)));
    }
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    assert_eq!(domain.stats().pending, 100);
    assert!(domain.stats().oldest_guard > Some(1));
    drop(guard);
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 100);
    assert_eq!(domain.stats().oldest_guard, None);
}

#[test]
fn nested_guards_protect_until_the_last_ends_in_any_order() {
    let freed = counter();
    let domain = Epoch::new();
    let reader = domain.register();
    let mut writer = domain.register();
    let outer = reader.pin_nested();
    let inner = reader.pin_nested();
    retire_new(&writer.pin(), Counted(Arc::clone(&freed)));
    drop(outer);
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    drop(inner);
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 1);
}

#[test]
fn too_many_nested_guards_panic_and_leave_the_pin_whole() {
    let handle = Epoch::new().register();
    let guards: Vec<_> = (0..2_047).map(|_| handle.pin_nested()).collect();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(handle.pin_nested()))).is_err());
    drop(guards);
    drop(handle.pin_nested());
}

#[test]
fn leaked_guard_ends_with_the_next_use_of_its_handle() {
    let freed = counter();
    let domain = Epoch::new();
    let mut leaky = domain.register();
    let mut writer = domain.register();
    std::mem::forget(leaky.pin());
    retire_new(&writer.pin(), Counted(Arc::clone(&freed)));
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 0);
    drop(leaky.pin());
    writer.flush();
    assert_eq!(freed.load(Ordering::Relaxed), 1);
    std::mem::forget(leaky.pin());
    drop(leaky);
    writer.synchronize();
}

#[test]
fn leaver_hands_its_garbage_over() {
    let freed = counter();
    let domain = Epoch::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut handle = domain.register();
            for _ in 0..10 {
                retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
            }
        });
    });
    assert_eq!(domain.stats().orphans, 10);
    domain.register().barrier();
    assert_eq!(freed.load(Ordering::Relaxed), 10);
    assert_eq!(domain.stats().pending, 0);
}

#[test]
fn end_of_the_domain_frees_everything() {
    let freed = counter();
    let domain = Epoch::new();
    let mut handle = domain.register();
    let mut other = domain.register();
    for _ in 0..700 {
        retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
        retire_new(&other.pin(), Counted(Arc::clone(&freed)));
    }
    drop((other, domain));
    drop(handle);
    assert_eq!(freed.load(Ordering::Relaxed), 1_400);
}

#[test]
fn domains_are_isolated() {
    let freed = counter();
    let (ours, theirs) = (Epoch::new(), Epoch::new());
    let mut stalled = theirs.register();
    let guard = stalled.pin();
    let mut handle = ours.register();
    retire_new(&handle.pin(), Counted(Arc::clone(&freed)));
    handle.barrier();
    assert_eq!(freed.load(Ordering::Relaxed), 1);
    assert!(guard.guards(&theirs));
    assert!(!guard.guards(&ours));
}

#[test]
fn bytes_seal_a_bag_too() {
    let domain = Epoch::with_config(Config::DEFAULT.batch_bytes(4_096));
    let mut handle = domain.register();
    for _ in 0..64 {
        retire_new(&handle.pin(), [0_u8; 1_024]);
    }
    assert!(domain.stats().pending_bytes <= 4 * 4_096, "{:?}", domain.stats());
}

/// A list that is freed by retiring one node from the destructor of the one before.
struct Chain {
    next: Option<Box<Chain>>,
    freed: Arc<AtomicUsize>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.freed.fetch_add(1, Ordering::Relaxed);
        if let Some(next) = self.next.take() {
            retire_new(&epoch::pin(), next);
        }
    }
}

#[test]
fn destructors_that_retire_do_not_recurse() {
    const LENGTH: usize = 100_000;
    let freed = counter();
    // A small stack: recursion would overflow it.
    let body = {
        let freed = Arc::clone(&freed);
        move || {
            let mut head = None;
            for _ in 0..LENGTH {
                head = Some(Box::new(Chain { next: head, freed: Arc::clone(&freed) }));
            }
            retire_new(&epoch::pin(), head);
            while freed.load(Ordering::Relaxed) < LENGTH {
                epoch::barrier();
            }
        }
    };
    thread::Builder::new().stack_size(256 << 10).spawn(body).unwrap().join().unwrap();
    assert_eq!(freed.load(Ordering::Relaxed), LENGTH);
}

struct Bomb(Arc<AtomicUsize>, bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(!self.1, "a destructor's own panic");
    }
}

#[test]
fn panic_in_a_destructor_loses_no_other_object() {
    let freed = counter();
    let domain = Epoch::new();
    let mut handle = domain.register();
    for index in 0..10 {
        retire_new(&handle.pin(), Bomb(Arc::clone(&freed), index == 5));
    }
    let mut panics = 0;
    while freed.load(Ordering::Relaxed) < 10 {
        panics += usize::from(catch_unwind(AssertUnwindSafe(|| handle.barrier())).is_err());
    }
    assert_eq!(panics, 1);
    retire_new(&handle.pin(), Bomb(Arc::clone(&freed), true));
    retire_new(&handle.pin(), Bomb(Arc::clone(&freed), false));
    drop(domain);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
    assert_eq!(freed.load(Ordering::Relaxed), 12);
}

struct PinsInDrop(mpsc::Sender<()>);

impl Drop for PinsInDrop {
    fn drop(&mut self) {
        let guard = epoch::pin();
        let again = epoch::pin();
        retire_new(&guard, 7);
        drop(guard);
        drop(again);
        self.0.send(()).unwrap();
    }
}

#[test]
fn thread_local_destructors_may_pin() {
    thread_local! {
        static BEFORE: std::cell::RefCell<Option<PinsInDrop>> = const { std::cell::RefCell::new(None) };
        static HELD: std::cell::RefCell<Option<epoch::Guard>> = const { std::cell::RefCell::new(None) };
        static AFTER: std::cell::RefCell<Option<PinsInDrop>> = const { std::cell::RefCell::new(None) };
    }
    let (send, receive) = mpsc::channel();
    for _ in 0..20 {
        let send = send.clone();
        thread::spawn(move || {
            BEFORE.set(Some(PinsInDrop(send.clone())));
            retire_new(&epoch::pin(), 1);
            HELD.set(Some(epoch::pin()));
            AFTER.set(Some(PinsInDrop(send)));
        })
        .join()
        .unwrap();
    }
    assert_eq!(receive.try_iter().count(), 40);
    assert!(!epoch::is_pinned());
    // Every record was given back: no guard is left that this would wait for.
    epoch::synchronize();
}

#[test]
fn thread_churn_reuses_records() {
    let domain = Epoch::new();
    for _ in 0..200 {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut handle = domain.register();
                retire_new(&handle.pin(), 1);
            });
        });
    }
    let mut handle = domain.register();
    handle.barrier();
    assert_eq!(domain.stats().freed, 200);
}

#[test]
fn deferred_closures_run_after_the_guards_of_now() {
    let ran = counter();
    let domain = Epoch::new();
    let mut handle = domain.register();
    let mut other = domain.register();
    let guard = other.pin();
    let count = Arc::clone(&ran);
    handle.pin().defer(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    handle.flush();
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    drop(guard);
    handle.barrier();
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[test]
fn local_guard_protects_where_it_was_sent() {
    let freed = counter();
    let domain = Epoch::new();
    let mut handle = domain.register();
    let mut writer = domain.register();
    let guard = handle.pin();
    retire_new(&writer.pin(), Counted(Arc::clone(&freed)));
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = guard;
            writer.flush();
            assert_eq!(freed.load(Ordering::Relaxed), 0);
            drop(guard);
        });
    });
    domain.register().barrier();
}

#[test]
fn global_barrier_frees_this_threads_garbage() {
    let freed = counter();
    retire_new(&epoch::pin(), Counted(Arc::clone(&freed)));
    epoch::barrier();
    assert_eq!(freed.load(Ordering::Relaxed), 1);
    let guard = epoch::pin();
    assert!(catch_unwind(epoch::barrier).is_err());
    assert!(catch_unwind(epoch::synchronize).is_err());
    drop(guard);
}

#[test]
fn failed_exchange_gives_the_new_value_back() {
    let mut cell = Atomic::new(Owned::new(1));
    let stale = latchwork_reclaim::Tagged::null();
    let error = cell
        .compare_exchange(stale, Owned::new(2), Ordering::AcqRel, Ordering::Acquire)
        .unwrap_err();
    assert_eq!(*error.new, 2);
    let new = error.new.with_tag(1);
    let now =
        cell.compare_exchange(error.current, new, Ordering::AcqRel, Ordering::Acquire).unwrap();
    assert_eq!(now.tag(), 1);
    // SAFETY: replaced by this test alone, and never shared.
    drop(unsafe { error.current.into_owned() });
    let guard = epoch::pin();
    let mut shield = guard.shield();
    assert_eq!(shield.protect(&cell).as_tagged(), now);
    assert_eq!(cell.load(&guard).as_tagged(), now);
    // SAFETY: no other thread knows the cell.
    assert_eq!(unsafe { cell.take() }.map(Owned::into_inner), Some(2));
}

#[test]
fn owned_guard_protects_without_handle_or_thread() {
    let freed = counter();
    let domain = Epoch::new();
    let guard = domain.pin_owned();
    let mut writer = domain.register();
    retire_new(&writer.pin(), Counted(Arc::clone(&freed)));
    writer.flush();
    thread::spawn(move || retire_new(&guard, 1)).join().unwrap();
    assert_eq!(domain.stats().orphans, 1);
    writer.barrier();
    assert_eq!((freed.load(Ordering::Relaxed), domain.stats().pending), (1, 0));
}

#[test]
fn stalled_thread_is_told_by_name() {
    let domain = Epoch::with_config(Config::DEFAULT.batch(1));
    let (ready, go) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    thread::scope(|scope| {
        let body = || {
            let mut handle = domain.register();
            let guard = handle.pin();
            ready.wait();
            go.wait();
            drop(guard);
        };
        thread::Builder::new().name("sleepy".into()).spawn_scoped(scope, body).unwrap();
        ready.wait();
        assert!(domain.stalled(1).is_empty());
        let mut writer = domain.register();
        for _ in 0..10 {
            retire_new(&writer.pin(), 1);
        }
        let report = domain.stalled(2);
        assert_eq!(report.len(), 1, "{report:?}");
        assert_eq!(report[0].thread.as_ref().and_then(thread::Thread::name), Some("sleepy"));
        assert!(report[0].since.is_some() && report[0].behind >= 2, "{report:?}");
        assert!(report[0].to_string().contains("sleepy"));
        go.wait();
    });
    assert!(domain.stalled(1).is_empty());
}
