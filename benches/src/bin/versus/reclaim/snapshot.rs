//! The snapshot cell against arc-swap.

use std::hint::black_box;
use std::sync::Arc;

use arc_swap::ArcSwap;
use latchwork_benches::{Contender, Versus};
use latchwork_reclaim::{Snapshot, epoch};

use super::{GROUP, cost};

pub(super) fn rows(versus: &mut Versus) {
    let ours = Snapshot::new(1_u64);
    let theirs = ArcSwap::from_pointee(1_u64);
    if versus.wants(GROUP, "snapshot_load") {
        let count = versus.sized(1_000_000, 10_000);
        versus.compare(
            (GROUP, "snapshot_load", "ns"),
            31,
            || {
                cost(count, || {
                    black_box(*ours.load(&epoch::pin()));
                })
            },
            vec![Contender::new("arc-swap", || {
                cost(count, || {
                    black_box(**theirs.load());
                })
            })],
        );
    }
    if versus.wants(GROUP, "snapshot_store") {
        let count = versus.sized(200_000, 5_000);
        versus.compare(
            (GROUP, "snapshot_store", "ns"),
            21,
            || cost(count, || ours.store(2, &epoch::pin())),
            vec![Contender::new("arc-swap", || cost(count, || theirs.store(Arc::new(2))))],
        );
    }
}
