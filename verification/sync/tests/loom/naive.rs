//! The smallest event for a task, with a mistake to choose: each is one that the facade's event is
//! built to avoid.

use std::task::{Context, Poll, Waker};

use latchwork_sync::atomic::{AtomicMut, AtomicU32, Ordering};
use latchwork_sync::cell::UnsafeCell;

use crate::shared::Shared;

/// No mistake.
pub(crate) const NONE: u8 = 0;
/// The setter raises the flag first and takes the waker out of the event then.
pub(crate) const TAKEN_AFTER_SET: u8 = 1;
/// The waiter looks at the flag, and then leaves its waker without looking again.
pub(crate) const CHECK_THEN_PARK: u8 = 2;
/// The waiter overwrites its older waker while a setter may be taking it.
pub(crate) const REPLACED_IN_PLACE: u8 = 3;

const EMPTY: u32 = 0;
const SET: u32 = 1;
const TASK: u32 = 2;
const CLAIMED: u32 = 3;

pub(crate) struct Naive<const BUG: u8> {
    state: AtomicU32,
    waker: UnsafeCell<Option<Waker>>,
    alive: Shared<bool>,
}

// SAFETY: sharing it is what the scene is about: loom reports what races.
unsafe impl<const BUG: u8> Sync for Naive<BUG> {}

impl<const BUG: u8> Naive<BUG> {
    pub(crate) fn new() -> Self {
        let state = AtomicU32::new(EMPTY);
        Self { state, waker: UnsafeCell::new(None), alive: Shared::new(true) }
    }

    /// The waiter has left and counts the event as gone.
    pub(crate) fn freed(&self) {
        self.alive.set(false);
    }

    fn take(&self) -> Option<Waker> {
        self.alive.get();
        // SAFETY: loom reports a race.
        self.waker.with_mut(|waker| unsafe { (*waker).take() })
    }

    pub(crate) fn set(&self) {
        if BUG == TAKEN_AFTER_SET {
            if self.state.swap(SET, Ordering::AcqRel) == TASK {
                self.take().unwrap().wake();
            }
            return;
        }
        let mut waker = None;
        loop {
            let seen = self.state.load(Ordering::Relaxed);
            let exchange = |to| {
                self.state.compare_exchange(seen, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            };
            if seen == TASK {
                if exchange(CLAIMED) {
                    waker = self.take();
                }
            } else if exchange(SET) {
                break;
            }
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_wait(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut seen = self.state.load(Ordering::Acquire);
        if seen == TASK && BUG != REPLACED_IN_PLACE {
            let taken_back =
                self.state.compare_exchange(TASK, EMPTY, Ordering::Acquire, Ordering::Acquire);
            seen = taken_back.map_or_else(|now| now, |_| EMPTY);
        }
        if seen == SET {
            return Poll::Ready(());
        }
        if seen == CLAIMED {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // SAFETY: loom reports a race.
        self.waker.with_mut(|waker| unsafe { *waker = Some(context.waker().clone()) });
        if BUG == CHECK_THEN_PARK {
            self.state.store(TASK, Ordering::Release);
            return Poll::Pending;
        }
        match self.state.compare_exchange(seen, TASK, Ordering::Release, Ordering::Acquire) {
            Ok(_) => Poll::Pending,
            Err(SET) => Poll::Ready(()),
            Err(_) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<const BUG: u8> Drop for Naive<BUG> {
    fn drop(&mut self) {
        self.state.load_mut();
    }
}
