//! `cargo bench -p latchwork-benches --bench treiber`: for the habit of it; `cargo versus` compares.

use criterion::{Criterion, criterion_group, criterion_main};
use latchwork_treiber::{ArrayStack, Mailbox, Stack};
use std::hint::black_box;

fn stacks(c: &mut Criterion) {
    let mut group = c.benchmark_group("treiber");
    let array = ArrayStack::new(1024);
    group.bench_function("ArrayStack: push, pop", |b| {
        b.iter(|| {
            array.push(black_box(1_u64)).expect("room");
            array.pop()
        });
    });
    let mut handle = array.handle();
    group.bench_function("ArrayStack: push, pop, with a handle", |b| {
        b.iter(|| {
            handle.push(black_box(1)).expect("room");
            handle.pop()
        });
    });
    let stack = Stack::new();
    let mut handle = stack.handle();
    group.bench_function("Stack: push, pop, with a handle", |b| {
        b.iter(|| {
            handle.push(black_box(1_u64));
            handle.pop()
        });
    });
    let mailbox = Mailbox::new();
    group.bench_function("Mailbox: 16 pushes, one take", |b| {
        b.iter(|| {
            (0..16).for_each(|value: u64| {
                mailbox.push(black_box(value));
            });
            mailbox.drain_fifo().count()
        });
    });
    group.finish();
}

criterion_group!(benches, stacks);
criterion_main!(benches);
