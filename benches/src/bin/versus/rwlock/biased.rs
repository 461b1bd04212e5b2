//! The biased lock: reads that don't meet, and what the bias costs where there are writes.

use latchwork_benches::{Contender, Versus};

use super::Words;
use super::threads::{Load, cost};

pub(super) fn rows(versus: &mut Versus) {
    type Biased = latchwork_rwlock::biased::ReadBiased<Words>;
    type Plain = latchwork_rwlock::RwLock<Words>;
    let time = std::time::Duration::from_millis(versus.sized(20, 5));
    for (row, threads, writes) in [
        ("biased_read_only_2t", 2, 0),
        ("biased_mix99_2t", 2, 1),
        ("biased_mix90_2t", 2, 10),
        ("biased_mix90_8t", 8, 10),
    ] {
        if versus.wants("rwlock", row) {
            let load = Load { threads, writes, time };
            let peers = vec![
                Contender::new("plain", || cost::<Plain>(load)),
                Contender::new("parking_lot", || cost::<parking_lot::RwLock<Words>>(load)),
            ];
            let ours = || cost::<Biased>(load);
            versus.compare(("rwlock", row, "ns/op"), 31, ours, peers);
        }
    }
}
