//! Everything at once, from a seed: writers, readers and maintenance, ended now and then in the
//! middle; whatever was acknowledged must be there, and nothing else.

use std::path::Path;
use std::sync::Mutex;

use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::arguments::{BackendName, Load};
use crate::failure::{Failure, Result};
use crate::name;
use crate::store::Store;
use crate::workload::{self, Random};

const KEYS_PER_WRITER: usize = 24;
const OPERATIONS: usize = 150;
const LARGEST: usize = 3 << 20;

/// What became of the keys: the last version that was acknowledged, and the last that was begun.
/// Each key has one writer. Even versions are files, odd ones removals.
struct Keys {
    acknowledged: Vec<AtomicU64>,
    begun: Vec<AtomicU64>,
}

impl Keys {
    fn new(count: usize) -> Self {
        // Nothing is there: as after a removal.
        let all = || (0..count).map(|_| AtomicU64::new(1)).collect();
        Self { acknowledged: all(), begun: all() }
    }
}

/// What the threads of a round share.
struct Round<'a> {
    store: &'a Store,
    keys: &'a Keys,
    seed: u64,
    over: AtomicBool,
    failure: Mutex<Option<Failure>>,
    tally: &'a Tally,
}

#[derive(Debug, Default)]
struct Tally {
    puts: AtomicU64,
    removes: AtomicU64,
    gets: AtomicU64,
    compactions: AtomicU64,
    limits: AtomicU64,
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::Relaxed);
}

/// Runs the rounds; what they did.
pub(crate) fn run(place: &Path, backend: BackendName, load: &Load) -> Result<String> {
    let keys = Keys::new(load.writers.get() * KEYS_PER_WRITER);
    let tally = Tally::default();
    let mut random = Random::new(load.seed, u64::MAX);
    if place.exists() {
        return Err(Failure::new(
            format!("{} is there already", place.display()),
            "name a directory that isn't, with --store: it is removed when all is well",
        ));
    }
    Store::open_or_create(place, backend)?.close()?;
    for number in 0..load.rounds {
        let store = Store::open(place, backend)?;
        check(&store, &keys, load.seed)?;
        let round = Round {
            store: &store,
            keys: &keys,
            seed: load.seed,
            over: AtomicBool::new(false),
            failure: Mutex::new(None),
            tally: &tally,
        };
        round.play(load, number);
        if let Some(failure) = round.failure.into_inner().expect("no thread panicked") {
            return Err(failure);
        }
        check(&store, &keys, load.seed)?;
        // Closed as one should, or left as a crash of the process would leave it.
        if random.below(2) == 0 {
            store.close()?;
        }
    }
    let store = Store::open(place, backend)?;
    check(&store, &keys, load.seed)?;
    store.close()?;
    std::fs::remove_dir_all(place).map_err(|error| Failure::io("remove", place, &error))?;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Ok(format!(
        "seed {}: {} rounds, {} puts, {} removes, {} gets, {} compactions, {} limits; every file is as it should be\n",
        load.seed,
        load.rounds,
        of(&tally.puts),
        of(&tally.removes),
        of(&tally.gets),
        of(&tally.compactions),
        of(&tally.limits),
    ))
}

