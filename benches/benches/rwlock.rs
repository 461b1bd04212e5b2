//! `cargo bench -p latchwork-benches --bench rwlock`: for the habit of it; `cargo versus` compares.

use criterion::{Criterion, criterion_group, criterion_main};
use latchwork_rwlock::RwLock;

fn pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("rwlock");
    let lock: RwLock<u64> = RwLock::new(0);
    group.bench_function("read", |b| b.iter(|| *lock.read()));
    group.bench_function("write", |b| b.iter(|| *lock.write() += 1));
    group.bench_function("write, downgrade", |b| {
        b.iter(|| *latchwork_rwlock::RwLockWriteGuard::downgrade(lock.write()));
    });
    group.finish();
}

criterion_group!(benches, pairs);
criterion_main!(benches);
