//! A place for one waker serves one task.
//!
//! A flush is under way; two tasks wait for its end. Each leaves its waker where the flush finds
//! it, and there is one such place: the second waker replaces the first. The flush wakes whom it
//! finds, and the other task sleeps for ever.
//!
//! The fix: each task has a place of its own, and the flush goes through all of them.
//!
//! Reference: spacejam/sled #1241 and #1308 (`flush_async` is never woken where several poll it).

use latchwork_sync::Event;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::block_on;
use latchwork_sync::thread;

use super::{Bug, DEADLOCK};

pub(super) const BUG: Bug = Bug {
    name: "overwritten_waker",
    twin: "one_place_for_two",
    fails_with: DEADLOCK,
    bound: Some(2),
    fixed: scene::<false>,
    broken: scene::<true>,
};

fn scene<const SHARED: bool>() -> String {
    let ends = Arc::new([Event::new(), Event::new()]);
    let place = |task: usize| if SHARED { 0 } else { task };
    let tasks = [0, 1].map(|task| {
        let ends = Arc::clone(&ends);
        thread::spawn(move || {
            let end = &ends[place(task)];
            let asleep = !end.is_set();
            block_on(end.wait_async());
            asleep
        })
    });
    for end in ends.iter() {
        end.set();
    }
    let asleep = tasks.map(|task| task.join().unwrap());
    format!("{asleep:?}")
}
