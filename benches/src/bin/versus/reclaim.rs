//! `reclaim` against its peers.

mod garbage;
mod pin;
mod protect;
mod retire;
mod snapshot;
mod stack;
mod structures;

use latchwork_benches::{Stopwatch, Versus, thread_cpu};

const GROUP: &str = "reclaim";

/// The rows of this crate.
pub(crate) fn rows(versus: &mut Versus) {
    pin::rows(versus);
    protect::rows(versus);
    retire::rows(versus);
    snapshot::rows(versus);
    stack::rows(versus);
    structures::rows(versus);
    garbage::rows(versus);
}

/// What one of `count` calls costs in this thread's processor time.
fn cost(count: u64, mut operation: impl FnMut()) -> f64 {
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..count {
        operation();
    }
    watch.per(count)
}
