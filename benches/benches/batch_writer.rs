//! `cargo bench -p latchwork-benches --bench batch_writer`: for the habit of it; `cargo versus`
//! compares.

use criterion::{Criterion, criterion_group, criterion_main};
use latchwork_batch_writer::{BatchWriter, log::Log, sinks::Memory};

fn submits(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch-writer");
    let writer = BatchWriter::new(Memory::<u64>::new());
    group.bench_function("submit, memory", |b| {
        b.iter(|| writer.submit(1).expect("memory doesn't fail"));
    });
    let directory = std::env::current_exe().expect("a path").with_extension("log");
    let log = Log::<[u8; 128]>::options().open(&directory, |_| ()).expect("a writable directory");
    let writer = BatchWriter::new(log);
    group.bench_function("submit, log, synced", |b| {
        b.iter(|| writer.submit([7; 128]).expect("the disk works"));
    });
    group.finish();
    writer.close().expect("the disk works");
    std::fs::remove_dir_all(directory).expect("it was made above");
}

criterion_group!(benches, submits);
criterion_main!(benches);
