//! Probes on real threads: what they tell, and whom.

#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use latchwork_rwlock::probe::{
    Access, Coarse, Full, Level, LongHold, OnLongHold, Probed, Probing, Report, Sampled, SeenBy,
    Sites, Ticked, tick,
};
use latchwork_rwlock::{
    Bounded, Patient, RawRwLock, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard,
    WritePatiently, WriterPriority,
};

type Watched<T, L, P = Bounded> = RwLock<T, P, Probed<L>>;

/// Waits until so many wait for the lock.
fn until_waiting<L: Level>(lock: &Watched<u32, L>, blocked: usize, writers: usize) {
    // SAFETY: only looked at.
    let core = unsafe { lock.raw() }.core();
    while core.blocked_readers() != blocked || core.waiting_writers() != writers {
        thread::yield_now();
    }
}

/// Lets a reader hold the lock, a writer wait for it and a reader wait behind that.
fn reader_behind_reader<L: Level>() -> (Report, u32) {
    let policy = Bounded::new().patience(Duration::from_hours(1));
    let lock: Arc<Watched<u32, L>> = Arc::new(RwLock::from_raw(RawRwLock::with_policy(policy), 0));
    let slow = lock.read();
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.write() = 1)
    };
    until_waiting(&lock, 0, 1);
    let line = line!() + 3;
    let reader = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || *lock.read())
    };
    until_waiting(&lock, 1, 1);
    // The writer looks at the clock after it has shut the gate.
    while lock.report().gate.time.is_zero() {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(30));
    drop(slow);
    writer.join().unwrap();
    assert_eq!(reader.join().unwrap(), 1);
    (lock.report(), line)
}

fn waits_are_seen<L: Level>() {
    let (report, _) = reader_behind_reader::<L>();
    assert_eq!(report.level, L::NAME);
    assert_eq!(report.write.waited.count(), 1, "{report}");
    assert_eq!(report.read.waited.count(), 1, "{report}");
    assert_eq!(report.readers.behind_readers, 1, "{report}");
    assert_eq!(report.readers.behind_writers, 0, "{report}");
    let blocked = report.readers.time_behind_readers;
    // The coarse clock may take two of its ticks for the writer's.
    assert!(blocked >= Duration::from_millis(10), "{report}");
    assert!(blocked <= report.read.waited.total, "{report}");
    assert_eq!(report.gate.shut, 1, "{report}");
    assert!(report.gate.time >= Duration::from_millis(30), "{report}");
    let wait = report.longest_wait.as_ref().unwrap();
    assert!(wait.behind.is_some_and(|site| site.file.ends_with("probe.rs")), "{report}");
    assert!(report.holder.is_none(), "everyone has left: {report}");
}

#[test]
fn a_reader_that_waits_behind_a_reader_is_seen_at_every_level() {
    waits_are_seen::<Sites>();
    waits_are_seen::<Sampled>();
    waits_are_seen::<Ticked>();
    waits_are_seen::<Coarse>();
    waits_are_seen::<Full>();
}

#[test]
fn the_wait_names_the_call_site() {
    let (report, line) = reader_behind_reader::<Sites>();
    let text = report.to_string();
    let wait = report.longest_wait.unwrap();
    // The writer, mostly, unless the reader that came after it was slow to be woken.
    let of_writer = wait.access == Access::Write;
    assert_eq!(wait.site.line < line, of_writer, "{}", wait.site);
    assert!(wait.site.line.abs_diff(line) < 9, "{}", wait.site);
    assert!(text.contains("behind readers"), "{text}");
    assert!(text.contains("rwlock/tests/probe.rs") || text.contains("tests/probe.rs"), "{text}");
}

#[test]
fn full_probe_measures_every_hold() {
    let lock = Watched::<u32, Full>::new(0);
    // How long the write sections look from outside, where they are longer.
    let mut holds = Vec::new();
    for _ in 0..10 {
        drop(lock.read());
        let begin = Instant::now();
        *lock.write() += 1;
        holds.push(begin.elapsed());
    }
    let hold = Duration::from_millis(3);
    let begin = Instant::now();
    let guard = lock.write();
    thread::sleep(hold);
    drop(guard);
    holds.push(begin.elapsed());
    holds.sort_unstable();
    let report = lock.report();
    assert_eq!(report.read.held.count(), 10);
    assert_eq!(report.write.held.count(), 11);
    assert_eq!(report.write.waited.count(), 0);
    assert!(report.write.held.longest >= hold, "{report}");
    // A histogram's buckets double.
    assert!(report.write.held.percentile(50.0) <= 2 * holds[5], "{report}");
    let longest = report.longest_hold.unwrap();
    assert_eq!(longest.access, Access::Write);
    assert!(longest.held.unwrap() >= hold);
}

