//! How long a submitter waits, by percentile.

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Instant;

use latchwork_batch_writer::BatchWriter;
use latchwork_benches::{Axis, Chart, Layout, Line, Versus};

use super::baselines::{Channel, LevelDb, PerOperation};
use super::stores::{File, RECORD, Stored};
use super::{Commit, GROUP};

const NAME: &str = "latency";

/// Percentiles by the nines behind them, so that each nine is as wide as the next.
const PERCENTILES: [(f64, &str); 8] = [
    (0.5, "50"),
    (0.75, "75"),
    (0.9, "90"),
    (0.95, "95"),
    (0.98, "98"),
    (0.99, "99"),
    (0.995, "99.5"),
    (0.999, "99.9"),
];

fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// The time of every commit, in microseconds, sorted.
fn latencies(threads: usize, operations: usize, way: &impl Commit) -> Vec<f64> {
    let start = Barrier::new(threads);
    let all = Mutex::new(Vec::with_capacity(operations));
    thread::scope(|scope| {
        for number in 0..threads {
            let (start, all) = (&start, &all);
            scope.spawn(move || {
                let mut own = Vec::with_capacity(operations / threads);
                start.wait();
                for _ in 0..operations / threads {
                    let begin = Instant::now();
                    way.commit([number as u8; RECORD]);
                    own.push(begin.elapsed().as_secs_f64() * 1e6);
                }
                all.lock().expect("no panics").append(&mut own);
            });
        }
    });
    let mut all = all.into_inner().expect("no panics");
    all.sort_by(f64::total_cmp);
    all
}

fn line(name: &str, sorted: &[f64]) -> Line {
    #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "an index")]
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    Line {
        name: name.into(),
        points: PERCENTILES.iter().map(|(share, _)| (nines(*share), at(*share))).collect(),
    }
}

pub(super) fn curves(versus: &mut Versus) {
    if !versus.wants_chart(GROUP, NAME) {
        return;
    }
    for threads in [1_usize, 8, 32, 128] {
        // About as long for each: the ways that share syncs do more operations.
        let alone = versus.sized(4_000, 400).max(threads);
        let shared = alone * threads.div_ceil(2).min(8);
        let ours = BatchWriter::new(Stored::new(File::new("ours")));
        let lines = vec![
            line("ours", &latencies(threads, shared, &ours)),
            line("channel", &latencies(threads, shared, &Channel::new(File::new("channel")))),
            line("leveldb", &latencies(threads, shared, &LevelDb::new(File::new("leveldb")))),
            line("mutex", &latencies(threads, alone, &PerOperation::new(File::new("mutex")))),
        ];
        let ticks = [0.5, 0.9, 0.99, 0.999];
        let named = PERCENTILES.iter().filter(|(share, _)| ticks.contains(share));
        let ticks = named.map(|(share, name)| (nines(*share), (*name).to_owned())).collect();
        versus.draw(Chart {
            group: GROUP.into(),
            name: NAME.into(),
            title: format!("{threads} submitters, a real sync")
                .replace("1 submitters", "One submitter"),
            x: Axis::linear("percentile").with_ticks(ticks),
            y: Axis::logarithmic("time of a commit, µs"),
            layout: Layout::Overlaid,
            lines,
        });
    }
}
