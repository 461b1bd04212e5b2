//! What a probe costs those that needn't wait, against the lock without one.

use std::hint::black_box;

use latchwork_benches::{Contender, Stopwatch, Versus, thread_cpu};
use latchwork_rwlock::probe::{Coarse, Full, NoProbe, Probe, Probed, Sampled, Sites};
use latchwork_rwlock::raw::Core;
use latchwork_rwlock::{Bounded, RwLock};

use super::{Words, add};

type Watched<O> = RwLock<Words, Bounded, O>;

fn reads<O: Probe>(pairs: u64) -> f64 {
    let lock = Watched::<O>::new([0; 2]);
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        black_box(black_box(&lock).read()[0]);
    }
    watch.per(pairs)
}

fn writes<O: Probe>(pairs: u64) -> f64 {
    let lock = Watched::<O>::new([0; 2]);
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        add(black_box(&lock).write());
    }
    watch.per(pairs)
}

/// The lock below the guards, which knows of no probe.
fn core_reads(pairs: u64) -> f64 {
    let core: Core = Core::new(Bounded::new());
    let words: Words = [0; 2];
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        let core = black_box(&core);
        assert!(core.lock_shared(None));
        black_box(words[0]);
        // SAFETY: acquired above.
        unsafe { core.unlock_shared() };
    }
    watch.per(pairs)
}

pub(super) fn rows(versus: &mut Versus) {
    type Pass = fn(u64) -> f64;
    let rows: [(&str, Pass, &str, Pass); 7] = [
        ("probe_off", reads::<NoProbe>, "core", core_reads),
        ("probe_sites", reads::<Probed<Sites>>, "plain", reads::<NoProbe>),
        ("probe_sites_write", writes::<Probed<Sites>>, "plain", writes::<NoProbe>),
        ("probe_sampled", reads::<Probed<Sampled>>, "plain", reads::<NoProbe>),
        ("probe_sampled_write", writes::<Probed<Sampled>>, "plain", writes::<NoProbe>),
        ("probe_coarse", reads::<Probed<Coarse>>, "plain", reads::<NoProbe>),
        ("probe_full", reads::<Probed<Full>>, "plain", reads::<NoProbe>),
    ];
    let pairs = versus.sized(300_000, 10_000);
    for (row, ours, peer, plain) in rows {
        if versus.wants("rwlock", row) {
            let plain = Contender::new(peer, || plain(pairs));
            versus.compare(("rwlock", row, "ns/pair"), 31, || ours(pairs), vec![plain]);
        }
    }
}
