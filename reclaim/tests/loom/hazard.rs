use latchwork_reclaim::faults::{
    EARLY_RELEASE, LATE_IN_ARRAY, LATE_ORPHANS, NO_HEAVY, NO_LIGHT, NO_SECOND_LOOK, put_back,
};
use latchwork_reclaim::{Atomic, Config, Guard, Hazard, Shield, hazard};
use latchwork_sync::atomic::Ordering;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use super::probe::{Bury, Probe, count_graves};

/// Cells of probes, and a domain that scans with every retire.
struct Scene<const N: usize> {
    cells: [Atomic<Probe>; N],
    domain: Hazard,
}

impl<const N: usize> Scene<N> {
    fn new(batch: u32, faults: u32) -> Arc<Self> {
        put_back(faults);
        let domain = Hazard::with_config(Config::DEFAULT.batch(batch));
        let cells = std::array::from_fn(|_| Atomic::new(Probe::new().into()));
        Arc::new(Self { cells, domain })
    }

    /// Replaces a probe and retires the old one.
    fn replace(&self, index: usize, guard: &impl Guard<Header = ()>) {
        let new = guard.own(Probe::new());
        let old = self.cells[index].swap(new, Ordering::AcqRel, guard);
        // SAFETY: the cell was the only way to it, and the swap gives it out once.
        unsafe { guard.retire_with::<_, Bury>(old) };
    }

    /// The others' end, and then the scene's: every probe that was retired is freed once. Tells how
    /// many were freed before.
    fn join_and_end<R>(
        scene: Arc<Self>,
        handle: hazard::Handle,
        other: thread::JoinHandle<R>,
        retired: usize,
    ) -> String {
        let freed = count_graves();
        other.join().unwrap();
        drop(handle);
        assert_eq!(freed + Self::end(scene), retired, "every retired probe is freed once");
        freed.to_string()
    }

    /// Frees what is left, and counts what was freed in all.
    fn end(scene: Arc<Self>) -> usize {
        let mut scene = Arc::try_unwrap(scene).ok().expect("every thread has ended");
        for cell in &mut scene.cells {
            // SAFETY: no other thread is left.
            drop(unsafe { cell.take() });
        }
        drop(scene);
        count_graves()
    }
}

/// Looks at the probe in a cell.
fn look(cell: &Atomic<Probe>, shield: &mut impl Shield<Header = ()>) {
    let seen = shield.protect(cell);
    // SAFETY: published whole, protected since it was loaded from a root.
    unsafe { seen.deref() }.look();
}

/// A reader that looks twice with one shield, against a writer that replaces and
/// frees.
fn publish_against_scan<const FAULTS: u32>() -> String {
    let scene = Scene::<1>::new(1, FAULTS);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut handle = scene.domain.register();
    let reader = thread::spawn(move || {
        let guard = readers.pin();
        let mut shield = guard.shield();
        look(&theirs.cells[0], &mut shield);
        look(&theirs.cells[0], &mut shield);
    });
    let guard = handle.pin();
    scene.replace(0, &guard);
    guard.flush();
    Scene::join_and_end(scene, handle, reader, 1)
}

/// A reader whose third shield needs another block of slots.
fn grow_against_scan() -> String {
    let scene = Scene::<1>::new(1, 0);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut handle = scene.domain.register();
    let reader = thread::spawn(move || {
        {
            let guard = readers.pin();
            let _idle = guard.shield_array::<2>();
            look(&theirs.cells[0], &mut guard.shield());
        }
        readers
    });
    let guard = handle.pin();
    scene.replace(0, &guard);
    guard.flush();
    let freed = count_graves();
    drop((handle, reader.join().unwrap()));
    assert_eq!(freed + Scene::end(scene), 1, "every retired probe is freed once");
    freed.to_string()
}

/// Two cells protected behind one fence, against a writer that replaces both.
fn array_against_scan<const FAULTS: u32>() -> String {
    let scene = Scene::<2>::new(4, FAULTS);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut handle = scene.domain.register();
    let reader = thread::spawn(move || {
        let guard = readers.pin();
        let mut shields = guard.shield_array::<2>();
        let [one, two] = &theirs.cells;
        for seen in shields.protect_all([one, two]) {
            // SAFETY: published whole, protected since it was loaded from a root.
            unsafe { seen.deref() }.look();
        }
    });
    let guard = handle.pin();
    scene.replace(0, &guard);
    scene.replace(1, &guard);
    guard.flush();
    Scene::join_and_end(scene, handle, reader, 2)
}

