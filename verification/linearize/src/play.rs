//! Lists of calls, played by one thread each.

use core::fmt::Debug;
use core::ops::RangeInclusive;

use latchwork_sync::thread;
use proptest::collection::vec;
use proptest::strategy::Strategy;

use crate::{Clock, History};

/// Runs each list of calls on a thread of its own and records them. `worker` is called on each
/// thread with its number and makes what executes the calls there, such as a handle.
///
/// The threads are the machine's, or in a checking build those of the model that calls this.
///
/// # Panics
///
/// When a call panics.
pub fn play<C, R, W>(
    lists: Vec<Vec<C>>,
    worker: impl Fn(usize) -> W + Clone + Send + 'static,
) -> History<C, R>
where
    C: Send + 'static,
    R: Send + 'static,
    W: FnMut(&C) -> R,
{
    let clock = Clock::new();
    let start = Start::new(lists.len());
    let threads: Vec<_> = lists
        .into_iter()
        .map(|list| {
            let (mut log, worker, start) = (clock.log(), worker.clone(), start.clone());
            thread::spawn(move || {
                let mut run = worker(log.thread());
                start.wait();
                for call in list {
                    log.record(call, &mut run);
                }
                log
            })
        })
        .collect();
    // All are joined before a panic is passed on, so that none outlives the call.
    let ended: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
    History::of(ended.into_iter().map(|log| log.expect("no call panics")))
}

/// Lets real threads start together; an explorer needs no such help.
#[derive(Clone)]
struct Start {
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    all: std::sync::Arc<std::sync::Barrier>,
}

impl Start {
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    fn new(threads: usize) -> Self {
        Self { all: std::sync::Arc::new(std::sync::Barrier::new(threads)) }
    }

    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    fn wait(&self) {
        self.all.wait();
    }

    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    fn new(_threads: usize) -> Self {
        Self {}
    }

    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    #[allow(clippy::unused_self, reason = "as on the real machine")]
    fn wait(&self) {}
}

/// Lists of calls for [`play`], which shrink to fewer threads, shorter lists, simpler calls.
///
/// ```
/// use latchwork_linearize::{lists, objects::stack};
/// use proptest::prelude::*;
///
/// let call = prop_oneof![
///     any::<u8>().prop_map(stack::Call::Push),
///     Just(stack::Call::Pop),
/// ];
/// proptest!(|(lists in lists(call, 2..=3, 1..=4))| {
///     prop_assert!(lists.iter().all(|calls| calls.len() <= 4));
/// });
/// ```
pub fn lists<S>(
    call: S,
    threads: RangeInclusive<usize>,
    each: RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<Vec<S::Value>>>
where
    S: Strategy,
    S::Value: Clone + Debug,
{
    vec(vec(call, each), threads)
}
