//! Eight threads on whatever processors there are, against one.

use std::thread;

use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu};
use latchwork_treiber::{ArrayStack, Stack};

use super::GROUP;
use super::bags::Bag;

/// Processor time a pair, of so many threads together.
fn together<B: Bag>(threads: u64, pairs: u64, bag: impl Fn() -> B + Sync) -> f64 {
    let each = pairs / threads;
    let watch = Stopwatch::start(process_cpu);
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
                let alone = Contender::new("ours alone", || together(1, n, $bag));
                versus.compare(
                    (GROUP, $row, "cpu ns/pair"),
                    21,
                    || together(8, n, $bag),
                    vec![alone],
                );
            }
        };
    }
    row!("pair_8t", || &array);
    row!("pair_8t_handle", || array.handle());
    row!("pair_8t_unbounded", || &stack);
}
