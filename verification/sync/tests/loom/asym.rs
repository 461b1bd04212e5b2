//! Asymmetric fences and numbered barriers.

use latchwork_sync::asym::{self, Barriers};
use latchwork_sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use crate::shared::Shared;

/// Dekker's handshake: of a light and a heavy at least one sees the other's store.
fn dekker(ours: fn(), theirs: fn()) -> String {
    let words = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let other = Arc::clone(&words);
    let child = thread::spawn(move || {
        other.0.store(1, Ordering::Relaxed);
        theirs();
        other.1.load(Ordering::Relaxed)
    });
    words.1.store(1, Ordering::Relaxed);
    ours();
    let seen = words.0.load(Ordering::Relaxed);
    let saw = child.join().unwrap();
    assert!(seen + saw > 0, "both missed the other's store");
    format!("{seen}{saw}")
}

fn light_against_heavy() -> String {
    dekker(asym::heavy, asym::light)
}

fn light_against_light() -> String {
    dekker(asym::light, asym::light)
}

fn light_against_nothing() -> String {
    dekker(|| fence(Ordering::AcqRel), asym::light)
}

/// A reader that announces itself by a plain store, and two writers that each unlink something
/// of their own and then want a barrier before they look for readers.
///
/// A writer whose slot the reader has seen linked must find the reader.
struct Scene {
    barriers: Barriers,
    announced: AtomicUsize,
    linked: [AtomicUsize; 2],
    data: [Shared<u32>; 2],
}

/// What a writer does between unlinking and looking.
type Pass = fn(&Barriers);

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            barriers: Barriers::new(),
            announced: AtomicUsize::new(0),
            linked: [AtomicUsize::new(1), AtomicUsize::new(1)],
            data: [Shared::new(0), Shared::new(0)],
        })
    }

    fn read(&self, slot: usize) -> usize {
        self.announced.store(1, Ordering::Relaxed);
        asym::light();
        let linked = self.linked[slot].load(Ordering::Relaxed);
        if linked == 1 {
            self.data[slot].get();
        }
        // Release: pairs with the Acquire in `write`.
        self.announced.store(0, Ordering::Release);
        linked
    }

    fn write(&self, slot: usize, pass: Pass) {
        self.linked[slot].store(0, Ordering::Relaxed);
        pass(&self.barriers);
        if self.announced.load(Ordering::Acquire) == 0 {
            // Freed: no reader may look any more.
            self.data[slot].set(1);
        }
    }
}

fn combined(passes: [Pass; 2]) -> String {
    let scene = Scene::new();
    let writers = [0, 1].map(|slot| {
        let scene = Arc::clone(&scene);
        thread::spawn(move || scene.write(slot, passes[slot]))
    });
    let seen = scene.read(1);
    for writer in writers {
        writer.join().unwrap();
    }
    seen.to_string()
}

fn run(barriers: &Barriers) {
    barriers.run();
}

/// Counts on whatever barrier begins, or has begun, at about this time.
fn number_by_plain_load(barriers: &Barriers) {
    // `ended` never exceeds what has begun, so this is at most the right number.
    let number = barriers.ended(Ordering::Relaxed) + 1;
    barriers.complete(number);
}

fn combined_heavies() -> String {
    combined([run, run])
}

fn combined_by_plain_load() -> String {
    combined([run, number_by_plain_load])
}

/// The writer notes a number and asks later; another thread runs the barriers.
fn asked_later(ask: fn(&Barriers, u64) -> bool) -> String {
    let scene = Scene::new();
    let runner = Arc::clone(&scene);
    let other = thread::spawn(move || runner.barriers.try_run());
    let writer = Arc::clone(&scene);
    let writing = thread::spawn(move || {
        writer.linked[0].store(0, Ordering::Relaxed);
        let number = writer.barriers.next();
        let passed = ask(&writer.barriers, number);
        if passed && writer.announced.load(Ordering::Acquire) == 0 {
            writer.data[0].set(1);
        }
        passed
    });
    let seen = scene.read(0);
    other.join().unwrap();
    let passed = writing.join().unwrap();
    format!("{seen}{passed}")
}

fn ended_is_asked() -> String {
    asked_later(|barriers, number| barriers.ended(Ordering::Acquire) >= number)
}

fn ended_is_asked_relaxed() -> String {
    asked_later(|barriers, number| barriers.ended(Ordering::Relaxed) >= number)
}

fn an_older_one_will_do() -> String {
    asked_later(|barriers, number| barriers.ended(Ordering::Acquire) + 1 >= number)
}

/// The hand-over that `Barriers` makes between writers: what came before `next` is visible after
/// the barrier, though another thread ran it.
fn number_hands_over_data(next: fn(&Barriers) -> u64) -> String {
    let shared = Arc::new((Barriers::new(), AtomicU64::new(0), Shared::new(0)));
    let theirs = Arc::clone(&shared);
    let child = thread::spawn(move || {
        theirs.2.set(1);
        // Relaxed: the barrier in between is what orders it.
        theirs.1.store(next(&theirs.0), Ordering::Relaxed);
    });
    shared.0.run();
    let number = shared.1.load(Ordering::Relaxed);
    let ended = shared.0.ended(Ordering::Acquire);
    if number != 0 && number <= ended {
        assert_eq!(shared.2.get(), 1);
    }
    child.join().unwrap();
    format!("{number}{ended}")
}

fn next_is_a_number() -> String {
    number_hands_over_data(Barriers::next)
}

fn next_by_plain_load() -> String {
    number_hands_over_data(|barriers| barriers.ended(Ordering::Relaxed) + 1)
}

/// Threads that call at once all come back, and each barrier has a number of its own.
fn all_come_back<const OTHERS: usize>() -> String {
    let barriers = Arc::new(Barriers::new());
    let others = [(); OTHERS].map(|()| {
        let barriers = Arc::clone(&barriers);
        thread::spawn(move || barriers.run())
    });
    let ours = barriers.run();
    let numbers = others.map(|other| other.join().unwrap());
    let ended = barriers.ended(Ordering::Acquire);
    assert!(ended >= ours && numbers.iter().all(|number| ended >= *number));
    assert_eq!(barriers.next(), ended + 1, "every barrier that has begun has ended");
    ended.to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("light_against_heavy", light_against_heavy)
            .twin("light_against_light", light_against_light)
            .twin("light_against_nothing", light_against_nothing),
        Model::new("light_against_heavy_by_fences", light_against_heavy)
            .symmetric_fences()
            .twin("light_against_nothing", light_against_nothing),
        Model::new("heavies_are_combined", combined_heavies)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("number_by_plain_load", combined_by_plain_load),
        Model::new("heavies_by_fences", combined_heavies)
            .symmetric_fences()
            .random_under_shuttle(20_000),
        Model::new("ended_is_asked_later", ended_is_asked)
            .random_under_shuttle(20_000)
            .twin("relaxed", ended_is_asked_relaxed)
            .twin("an_older_one_will_do", an_older_one_will_do),
        Model::new("ended_is_asked_later_by_fences", ended_is_asked)
            .symmetric_fences()
            .random_under_shuttle(20_000),
        Model::new("number_hands_over_data", next_is_a_number)
            .twin("by_plain_load", next_by_plain_load),
        Model::new("both_come_back", all_come_back::<1>).random_under_shuttle(20_000),
        Model::new("all_come_back", all_come_back::<2>).bound(1).random_under_shuttle(20_000),
    ]
}