#[test]
fn a_probe_is_as_small_as_it_says() {
    assert!(size_of::<Probed<Full>>() < 3 * 1024);
}

#[test]
fn one_in_so_many_is_sampled() {
    let lock = Watched::<u32, Sampled<8>>::new(0);
    thread::scope(|scope| {
        scope.spawn(|| (0..80).for_each(|_| drop(lock.read())));
    });
    assert_eq!(lock.report().read.held.count(), 10);
    assert_eq!(lock.report().measured_one_in, Some(8));
}

/// The only test here that ticks.
#[test]
fn ticks_of_the_program_measure_the_holds_that_they_fall_in() {
    let policy = Bounded::new();
    let hook = OnLongHold::over(Duration::from_millis(2), |_| ());
    let lock: Watched<u32, Ticked> =
        RwLock::from_raw(RawRwLock::with_probe(policy, Probed::telling(hook)), 0);
    drop(lock.read());
    tick();
    drop(lock.write());
    let before = lock.report();
    assert_eq!((before.read.held.count(), before.write.held.count()), (0, 0), "{before}");

    let line = line!() + 1;
    let slow = lock.write();
    assert_eq!(lock.holder().unwrap().held, Some(Duration::ZERO), "the clock stands");
    thread::sleep(Duration::from_millis(2));
    thread::scope(|scope| {
        scope.spawn(tick);
        scope.spawn(tick);
    });
    assert!(lock.holder().unwrap().held >= Some(Duration::from_millis(2)));
    drop(slow);
    // Ticks after the end don't count.
    tick();
    let report = lock.report();
    assert_eq!(report.write.held.count(), 1, "{report}");
    let longest = report.longest_hold.as_ref().unwrap();
    assert_eq!(longest.site.line, line, "{report}");
    assert!(longest.held >= Some(Duration::from_millis(2)), "{report}");
}

#[test]
fn coarse_clock_sees_what_lasts_for_long() {
    let lock = Watched::<u32, Coarse>::new(0);
    let guard = lock.read();
    thread::sleep(Duration::from_millis(30));
    drop(guard);
    assert!(lock.report().read.held.longest >= Duration::from_millis(10));
}

#[test]
fn the_longest_holder_is_named_with_thread_and_call_site() {
    let lock = Watched::<u32, Full>::new(0);
    assert_eq!(lock.holder(), None);
    let guard = lock.read();
    let later = lock.read();
    let holder = lock.holder().unwrap();
    assert_eq!(holder.access, Access::Read);
    assert_eq!(holder.site.line, line!() - 4);
    assert_eq!(holder.thread.as_deref(), thread::current().name());
    drop(guard);
    let holder = lock.holder().unwrap();
    assert_eq!(holder.site.line, line!() - 7);
    drop(later);
    assert_eq!(lock.holder(), None);
}

