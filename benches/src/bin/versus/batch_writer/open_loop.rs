//! Latency under arrivals that don't depend on answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Commit;
use super::stores::RECORD;

/// Threads that serve the arrivals: more than are ever in flight at once.
const SERVERS: usize = 128;

/// Random numbers, the same in each run.
struct Random(u64);

impl Random {
    /// Between 0 and 1, neither included.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

/// The 99th percentile of the latency, in nanoseconds from the moment at which an operation was
/// to arrive, with exponential gaps of this mean between them.
pub(crate) fn p99(operations: usize, gap: f64, way: &impl Commit) -> f64 {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut at = 0.0;
    let arrivals: Vec<f64> = (0..operations)
        .map(|_| {
            at -= gap * random.next().ln();
            at
        })
        .collect();
    let next = AtomicUsize::new(0);
    let start = Instant::now() + Duration::from_millis(10);
    let serve = || {
        let mut latencies = Vec::new();
        // Relaxed: only a number to be drawn once.
        while let Some(after) = arrivals.get(next.fetch_add(1, Ordering::Relaxed)) {
            let arrival = start + Duration::from_secs_f64(after / 1e9);
            thread::sleep(arrival.saturating_duration_since(Instant::now()));
            way.commit([7; RECORD]);
            latencies.push(arrival.elapsed().as_secs_f64() * 1e9);
        }
        latencies
    };
    let mut latencies: Vec<f64> = thread::scope(|scope| {
        let servers: Vec<_> = (0..SERVERS).map(|_| scope.spawn(serve)).collect();
        let latencies = servers.into_iter().map(|server| server.join().expect("it works"));
        latencies.flatten().collect()
    });
    latencies.sort_by(f64::total_cmp);
    latencies[latencies.len() * 99 / 100]
}
