//! What a probe costs those that needn't wait, against the lock without one; and where it measures
//! each hold, against that lock with two looks at the probe's clock.

use std::hint::black_box;

use latchwork_benches::{Contender, Stopwatch, Versus, thread_cpu};
use latchwork_rwlock::probe::{
    Coarse, Full, Level, NoProbe, Probe, Probed, Sampled, Sites, Ticked,
};
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

/// The least that a read can cost that is measured: the clock at both ends.
fn timed_reads<L: Level>(pairs: u64) -> f64 {
    let lock = Watched::<NoProbe>::new([0; 2]);
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs {
        let words = black_box(&lock).read();
        let since = L::now();
        black_box(words[0]);
        drop(words);
        black_box(L::now() - since);
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
    type Named = (&'static str, Pass);
    let plain: Named = ("plain", reads::<NoProbe>);
    let rows: [(&str, Pass, &[Named]); 8] = [
        ("probe_off", reads::<NoProbe>, &[("core", core_reads)]),
        ("probe_sites", reads::<Probed<Sites>>, &[plain]),
        ("probe_sites_write", writes::<Probed<Sites>>, &[("plain", writes::<NoProbe>)]),
        ("probe_sampled", reads::<Probed<Sampled>>, &[plain]),
        ("probe_sampled_write", writes::<Probed<Sampled>>, &[("plain", writes::<NoProbe>)]),
        ("probe_ticked", reads::<Probed<Ticked>>, &[plain, ("clock", timed_reads::<Ticked>)]),
        ("probe_coarse", reads::<Probed<Coarse>>, &[plain, ("clock", timed_reads::<Coarse>)]),
        ("probe_full", reads::<Probed<Full>>, &[plain, ("clock", timed_reads::<Full>)]),
    ];
    let pairs = versus.sized(300_000, 10_000);
    for (row, ours, peers) in rows {
        if versus.wants("rwlock", row) {
            let contender = |&(name, pass): &Named| Contender::new(name, move || pass(pairs));
            let peers = peers.iter().map(contender).collect();
            versus.compare(("rwlock", row, "ns/pair"), 31, || ours(pairs), peers);
        }
    }
}
