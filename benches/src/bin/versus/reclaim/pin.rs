//! The cost of a guard.

use std::hint::black_box;

use latchwork_benches::{Contender, Versus};
use latchwork_reclaim::{Epoch, epoch};

use super::{GROUP, cost};

pub(super) fn rows(versus: &mut Versus) {
    let count = versus.sized(1_000_000, 10_000);
    if versus.wants(GROUP, "pin") {
        let collector = seize::Collector::new();
        versus.compare(
            (GROUP, "pin", "ns"),
            31,
            || cost(count, || pass(epoch::pin())),
            vec![
                Contender::new("crossbeam-epoch", || cost(count, || pass(crossbeam_epoch::pin()))),
                Contender::new("kovan", || cost(count, || pass(kovan::pin()))),
                Contender::new("sdd", || cost(count, || pass(sdd::Guard::new()))),
                Contender::new("seize", || cost(count, || pass(collector.enter()))),
            ],
        );
    }
    if versus.wants(GROUP, "pin_handle") {
        let mut handle = Epoch::new().register();
        let theirs = crossbeam_epoch::Collector::new().register();
        versus.compare(
            (GROUP, "pin_handle", "ns"),
            31,
            || cost(count, || pass(handle.pin())),
            vec![Contender::new("crossbeam-epoch", || cost(count, || pass(theirs.pin())))],
        );
    }
    if versus.wants(GROUP, "pin_idle_1024") {
        let (crowded, alone) = (Epoch::new(), Epoch::new());
        let idle: Vec<_> = (0..1_024).map(|_| crowded.register()).collect();
        let (mut handle, mut lonely) = (crowded.register(), alone.register());
        let collector = crossbeam_epoch::Collector::new();
        let their_idle: Vec<_> = (0..1_024).map(|_| collector.register()).collect();
        let theirs = collector.register();
        versus.compare(
            (GROUP, "pin_idle_1024", "ns"),
            31,
            || cost(count, || pass(handle.pin())),
            vec![
                Contender::new("latchwork-reclaim", || cost(count, || pass(lonely.pin()))),
                Contender::new("crossbeam-epoch", || cost(count / 10, || pass(theirs.pin()))),
            ],
        );
        drop((idle, their_idle));
    }
}

/// Ends a guard after something that the compiler can't see into. The guard itself is not shown to
/// it: to spill it would add stores of the measurement's own to the two of the guard.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a part of the loop that is measured")]
fn pass<G>(guard: G) {
    black_box(());
    drop(guard);
}
