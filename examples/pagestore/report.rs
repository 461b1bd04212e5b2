//! What a person sees of an import.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::compact::Compacted;
use crate::import::Imported;
use latchwork::reclaim::Epoch;
use latchwork::rwlock::probe::Probing;
use latchwork_sync::atomic::{AtomicU64, Ordering};

use crate::store::Store;
use crate::tree::Tree;
use crate::verify::Verified;

pub(crate) fn opened(place: &Path, store: &Store, tree: &Tree) -> String {
    let found = match store.recovered {
        (0, 0) => "a new store".to_owned(),
        (files, records) => recovered(files, records),
    };
    let bytes: u64 = tree.sources.iter().map(|source| source.bytes).sum();
    let skipped = match tree.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} links and special files left out"),
    };
    format!(
        "store    {} ({found})\nbackend  {}\ninput    {} files, {}{skipped}\n",
        place.display(),
        store.backend(),
        tree.sources.len(),
        size(bytes),
    )
}

#[allow(clippy::cast_precision_loss, reason = "rates of a report")]
pub(crate) fn imported(imported: &Imported, store: &Store) -> String {
    let metrics = store.shared.writer.metrics();
    let seconds = imported.took.as_secs_f64().max(1e-9);
    let nanoseconds = imported.took.as_nanos().max(1);
    let batches = &metrics.batch_operations;
    let read = |share| Duration::from_micros(imported.read_latency.value_at_quantile(share));
    let reads = match imported.reads {
        0 => String::new(),
        reads => format!(
            "reads    {reads} meanwhile; p50 {:.1?}, p99 {:.1?}, max {:.1?}\n",
            read(0.5),
            read(0.99),
            read(1.0)
        ),
    };
    format!(
        "\nfiles    {} imported, {} were there already\n\
         bytes    {} in {:.2?}, {}/s\n\
         commits  {:.0} commits/s\n\
         batches  {}; a batch has {:.1} on average, p50 {}, p99 {}, max {}\n\
         syncs    p50 {:.1?}, p99 {:.1?}, max {:.1?}\n\
         {reads}{}",
        imported.files,
        imported.unchanged,
        size(imported.bytes),
        imported.took,
        size(
            u64::try_from(u128::from(imported.bytes) * 1_000_000_000 / nanoseconds)
                .unwrap_or(u64::MAX)
        ),
        imported.files as f64 / seconds,
        metrics.batches,
        batches.mean(),
        batches.quantile(0.5),
        batches.quantile(0.99),
        batches.max(),
        metrics.sync.quantile(0.5),
        metrics.sync.quantile(0.99),
        metrics.sync.max(),
        inside(store),
    )
}

/// What went on inside.
pub(crate) fn inside(store: &Store) -> String {
    let shared = &store.shared;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (ring, copied) = (shared.ring.metrics(), &shared.copied);
    let memory = Epoch::global().stats();
    let mut text = String::new();
    let mut add = |what: &str, line: String| {
        writeln!(text, "{what:<8} {line}").expect("a string takes everything");
    };
    add(
        "ring",
        format!(
            "{} operations in {} batches, {} driven by their submitter; {} on the caller's thread",
            ring.operations, ring.batches, ring.led, ring.inline_operations
        ),
    );
    add(
        "copier",
        format!(
            "{} pages copied, {} files replaced before; {} checkpoints; {} waits for room",
            of(&copied.pages),
            of(&copied.spared),
            of(&copied.checkpoints),
            shared.scratch.waits()
        ),
    );
    add(
        "memory",
        format!(
            "{} old indexes freed, {} still to be; {} process-wide barriers",
            memory.freed, memory.pending, memory.barriers
        ),
    );
    let lock = shared.gate.report();
    add(
        "lock",
        format!(
            "held by transactions p50 {:.1?}, p99 {:.1?}; {} waited for maintenance, p99 {:.1?}",
            lock.read.held.percentile(50.0),
            lock.read.held.percentile(99.0),
            lock.read.waited.count(),
            lock.read.waited.percentile(99.0)
        ),
    );
    add(
        "gate",
        format!(
            "shut {} times by maintenance, for {:.1?} in all; held by it p50 {:.1?}, p99 {:.1?}",
            lock.gate.shut,
            lock.gate.time,
            lock.write.held.percentile(50.0),
            lock.write.held.percentile(99.0)
        ),
    );
    text
}

pub(crate) fn compacted(compacted: &Compacted) -> String {
    let Compacted { before, after, moved, slices, longest } = compacted;
    format!(
        "{before} pages before, {after} after; {moved} moved in {slices} slices, which held others \
         back for {longest:.1?} at most\n"
    )
}

fn recovered(files: usize, records: usize) -> String {
    format!("{files} files in the checkpoint, {records} records behind it")
}

pub(crate) fn reopened(store: &Store, verified: &Verified) -> String {
    let (files, records) = store.recovered;
    format!("reopened {}; {}", recovered(files, records), self::verified(verified))
}

pub(crate) fn verified(verified: &Verified) -> String {
    format!("every byte of {} files ({}) is as it was\n", verified.files, size(verified.bytes))
}

/// Bytes for people.
#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
