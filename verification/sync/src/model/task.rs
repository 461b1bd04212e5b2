//! Tasks of a model: a thread that drives one future.

use core::pin::pin;
use core::task::{Context, Poll};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};

use crate::atomic::{AtomicU32, Ordering};
use crate::model::threads;
use crate::wait::{Address, Class, wait, wake_one};

/// A task, driven by one thread.
struct Task {
    /// What it sleeps on: 1 once it has been woken.
    word: AtomicU32,
    thread: usize,
    /// Whether it has woken itself, that is, asks to be polled after others had their turn.
    yields: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Relaxed, less than an executor promises: what a task sees should come from what it polls.
        self.word.store(1, Ordering::Relaxed);
        if threads::me() == self.thread {
            self.yields.store(true, Ordering::Relaxed);
        } else {
            wake_one(Address::of(&self.word));
        }
    }
}

/// Drives a future to its end on the calling thread of the model, which sleeps in between.
///
/// A task that nobody wakes is a deadlock, which fails the model.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let task = Arc::new(Task {
        word: AtomicU32::new(0),
        thread: threads::me(),
        yields: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&task));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        if task.yields.swap(false, Ordering::Relaxed) {
            threads::yield_now();
        }
        // Relaxed: see `wake_by_ref`.
        while task.word.swap(0, Ordering::Relaxed) == 0 {
            wait(&task.word, 0, Class::ANY, None);
        }
    }
}
