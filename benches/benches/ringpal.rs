//! `cargo bench -p latchwork-benches --bench ringpal`: for the habit of it; `cargo versus` compares.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use latchwork_ringpal::{File, PageWrite, Ring};

fn batches(c: &mut Criterion) {
    let ring = Ring::new().expect("a ring or a pool");
    println!("{}", ring.info());
    let path = std::env::current_exe().expect("a path").with_extension("pages");
    let options = File::options().read(true).write(true).create(true);
    let file = options.open(&path).expect("the directory of the build is writable");
    let page = [7; 4096];
    let mut group = c.benchmark_group("ringpal");
    for count in [1_u64, 32] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("no-ops", count), |b| {
            b.iter(|| ring.nop(count as usize).expect("a ring at work"));
        });
        let pages: Vec<_> =
            (0..count).map(|number| PageWrite { offset: number * 4096, data: &page }).collect();
        group.bench_function(BenchmarkId::new("buffered writes", count), |b| {
            b.iter(|| ring.write_pages(&file, &pages).expect("the disk works"));
        });
    }
    group.finish();
    std::fs::remove_file(path).expect("it was made above");
}

criterion_group!(benches, batches);
criterion_main!(benches);
