use latchwork_reclaim::engine::faults::{
    EARLY_ERA, EARLY_TICKET, Faulty, NESTED_REPIN, NO_DEPTH, NO_HEAVY, NO_HIGH, NO_HIGH_LIGHT,
    NO_LIGHT, PLAIN_TICKET,
};
use latchwork_reclaim::engine::{ByBirth, Mode, Numbered, NumberedHandle, Whole};
use latchwork_reclaim::faults::{LATE_ORPHANS, put_back};
use latchwork_reclaim::{Atomic, Config, Guard, Owned, Section};
use latchwork_sync::atomic::Ordering;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use super::probe::{Bury, Probe, count_graves};

/// A cell of probes, and a domain that seals every bag at once.
struct Scene<M: Mode> {
    cell: Atomic<Probe, M::Header>,
    domain: Numbered<M>,
}

impl<M: Mode> Scene<M> {
    fn new(batch: u32) -> Arc<Self> {
        let domain = Numbered::with_config(Config::DEFAULT.batch(batch));
        let first = domain.register().pin().own(Probe::new());
        Arc::new(Self { cell: Atomic::new(first), domain })
    }

    /// Looks at the probe in the cell, under its own guard.
    fn read(&self, guard: &impl Section<Header = M::Header>) {
        // SAFETY: published whole, loaded and used under one guard.
        unsafe { self.cell.load(guard).deref() }.look();
    }

    /// Replaces the probe and retires the old one.
    fn replace(&self, guard: &impl Guard<Header = M::Header>) {
        let new = guard.own(Probe::new());
        let old = self.cell.swap(new, Ordering::AcqRel, guard);
        // SAFETY: the cell was the only way to it, and the swap gives it out once.
        unsafe { guard.retire_with::<_, Bury>(old) };
    }

    /// Replaces the probe as the only writer, who needs no guard; waits for the readers, and frees
    /// the old one at once, without any bag. Gives its memory, which is to stay until every reader
    /// has ended.
    fn replace_and_wait(&self, handle: &mut NumberedHandle<M>) -> Owned<Probe, M::Header> {
        let new = handle.pin().own(Probe::new());
        let old = self.cell.peek(Ordering::Relaxed);
        let replaced = self.cell.compare_exchange(old, new, Ordering::Release, Ordering::Relaxed);
        assert!(replaced.is_ok());
        handle.synchronize();
        // SAFETY: unlinked by this thread alone, and every reader that may have seen it has left.
        let old = unsafe { old.into_owned() };
        old.free();
        old
    }

    /// The writer's end, and then everybody's: every probe that was retired is freed once. Tells
    /// how many were freed before the others had ended.
    fn flush_and_end<R>(
        scene: Arc<Self>,
        mut handle: NumberedHandle<M>,
        others: impl IntoIterator<Item = thread::JoinHandle<R>>,
        retired: usize,
    ) -> String {
        handle.flush();
        let freed = count_graves();
        for other in others {
            other.join().unwrap();
        }
        drop(handle);
        assert_eq!(freed + Self::end(scene), retired, "what was retired is freed once");
        freed.to_string()
    }

    /// Frees what is left, and counts what was freed in all.
    fn end(scene: Arc<Self>) -> usize {
        let mut scene = Arc::try_unwrap(scene).ok().expect("every thread has ended");
        // SAFETY: no other thread is left.
        drop(unsafe { scene.cell.take() });
        drop(scene);
        count_graves()
    }
}

/// A reader that registers, pins and looks, against a writer that replaces and frees.
fn retire_against_pin<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let reader = thread::spawn(move || {
        let mut handle = theirs.domain.register();
        theirs.read(&handle.pin());
    });
    let mut handle = scene.domain.register();
    scene.replace(&handle.pin());
    Scene::flush_and_end(scene, handle, [reader], 1)
}

/// The same by a registered reader, who pins twice: the second pin may hide the first one's end.
fn retire_against_two_pins<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut handle = scene.domain.register();
    let reader = thread::spawn(move || {
        theirs.read(&readers.pin());
        theirs.read(&readers.pin());
    });
    scene.replace(&handle.pin());
    Scene::flush_and_end(scene, handle, [reader], 1)
}

/// A reader's second pin nests: a scan may find a nested word alone, by which it must see what was
/// done under the first.
fn free_against_nested_pins<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let readers = scene.domain.register();
    let mut writers = scene.domain.register();
    let writer = thread::spawn(move || theirs.replace_and_wait(&mut writers));
    scene.read(&readers.pin_nested());
    let outer = readers.pin_nested();
    let inner = readers.pin_nested();
    drop(outer);
    drop(inner);
    drop((readers, writer.join().unwrap()));
    Scene::end(scene).to_string()
}

