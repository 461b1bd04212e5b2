//! Eight threads on whatever processors there are, against one.
//!
//! Pushes and pops of one stack come one after the other, however many processors there are. So
//! the cost of a pair is looked at twice: as real time, which is what the threads get done
//! together, and as processor time, which counts what the losers of races spend on pausing.

use std::sync::Mutex;
use std::thread;

use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu, wall};
use latchwork_treiber::{ArrayStack, Stack};

use super::GROUP;
use super::bags::{Bag, EpochStack};

/// The time of a pair, of so many threads together.
fn together<B: Bag>(
    clock: fn() -> std::time::Duration,
    threads: u64,
    pairs: u64,
    bag: impl Fn() -> B + Sync,
) -> f64 {
    let each = pairs / threads;
    let watch = Stopwatch::start(clock);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut bag = bag();
                for value in 0..each {
                    bag.push(value);
                    std::hint::black_box(bag.pop());
                }
            });
        }
    });
    watch.per(each * threads)
}

pub(crate) fn run(versus: &mut Versus) {
    let n = versus.sized(1_600_000, 80_000);
    let array = ArrayStack::with_parties(1023, 8);
    let stack = Stack::with_capacity(1023);
    macro_rules! row {
        ($row:literal, $bag:expr) => {
            if versus.wants(GROUP, $row) {
                for (clock, unit) in
                    [(wall as fn() -> _, "wall ns/pair"), (process_cpu as fn() -> _, "cpu ns/pair")]
                {
                    let n = n / 2;
                    let peers = vec![
                        Contender::new("ours alone", || together(clock, 1, n, $bag)),
                        Contender::new("std", || {
                            let vector = Mutex::new(Vec::new());
                            together(clock, 8, n, || &vector)
                        }),
                        Contender::new("crossbeam-queue", || {
                            let queue = crossbeam_queue::SegQueue::new();
                            together(clock, 8, n, || &queue)
                        }),
                        Contender::new("crossbeam-epoch", || {
                            let stack = EpochStack::new();
                            together(clock, 8, n / 4, || &stack)
                        }),
                    ];
                    let ours = || together(clock, 8, n, $bag);
                    versus.compare((GROUP, $row, unit), 15, ours, peers);
                }
            }
        };
    }
    row!("pair_8t", || &array);
    row!("pair_8t_handle", || array.handle());
    row!("pair_8t_unbounded", || &stack);
}