#[test]
fn changes_of_what_is_held_are_holds_of_their_own() {
    let lock = Watched::<u32, Full>::new(0);
    let upgradable = lock.upgradable_read();
    assert_eq!(lock.holder().unwrap().access, Access::Upgradable);
    let write = RwLockUpgradableReadGuard::upgrade(upgradable);
    assert_eq!(lock.holder().unwrap().access, Access::Write);
    let read = RwLockWriteGuard::downgrade(write);
    assert_eq!(lock.holder().unwrap().access, Access::Read);
    drop(read);
    let report = lock.report();
    let counts = [&report.read, &report.upgradable, &report.write].map(|side| side.held.count());
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn guards_released_by_another_thread_are_no_longer_shown() {
    let lock = Watched::<u32, Full>::new(0);
    let guard = lock.read();
    thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    assert_eq!(lock.holder(), None);
}

/// A guard that is forgotten holds on, wherever the lock is moved, until that is dropped.
#[test]
fn forgotten_guards_are_shown_for_as_long_as_their_lock_lives() {
    let mut place = Some(Watched::<u32, Full>::new(0));
    core::mem::forget(place.as_ref().unwrap().read());
    let moved = Box::new(place.take().unwrap());
    assert!(moved.holder().is_some());
    place = Some(Watched::new(0));
    assert_eq!(place.as_ref().unwrap().holder(), None);
    drop(moved);
    // Each would take one of the places that a thread has.
    for _ in 0..20 {
        let lock = Watched::<u32, Full>::new(0);
        core::mem::forget(lock.read());
        assert!(lock.holder().is_some());
    }
}

#[test]
fn more_holds_than_a_thread_can_show_are_still_measured() {
    let lock = Watched::<u32, Full>::new(0);
    let guards: Vec<_> = (0..20).map(|_| lock.read()).collect();
    assert!(lock.holder().is_some());
    drop(guards);
    assert_eq!(lock.holder(), None);
    assert_eq!(lock.report().read.held.count(), 20);
}

#[test]
fn a_patient_write_that_gives_up_names_the_holder() {
    let lock = Watched::<u32, Full, WriterPriority>::new(0);
    let _read = lock.read();
    let line = line!() - 1;
    let plan = Patient::within(Duration::from_millis(5));
    let error = lock.write_patiently(plan).unwrap_err();
    assert_eq!(error.holder.as_ref().unwrap().site.line, line);
    assert!(error.to_string().contains("tests/probe.rs"), "{error}");
    assert_eq!(lock.report().write.gave_up, 1);
}

static SEEN: Mutex<Vec<LongHold>> = Mutex::new(Vec::new());

fn see(hold: &LongHold) {
    SEEN.lock().unwrap().push(hold.clone());
    assert!(hold.left_out > 0, "a panic of the hook ends in the lock");
}

#[test]
fn the_hook_is_called_by_the_waiter_and_by_the_releaser_but_not_too_often() {
    let hook =
        OnLongHold::over(Duration::from_millis(5), see).at_most_once_in(Duration::from_millis(1));
    let raw = RawRwLock::with_probe(Bounded::new(), Probed::<Full>::telling(hook));
    let lock: Watched<u32, Full> = RwLock::from_raw(raw, 0);
    let guard = lock.read();
    thread::scope(|scope| {
        let writer = scope.spawn(|| *lock.write() = 1);
        // The waiter calls while the holder holds.
        while SEEN.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        drop(guard);
        writer.join().unwrap();
    });
    // With nobody else about, the next call is this releaser's.
    let guard = lock.read();
    thread::sleep(Duration::from_millis(5));
    drop(guard);
    let seen = SEEN.lock().unwrap();
    let is_waiter = |hold: &&LongHold| matches!(hold.seen_by, SeenBy::Waiter { .. });
    let by_waiter = seen.iter().find(is_waiter).unwrap();
    assert_eq!(by_waiter.holder.as_ref().unwrap().access, Access::Read);
    assert!(by_waiter.to_string().contains("waiting for the write lock"), "{by_waiter}");
    let by_releaser = seen.iter().find(|hold| hold.seen_by == SeenBy::Releaser).unwrap();
    let holder = by_releaser.holder.as_ref().unwrap();
    assert!(holder.held.unwrap() >= Duration::from_millis(5));
    assert!(holder.thread.is_some());
    drop(seen);

    // Once in an hour is once here.
    let hook = OnLongHold::over(Duration::ZERO, |_| {}).at_most_once_in(Duration::from_hours(1));
    let raw = RawRwLock::with_probe(Bounded::new(), Probed::<Full>::telling(hook));
    let lock: Watched<u32, Full> = RwLock::from_raw(raw, 0);
    (0..5).for_each(|_| drop(lock.read()));
    assert_eq!(lock.report().hooks_left_out, 4);
}

#[cfg(feature = "serde")]
#[test]
fn a_report_is_serialised_whole() {
    let (report, _) = reader_behind_reader::<Full>();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["level"], "full");
    assert_eq!(json["readers"]["behind_readers"], 1);
    assert_eq!(json["read"]["held"]["buckets"].as_array().unwrap().len(), 48);
    assert!(json["longest_wait"]["site"]["line"].is_u64());
}
