//! How fast, and how evenly: the same load from the same seed.

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use latchwork_sync::atomic::{AtomicBool, Ordering};

use crate::arguments::{BackendName, Load};
use crate::failure::{Failure, Result};
use crate::report;
use crate::store::Store;
use crate::workload::{self, Random};

const KEYS: usize = 2_000;
const LARGEST: usize = 256 << 10;

type Latency = Histogram<u64>;

/// Runs each load for the same time on a fresh store; what it took.
pub(crate) fn run(place: &Path, backend: BackendName, load: &Load) -> Result<String> {
    if place.exists() {
        return Err(Failure::new(
            format!("{} is there already", place.display()),
            "name a directory that isn't, with --store: it is removed at the end",
        ));
    }
    let store = Store::open_or_create(place, backend)?;
    let mut text = format!(
        "seed {}, {} writers, {} readers, {:?} each; {}\n\n{:<28} {:>10} {:>9} {:>9} {:>9} {:>9}\n",
        load.seed,
        load.writers,
        load.readers,
        load.time,
        store.backend(),
        "",
        "per s",
        "p50",
        "p99",
        "p99.9",
        "max"
    );
    let (writers, readers) = (load.writers.get(), load.readers.max(1));
    let alone = together(&store, load, 1, 0, false)?;
    text += &line("put, 1 thread", &alone.0, load.time);
    let puts = together(&store, load, writers, 0, false)?;
    text += &line(&format!("put, {writers} threads"), &puts.0, load.time);
    let gets = together(&store, load, 0, readers, false)?;
    text += &line(&format!("get, {readers} threads"), &gets.1, load.time);
    let both = together(&store, load, writers, readers, false)?;
    text += &line("put, with readers", &both.0, load.time);
    text += &line("get, with writers", &both.1, load.time);
    let all = together(&store, load, writers, readers, true)?;
    text += &line("put, under maintenance", &all.0, load.time);
    text += &line("get, under maintenance", &all.1, load.time);
    text += "\n";
    text += &report::inside(&store);
    store.close()?;
    std::fs::remove_dir_all(place).map_err(|error| Failure::io("remove", place, &error))?;
    Ok(text)
}

fn line(name: &str, latency: &Latency, time: Duration) -> String {
    let at = |share| format!("{:.1?}", Duration::from_nanos(latency.value_at_quantile(share)));
    #[allow(clippy::cast_precision_loss, reason = "a rate of a report")]
    let rate = latency.len() as f64 / time.as_secs_f64();
    format!(
        "{name:<28} {rate:>10.0} {:>9} {:>9} {:>9} {:>9}\n",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    )
}

fn empty() -> Latency {
    Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("3 digits of an hour")
}

/// Puts and gets of so many threads for a while: how long each took.
fn together(
    store: &Store,
    load: &Load,
    writers: usize,
    readers: usize,
    maintenance: bool,
) -> Result<(Latency, Latency)> {
    let over = AtomicBool::new(false);
    let until = |act: &mut dyn FnMut() -> Result<()>| {
        let mut latency = empty();
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            act()?;
            latency
                .saturating_record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(latency)
    };
    std::thread::scope(|scope| {
        let (until, seed) = (&until, load.seed);
        let write = move |thread: usize| {
            let mut random = Random::new(seed, thread as u64);
            until(&mut || {
                let key = random.below(KEYS);
                let length = workload::length(&mut random, LARGEST);
                store.put(&workload::name(key), &workload::bytes(seed, key, 0, length))
            })
        };
        let read = move |thread: usize| {
            let mut random = Random::new(!seed, thread as u64);
            until(&mut || store.get(&workload::name(random.below(KEYS))).map(drop))
        };
        let maintain = move || {
            until(&mut || {
                store.compact()?;
                store.set_limit(u64::MAX)?;
                std::thread::sleep(Duration::from_millis(20));
                Ok(())
            })
        };
        let writers: Vec<_> = (0..writers).map(|it| scope.spawn(move || write(it))).collect();
        let readers: Vec<_> = (0..readers).map(|it| scope.spawn(move || read(it))).collect();
        let maintenance = maintenance.then(|| scope.spawn(maintain));
        std::thread::sleep(load.time);
        over.store(true, Ordering::Relaxed);
        let mut both = (empty(), empty());
        for writer in writers {
            both.0 += writer.join().expect("a writer doesn't panic")?;
        }
        for reader in readers {
            both.1 += reader.join().expect("a reader doesn't panic")?;
        }
        if let Some(maintenance) = maintenance {
            maintenance.join().expect("maintenance doesn't panic")?;
        }
        Ok(both)
    })
}