impl Round<'_> {
    fn play(&self, load: &Load, number: u64) {
        std::thread::scope(|scope| {
            let others = (0..load.readers)
                .map(|reader| scope.spawn(move || self.keep(|| self.read(number, reader))))
                .chain([scope.spawn(move || self.keep(|| self.maintain(number)))])
                .collect::<Vec<_>>();
            let writers: Vec<_> = (0..load.writers.get())
                .map(|writer| scope.spawn(move || self.keep(|| self.write(number, writer))))
                .collect();
            for writer in writers {
                writer.join().expect("a writer doesn't panic");
            }
            self.over.store(true, Ordering::Relaxed);
            for other in others {
                other.join().expect("nobody panics");
            }
        });
    }

    /// Keeps the first failure, which ends the round.
    fn keep(&self, act: impl FnOnce() -> Result<()>) {
        if let Err(failure) = act() {
            self.over.store(true, Ordering::Relaxed);
            self.failure.lock().expect("no thread panicked").get_or_insert(failure);
        }
    }

    fn write(&self, number: u64, writer: usize) -> Result<()> {
        let mut random = Random::new(self.seed, number << 32 | writer as u64);
        for _ in 0..OPERATIONS {
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let key = writer * KEYS_PER_WRITER + random.below(KEYS_PER_WRITER);
            let removes = random.below(8) == 0;
            let last = self.keys.begun[key].load(Ordering::Relaxed);
            let version = (last + 1 + u64::from(removes)) | u64::from(removes);
            let version = if removes { version } else { version.next_multiple_of(2) };
            self.keys.begun[key].store(version, Ordering::SeqCst);
            if removes {
                self.store.remove(&workload::name(key))?;
                count(&self.tally.removes);
            } else {
                let length = workload::length(&mut random, LARGEST);
                let bytes = workload::bytes(self.seed, key, version, length);
                self.store.put(&workload::name(key), &bytes)?;
                count(&self.tally.puts);
            }
            self.keys.acknowledged[key].store(version, Ordering::SeqCst);
        }
        Ok(())
    }

    /// A reader finds what was acknowledged before it asked, or something later.
    fn read(&self, number: u64, reader: usize) -> Result<()> {
        let mut random = Random::new(self.seed, number << 32 | (1 << 31) | reader as u64);
        while !self.over.load(Ordering::Relaxed) {
            let key = random.below(self.keys.begun.len());
            let least = self.keys.acknowledged[key].load(Ordering::SeqCst);
            let found = self.store.get(&workload::name(key))?;
            let most = self.keys.begun[key].load(Ordering::SeqCst);
            count(&self.tally.gets);
            let fits = match &found {
                Some(bytes) => workload::version(self.seed, key, bytes)
                    .is_some_and(|version| (least..=most).contains(&version)),
                // A removal lies between.
                None => least % 2 == 1 || most > least,
            };
            if !fits {
                return Err(wrong(key, least, most, found.as_deref(), self.seed));
            }
        }
        Ok(())
    }

    /// Compaction, and a limit that all files keep: neither may be noticed.
    fn maintain(&self, number: u64) -> Result<()> {
        let mut random = Random::new(self.seed, number << 32 | (1 << 30));
        while !self.over.load(Ordering::Relaxed) {
            if random.below(2) == 0 {
                self.store.compact()?;
                count(&self.tally.compactions);
            } else {
                self.store.set_limit((LARGEST + random.below(LARGEST)) as u64)?;
                count(&self.tally.limits);
            }
            std::thread::sleep(std::time::Duration::from_millis(random.below(20) as u64));
        }
        Ok(())
    }
}

/// When nobody writes, every key is as it was acknowledged last.
fn check(store: &Store, keys: &Keys, seed: u64) -> Result<()> {
    for (key, version) in keys.acknowledged.iter().enumerate() {
        let version = version.load(Ordering::SeqCst);
        let found = store.get(&workload::name(key))?;
        let told = found.as_ref().map(|bytes| workload::version(seed, key, bytes));
        let expected = (version % 2 == 0).then_some(Some(version));
        if told != expected {
            return Err(wrong(key, version, version, found.as_deref(), seed));
        }
    }
    Ok(())
}

fn wrong(key: usize, least: u64, most: u64, found: Option<&[u8]>, seed: u64) -> Failure {
    let told = match found {
        None => "nothing".to_owned(),
        Some(bytes) => match workload::version(seed, key, bytes) {
            Some(version) => format!("version {version}"),
            None => format!("{} bytes that nobody wrote", bytes.len()),
        },
    };
    let name = name::show(&workload::name(key));
    Failure::new(
        format!("{name} has {told}, and should have a version from {least} to {most}"),
        format!("this is a bug: keep the store, and report the seed {seed}"),
    )
}
