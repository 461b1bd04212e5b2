//! `treiber` against its peers: queues, locked vectors and other stacks.

use std::sync::Mutex;

use latchwork_benches::{Contender, Stopwatch, Versus, thread_cpu};
use latchwork_treiber::{ArrayStack, Handle, Stack};

#[path = "treiber/bags.rs"]
mod bags;
#[path = "treiber/drain.rs"]
mod drain;
#[path = "treiber/threads.rs"]
mod threads;

use bags::{Bag, EpochStack};

const GROUP: &str = "treiber";
const UNIT: &str = "ns/pair";
/// Room in the bounded ones.
const CAPACITY: usize = 4095;

/// Push and pop in turn, 64 below: processor time a pair.
fn pairs(bag: &mut impl Bag, pairs: u64) -> f64 {
    for value in 0..64 {
        bag.push(value);
    }
    let watch = Stopwatch::start(thread_cpu);
    for value in 0..pairs {
        bag.push(value);
        std::hint::black_box(bag.pop());
    }
    let cost = watch.per(pairs);
    while bag.pop().is_some() {}
    cost
}

/// 256 pushes, then 256 pops: processor time a pair.
fn bursts(bag: &mut impl Bag, pairs: u64) -> f64 {
    let watch = Stopwatch::start(thread_cpu);
    for _ in 0..pairs / 256 {
        for value in 0..256 {
            bag.push(value);
        }
        for _ in 0..256 {
            std::hint::black_box(bag.pop());
        }
    }
    watch.per(pairs / 256 * 256)
}

fn handles(versus: &mut Versus) {
    let n = versus.sized(200_000, 10_000);
    let rounds = 41;
    let array = ArrayStack::with_parties(CAPACITY, 1);
    let stack = Stack::with_capacity(CAPACITY);
    macro_rules! row {
        ($row:literal, $work:ident, $handle:expr) => {
            if versus.wants(GROUP, $row) {
                let mut handle = $handle;
                versus.compare(
                    (GROUP, $row, UNIT),
                    rounds,
                    || $work(&mut handle, n),
                    vec![
                        Contender::new("std", || $work(&mut &Mutex::new(Vec::new()), n)),
                        Contender::new("crossbeam-queue", || {
                            $work(&mut &crossbeam_queue::SegQueue::new(), n)
                        }),
                        Contender::new("parking_lot", || {
                            $work(&mut &parking_lot::Mutex::new(Vec::new()), n)
                        }),
                    ],
                );
            }
        };
    }
    row!("pair_handle", pairs, array.handle());
    row!("pair_handle_burst", bursts, array.handle());
    row!("pair_handle_unbounded", pairs, stack.handle());
    row!("pair_handle_burst_unbounded", bursts, stack.handle());
}

fn shared(versus: &mut Versus) {
    let n = versus.sized(100_000, 10_000);
    let rounds = 31;
    let array = ArrayStack::with_parties(CAPACITY, 1);
    let stack = Stack::with_capacity(CAPACITY);
    let peers = || {
        vec![
            Contender::new("std", || pairs(&mut &Mutex::new(Vec::new()), n)),
            Contender::new("crossbeam-epoch", || pairs(&mut &EpochStack::new(), n)),
            Contender::new("lockfree", || pairs(&mut &lockfree::stack::Stack::new(), n)),
            Contender::new("sdd", || pairs(&mut &sdd::Stack::default(), n)),
            Contender::new("crossbeam-queue", || pairs(&mut &crossbeam_queue::SegQueue::new(), n)),
            Contender::new("concurrent-queue", || {
                pairs(&mut &concurrent_queue::ConcurrentQueue::unbounded(), n)
            }),
        ]
    };
    if versus.wants(GROUP, "pair") {
        versus.compare((GROUP, "pair", UNIT), rounds, || pairs(&mut &array, n), peers());
    }
    if versus.wants(GROUP, "pair_unbounded") {
        versus.compare((GROUP, "pair_unbounded", UNIT), rounds, || pairs(&mut &stack, n), peers());
    }
}

pub(crate) fn rows(versus: &mut Versus) {
    handles(versus);
    shared(versus);
    drain::run(versus);
    threads::run(versus);
}