/// A thread retires and leaves; another takes its record over, adopts its garbage, and frees it
/// around a third one's protection.
fn exit_against_scan<const FAULTS: u32>() -> String {
    let scene = Scene::<1>::new(2, FAULTS);
    let theirs = Arc::clone(&scene);
    let mut leavers = scene.domain.register();
    let leaver = thread::spawn(move || {
        let guard = leavers.pin();
        look(&theirs.cells[0], &mut guard.shield());
        theirs.replace(0, &guard);
        drop(leavers);
    });
    let mut handle = scene.domain.register();
    let guard = handle.pin();
    look(&scene.cells[0], &mut guard.shield());
    scene.replace(0, &guard);
    guard.flush();
    Scene::join_and_end(scene, handle, leaver, 2)
}

/// What a thread retired before a barrier began is freed when it returns, also where that thread
/// is on its way out, and what a shield still protects is waited for.
fn barrier_against_exit<const FAULTS: u32>() -> String {
    let scene = Scene::<1>::new(4, FAULTS);
    let theirs = Arc::clone(&scene);
    let mut leavers = scene.domain.register();
    scene.replace(0, &leavers.pin());
    let leaver = thread::spawn(move || {
        {
            let guard = leavers.pin();
            look(&theirs.cells[0], &mut guard.shield());
        }
        drop(leavers);
    });
    let mut handle = scene.domain.register();
    handle.barrier();
    let freed = count_graves();
    assert_eq!(freed, 1, "a barrier leaves nothing that was retired before");
    leaver.join().unwrap();
    drop(handle);
    Scene::end(scene).to_string()
}

/// What was retired before a barrier is gone when it returns, and its destructor has run, whoever
/// frees it: another thread's flush, or another thread's barrier.
fn barrier_against<const FLUSH: bool>() -> String {
    let scene = Scene::<1>::new(4, 0);
    let mut others = scene.domain.register();
    let probe: *const Probe = {
        let guard = others.pin();
        let mut shield = guard.shield();
        // SAFETY: published whole, and not yet retired.
        let probe = unsafe { shield.protect(&scene.cells[0]).deref() };
        scene.replace(0, &guard);
        probe
    };
    let mut handle = scene.domain.register();
    // Its handle stays: the end of one fences.
    let other = thread::spawn(move || {
        if FLUSH {
            others.flush();
        } else {
            others.barrier();
        }
        others
    });
    handle.barrier();
    // SAFETY: its memory is kept until the scene ends.
    assert!(unsafe { &*probe }.is_freed(), "a barrier leaves nothing that was retired before");
    drop((handle, other.join().unwrap()));
    Scene::end(scene).to_string()
}

pub(super) fn models() -> Vec<Model> {
    vec![
        Model::new("hazard_publish_against_scan", publish_against_scan::<0>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("no_light", publish_against_scan::<NO_LIGHT>)
            .twin("no_heavy", publish_against_scan::<NO_HEAVY>)
            .twin("no_second_look", publish_against_scan::<NO_SECOND_LOOK>),
        Model::new("hazard_publish_against_scan_by_fences", publish_against_scan::<0>)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("no_light", publish_against_scan::<NO_LIGHT>)
            .twin("no_second_look", publish_against_scan::<NO_SECOND_LOOK>),
        Model::new("hazard_grow_against_scan", grow_against_scan)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("hazard_array_against_scan", array_against_scan::<0>)
            // One misses the twin `late_in_array`.
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("late_in_array", array_against_scan::<LATE_IN_ARRAY>),
        Model::new("hazard_array_against_scan_by_fences", array_against_scan::<0>)
            // One misses the twin `late_in_array`.
            .bound(2)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("late_in_array", array_against_scan::<LATE_IN_ARRAY>),
        Model::new("hazard_exit_against_scan", exit_against_scan::<0>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("early_release", exit_against_scan::<EARLY_RELEASE>),
        Model::new("hazard_exit_against_scan_by_fences", exit_against_scan::<0>)
            .bound(1)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("early_release", exit_against_scan::<EARLY_RELEASE>),
        Model::new("hazard_barrier_against_exit", barrier_against_exit::<0>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("late_orphans", barrier_against_exit::<LATE_ORPHANS>),
        Model::new("hazard_barrier_against_flush", barrier_against::<true>)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("hazard_barrier_against_barrier", barrier_against::<false>)
            .bound(1)
            .random_under_shuttle(20_000),
    ]
}
