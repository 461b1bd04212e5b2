//! `cargo bench -p latchwork-benches --bench reclaim`: for the habit of it; `cargo versus` compares.

use criterion::{Criterion, criterion_group, criterion_main};
use latchwork_reclaim::{Atomic, Epoch, Guard, Owned, Snapshot, epoch};
use std::hint::black_box;
use std::sync::atomic::Ordering::AcqRel;

fn guards(c: &mut Criterion) {
    let mut group = c.benchmark_group("reclaim");
    group.bench_function("pin, unpin", |b| b.iter(|| drop(black_box(epoch::pin()))));
    let mut handle = Epoch::new().register();
    group.bench_function("pin, unpin, by a handle", |b| b.iter(|| drop(black_box(handle.pin()))));
    let cell = Atomic::new(Owned::new(0_u64));
    group.bench_function("allocate, swap, retire", |b| {
        b.iter(|| {
            let guard = epoch::pin();
            let old = cell.swap(Owned::new(1), AcqRel, &guard);
            // SAFETY: the cell was the only way to it.
            unsafe { guard.retire(old) };
        });
    });
    let snapshot = Snapshot::new(0_u64);
    group.bench_function("Snapshot: load", |b| {
        b.iter(|| *snapshot.load(&epoch::pin()));
    });
    group.bench_function("Snapshot: store", |b| b.iter(|| snapshot.store(1, &epoch::pin())));
    group.finish();
}

criterion_group!(benches, guards);
criterion_main!(benches);