/// A bag that stays open while a grace period goes by: its number must come when it is sealed.
fn bag_open_across_a_barrier<M: Mode>() -> String {
    let scene = Scene::<M>::new(2);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let reader = thread::spawn(move || theirs.read(&readers.pin()));
    let mut handle = scene.domain.register();
    let mut other = scene.domain.register();
    scene.replace(&handle.pin());
    other.synchronize();
    scene.replace(&handle.pin());
    handle.flush();
    let freed = count_graves();
    reader.join().unwrap();
    drop((handle, other));
    assert_eq!(freed + Scene::end(scene), 2, "what was retired is freed once");
    freed.to_string()
}

/// Two guards of one handle, the outer dropped first; the inner still protects.
fn nested_pins<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let readers = scene.domain.register();
    let reader = thread::spawn(move || {
        let outer = readers.pin_nested();
        // SAFETY: published whole, and used while guards of this section are alive.
        let probe = unsafe { theirs.cell.load(&outer).as_tagged().as_shared().deref() };
        let inner = readers.pin_nested();
        drop(outer);
        probe.look();
        drop(inner);
    });
    let mut handle = scene.domain.register();
    scene.replace(&handle.pin());
    Scene::flush_and_end(scene, handle, [reader], 1)
}

/// A thread retires and leaves; another adopts its garbage and frees it.
fn orphans_are_adopted<M: Mode>() -> String {
    let scene = Scene::<M>::new(2);
    let theirs = Arc::clone(&scene);
    let mut leavers = scene.domain.register();
    let leaver = thread::spawn(move || {
        theirs.replace(&leavers.pin());
        drop(leavers);
    });
    let mut handle = scene.domain.register();
    scene.read(&handle.pin());
    Scene::flush_and_end(scene, handle, [leaver], 1)
}

/// What a thread retired before a barrier began is freed when it returns, also where that thread
/// is on its way out.
fn barrier_against_exit<M: Mode, const FAULTS: u32>() -> String {
    put_back(FAULTS);
    let scene = Scene::<M>::new(2);
    let theirs = Arc::clone(&scene);
    let mut leavers = scene.domain.register();
    scene.replace(&leavers.pin());
    let leaver = thread::spawn(move || {
        theirs.read(&leavers.pin());
        drop(leavers);
    });
    let mut handle = scene.domain.register();
    handle.barrier();
    assert_eq!(count_graves(), 1, "a barrier leaves nothing that was retired before");
    leaver.join().unwrap();
    drop(handle);
    Scene::end(scene).to_string()
}

/// Unlink, synchronize, free at once: without any bag.
fn synchronize_against_pin<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let reader = thread::spawn(move || theirs.read(&readers.pin()));
    let mut handle = scene.domain.register();
    let old = scene.replace_and_wait(&mut handle);
    drop(handle);
    reader.join().unwrap();
    drop(old);
    Scene::end(scene).to_string()
}

/// The heavy may be another thread's, who sees by it what was unlinked.
fn synchronize_by_another<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let mut others = scene.domain.register();
    let mut handle = scene.domain.register();
    let other = thread::spawn(move || {
        others.synchronize();
        theirs.read(&others.pin());
    });
    let old = scene.replace_and_wait(&mut handle);
    drop(handle);
    other.join().unwrap();
    drop(old);
    Scene::end(scene).to_string()
}

/// A reader issues a heavy under its pin, for a bag of another handle: whoever relies on that heavy
/// must see the pin.
fn synchronize_by_a_reader<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut others = scene.domain.register();
    let mut handle = scene.domain.register();
    others.pin().defer(|| ());
    let reader = thread::spawn(move || {
        {
            let guard = readers.pin();
            // SAFETY: published whole, loaded and used under one guard.
            let probe = unsafe { theirs.cell.load(&guard).deref() };
            others.flush();
            probe.look();
        }
        (readers, others)
    });
    let old = scene.replace_and_wait(&mut handle);
    drop((handle, reader.join().unwrap(), old));
    Scene::end(scene).to_string()
}

/// Two threads that retire, each covered by the other's heavies, and a reader.
fn two_retire_while_one_reads<M: Mode>() -> String {
    let scene = Scene::<M>::new(1);
    let others = [true, false].map(|reads| {
        let theirs = Arc::clone(&scene);
        let mut handle = scene.domain.register();
        thread::spawn(move || {
            if reads {
                theirs.read(&handle.pin());
            } else {
                handle.synchronize();
            }
        })
    });
    let mut handle = scene.domain.register();
    scene.replace(&handle.pin());
    Scene::flush_and_end(scene, handle, others, 1)
}

/// A pinned reader loads an object that was born in a later era than its pin. Three replacements:
/// the first one's heavy moves the era, the second one's object is born then, the third retires it.
fn younger_than_the_pin<M: Mode>() -> String {
    let scene = Scene::<M>::new(4);
    let theirs = Arc::clone(&scene);
    let mut readers = scene.domain.register();
    let mut handle = scene.domain.register();
    let reader = thread::spawn(move || theirs.read(&readers.pin()));
    scene.replace(&handle.pin());
    handle.flush();
    scene.replace(&handle.pin());
    scene.replace(&handle.pin());
    Scene::flush_and_end(scene, handle, [reader], 3)
}

