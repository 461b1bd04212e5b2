//! Four push, one takes everything: processor time an item, and the time of a late push.

use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_queue::SegQueue;
use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu, wall};
use latchwork_treiber::intrusive::{Mailbox, Node};

use super::GROUP;

const PRODUCERS: usize = 4;
const ROW: &str = "drain_4p";

type Arena = Vec<Node<u64>>;

/// Nodes for each producer, at home.
fn arenas(each: u64) -> Vec<Arena> {
    (0..PRODUCERS).map(|_| (0..each).map(Node::new).collect()).collect()
}

fn numbers(each: u64) -> Vec<std::ops::Range<u64>> {
    (0..PRODUCERS).map(|_| 0..each).collect()
}

/// Runs the producers beside one that takes until they are done and nothing is left.
fn beside<I, R>(
    producers: Vec<I>,
    produce: impl Fn(I) -> R + Sync,
    mut take: impl FnMut() -> u64 + Send,
) -> Vec<R>
where
    I: Send,
    R: Send,
{
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (done, produce) = (&done, &produce);
        let taker = scope.spawn(move || {
            // Asked before the look, so that nothing pushed before it is left.
            while !done.load(Ordering::Acquire) | (take() > 0) {
                thread::yield_now();
            }
        });
        let threads: Vec<_> =
            producers.into_iter().map(|items| scope.spawn(move || produce(items))).collect();
        let results = threads.into_iter().map(|it| it.join().expect("no panic")).collect();
        done.store(true, Ordering::Release);
        taker.join().expect("no panic");
        results
    })
}

/// Processor time an item, of all threads.
fn item<I: IntoIterator<IntoIter: Send> + Send>(
    each: u64,
    items: Vec<I>,
    push: impl Fn(I::Item) + Sync,
    take: impl FnMut() -> u64 + Send,
) -> f64 {
    let watch = Stopwatch::start(process_cpu);
    beside(items, |items| items.into_iter().for_each(&push), take);
    watch.per(each * PRODUCERS as u64)
}

/// The 99.9th percentile of the real time of one push.
#[allow(clippy::cast_precision_loss, reason = "a measurement has fewer digits than an f64")]
fn late<I: IntoIterator<IntoIter: Send> + Send>(
    each: u64,
    items: Vec<I>,
    push: impl Fn(I::Item) + Sync,
    take: impl FnMut() -> u64 + Send,
) -> f64 {
    let produce = |items: I| {
        let mut times = Vec::with_capacity(each as usize);
        for item in items {
            let start = wall();
            push(item);
            times.push(wall() - start);
        }
        times
    };
    let mut times: Vec<Duration> = beside(items, produce, take).into_iter().flatten().collect();
    times.sort_unstable();
    times[times.len() * 999 / 1000].as_nanos() as f64
}

/// Measures each way of passing items by one of the two functions above.
macro_rules! ways {
    ($measure:ident, $n:expr) => {{
        let n: u64 = $n;
        let ours = move || {
            let mut arenas = arenas(n);
            let mailbox = Mailbox::new();
            let take = || {
                mailbox
                    .drain_fifo()
                    .map(|node: &mut Node<u64>| std::hint::black_box(**node))
                    .count() as u64
            };
            $measure(
                n,
                arenas.iter_mut().collect(),
                |node| {
                    mailbox.push(node);
                },
                take,
            )
        };
        let queue = move || {
            let queue = SegQueue::new();
            let take =
                || std::iter::from_fn(|| queue.pop()).map(std::hint::black_box).count() as u64;
            $measure(n, numbers(n), |value| queue.push(value), take)
        };
        let swap = move || {
            let (vector, mut other) = (Mutex::new(Vec::new()), Vec::new());
            let take = || {
                mem::swap(&mut *vector.lock().expect("nobody panics"), &mut other);
                other.drain(..).map(std::hint::black_box).count() as u64
            };
            let push = |value| vector.lock().expect("nobody panics").push(value);
            $measure(n, numbers(n), push, take)
        };
        (ours, vec![Contender::new("crossbeam-queue", queue), Contender::new("std", swap)])
    }};
}

pub(crate) fn run(versus: &mut Versus) {
    if !versus.wants(GROUP, ROW) {
        return;
    }
    let (ours, peers) = ways!(item, versus.sized(100_000, 5_000));
    versus.compare((GROUP, ROW, "cpu ns/item"), 21, ours, peers);
    let (ours, peers) = ways!(late, versus.sized(50_000, 5_000));
    versus.compare((GROUP, ROW, "push p99.9 ns"), 21, ours, peers);
}
