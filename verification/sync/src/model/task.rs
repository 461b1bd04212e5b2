//! Tasks of a model: a thread that drives one future.

use core::pin::pin;
use core::task::{Context, Poll};
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::atomic::{AtomicU32, Ordering};
use crate::wait::{Address, Class, wait, wake_one};

/// The word that a task sleeps on: 1 once it has been woken.
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: pairs with the swap in `block_on`, as every executor promises.
        self.0.store(1, Ordering::Release);
        wake_one(Address::of(&self.0));
    }
}

/// Drives a future to its end on the calling thread of the model, which sleeps in between.
///
/// A task that nobody wakes is a deadlock, which fails the model.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let task = Arc::new(Task(AtomicU32::new(0)));
    let waker = Waker::from(Arc::clone(&task));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // Acquire: pairs with the store in `wake_by_ref`.
        while task.0.swap(0, Ordering::Acquire) == 0 {
            wait(&task.0, 0, Class::ANY, None);
        }
    }
}