type With<const FAULT: u32> = Faulty<Whole, FAULT>;
type Born<const FAULT: u32> = Faulty<ByBirth, FAULT>;

pub(super) fn models() -> Vec<Model> {
    vec![
        Model::new("epoch_retire_against_pin", retire_against_pin::<Whole>)
            .least(1_000)
            .random_under_shuttle(20_000)
            .twin("no_heavy", retire_against_pin::<With<NO_HEAVY>>)
            .twin("no_light", retire_against_pin::<With<NO_LIGHT>>)
            .twin("early_era", retire_against_pin::<With<EARLY_ERA>>),
        Model::new("epoch_retire_against_pin_by_fences", retire_against_pin::<Whole>)
            .symmetric_fences()
            .least(1_000)
            .random_under_shuttle(20_000)
            .twin("no_light", retire_against_pin::<With<NO_LIGHT>>),
        Model::new("epoch_retire_against_two_pins", retire_against_two_pins::<Whole>)
            .random_under_shuttle(20_000),
        Model::new("epoch_free_against_nested_pins", free_against_nested_pins::<Whole>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("no_light", free_against_nested_pins::<With<NO_LIGHT>>),
        Model::new("epoch_bag_open_across_a_barrier", bag_open_across_a_barrier::<Whole>)
            .random_under_shuttle(20_000)
            .twin("early_ticket", bag_open_across_a_barrier::<With<EARLY_TICKET>>),
        Model::new("epoch_nested_pins", nested_pins::<Whole>)
            .random_under_shuttle(20_000)
            .twin("no_depth", nested_pins::<With<NO_DEPTH>>)
            .twin("nested_repin", nested_pins::<With<NESTED_REPIN>>),
        Model::new("epoch_nested_pins_by_fences", nested_pins::<Whole>)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("no_depth", nested_pins::<With<NO_DEPTH>>),
        Model::new("epoch_orphans_are_adopted", orphans_are_adopted::<Whole>)
            .random_under_shuttle(20_000),
        Model::new("epoch_barrier_against_exit", barrier_against_exit::<Whole, 0>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("late_orphans", barrier_against_exit::<Whole, LATE_ORPHANS>),
        Model::new("epoch_synchronize_against_pin", synchronize_against_pin::<Whole>)
            .random_under_shuttle(20_000)
            .twin("no_heavy", synchronize_against_pin::<With<NO_HEAVY>>),
        Model::new("epoch_synchronize_by_another", synchronize_by_another::<Whole>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("plain_ticket", synchronize_by_another::<With<PLAIN_TICKET>>),
        Model::new("epoch_synchronize_by_another_by_fences", synchronize_by_another::<Whole>)
            // One misses the mutant of the load in `Record::published`.
            .bound(2)
            .symmetric_fences()
            .random_under_shuttle(20_000),
        Model::new("epoch_synchronize_by_a_reader", synchronize_by_a_reader::<Whole>)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("epoch_two_retire_while_one_reads", two_retire_while_one_reads::<Whole>)
            .bound(1)
            .random_under_shuttle(20_000),
        Model::new("interval_retire_against_two_pins", retire_against_two_pins::<ByBirth>)
            .random_under_shuttle(20_000)
            .twin("no_heavy", retire_against_two_pins::<Born<NO_HEAVY>>)
            .twin("no_light", retire_against_two_pins::<Born<NO_LIGHT>>),
        Model::new("interval_bag_open_across_a_barrier", bag_open_across_a_barrier::<ByBirth>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("early_ticket", bag_open_across_a_barrier::<Born<EARLY_TICKET>>),
        Model::new("interval_nested_pins", nested_pins::<ByBirth>)
            .random_under_shuttle(20_000)
            .twin("no_depth", nested_pins::<Born<NO_DEPTH>>),
        Model::new("interval_younger_than_the_pin", younger_than_the_pin::<ByBirth>)
            // One misses the twin `no_high`.
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("no_high", younger_than_the_pin::<Born<NO_HIGH>>)
            .twin("no_high_light", younger_than_the_pin::<Born<NO_HIGH_LIGHT>>)
            .twin("early_era", younger_than_the_pin::<Born<EARLY_ERA>>),
        Model::new("interval_younger_than_the_pin_by_fences", younger_than_the_pin::<ByBirth>)
            // One misses the mutants of `Record::raise`.
            .bound(2)
            .symmetric_fences()
            .random_under_shuttle(20_000)
            .twin("no_high", younger_than_the_pin::<Born<NO_HIGH>>)
            .twin("no_high_light", younger_than_the_pin::<Born<NO_HIGH_LIGHT>>),
    ]
}
