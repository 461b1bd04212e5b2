//! A pool of threads that do positioned I/O.
//!
//! Operations and completions cross under one lock: this is the path for systems that have no
//! ring, where each operation costs a system call and most cost a context switch.

use alloc::collections::VecDeque;
use alloc::sync::Arc as Shared;
use alloc::vec::Vec;
use core::fmt;

use latchwork_sync::lock::{Arc, Condvar, Mutex, MutexGuard};
use latchwork_sync::thread::{JoinHandle, spawn_named};

use super::door::sleep;
use super::system::{codes, perform};
use super::{Backend, Completion, RawOp, Wait, Wake};
use crate::engine::{Flaws, Sound};

struct Queues {
    todo: VecDeque<(RawOp, u32)>,
    done: Vec<Completion>,
    rung: bool,
    driver_waits: bool,
    closing: bool,
}

// SAFETY: the operations' files and memory stay until their completion, by `push`'s contract.
unsafe impl Send for Queues {}

struct Office {
    queues: Mutex<Queues>,
    work: Condvar,
    driver: Condvar,
}

impl Office {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        // Nothing under the lock panics, so poison would say nothing.
        self.queues.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn work<F: Flaws>(&self) {
        let mut queues = self.queues();
        loop {
            if let Some((op, key)) = queues.todo.pop_front() {
                drop(queues);
                // SAFETY: `push`'s contract: valid until the completion below.
                let outcome = unsafe { perform(&op) };
                queues = self.queues();
                queues.done.push(Completion { key, outcome });
                if core::mem::take(&mut queues.driver_waits) && !F::COMPLETE_IN_SILENCE {
                    self.driver.notify_one();
                }
            } else if queues.closing {
                return;
            } else {
                queues = self.work.wait(queues).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
    }
}

/// Rings at the driver's door.
struct Bell(Arc<Office>);

impl Wake for Bell {
    fn wake(&self) {
        let mut queues = self.0.queues();
        queues.rung = true;
        if core::mem::take(&mut queues.driver_waits) {
            self.0.driver.notify_one();
        }
    }
}

/// Threads that do what is pushed.
pub struct Pool {
    office: Arc<Office>,
    workers: Vec<JoinHandle<()>>,
    capacity: u32,
    staged: Vec<(RawOp, u32)>,
}

// SAFETY: as for `Queues`.
unsafe impl Send for Pool {}

impl Pool {
    /// A pool of `workers` threads, or of as many as the system gives.
    ///
    /// # Errors
    ///
    /// The system's, where it gives none.
    pub fn new(depth: u32, workers: usize) -> std::io::Result<Self> {
        Self::flawed::<Sound>(depth, workers)
    }

    /// The same, with bugs that a model can put back.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn flawed<F: Flaws>(depth: u32, workers: usize) -> std::io::Result<Self> {
        let capacity = depth.max(1);
        let queues = Queues {
            todo: VecDeque::with_capacity(capacity as usize),
            done: Vec::with_capacity(capacity as usize),
            rung: false,
            driver_waits: false,
            closing: false,
        };
        let office = Arc::new(Office {
            queues: Mutex::new(queues),
            work: Condvar::new(),
            driver: Condvar::new(),
        });
        let mut pool = Self { office, workers: Vec::new(), capacity, staged: Vec::new() };
        for _ in 0..workers.max(1) {
            let office = Arc::clone(&pool.office);
            match spawn_named("ringpal-worker", move || office.work::<F>()) {
                Ok(worker) => pool.workers.push(worker),
                Err(error) if pool.workers.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(pool)
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.len()
    }
}

// SAFETY: a worker completes what it takes exactly once and then forgets it; what nobody has
// taken is completed by `abandon`, which is never called, since `submit` doesn't fail.
unsafe impl Backend for Pool {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        self.staged.push((*op, key));
    }

    fn cancel(&mut self, key: u32) {
        let cancelled = Completion { key, outcome: Err(codes::CANCELLED) };
        let mut queues = self.office.queues();
        if let Some(at) = self.staged.iter().position(|(_, staged)| *staged == key) {
            self.staged.swap_remove(at);
            queues.done.push(cancelled);
        } else if let Some(at) = queues.todo.iter().position(|(_, todo)| *todo == key) {
            queues.todo.remove(at);
            queues.done.push(cancelled);
        }
        // Else a worker has it, or it is done: a call that has begun can't be called back.
    }

    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        let fresh = self.staged.len();
        if fresh == 0 && wait == Wait::No {
            return Ok(());
        }
        let mut queues = self.office.queues();
        queues.todo.extend(self.staged.drain(..));
        if fresh >= self.workers.len() {
            self.office.work.notify_all();
        } else {
            (0..fresh).for_each(|_| self.office.work.notify_one());
        }
        while wait != Wait::No && queues.done.is_empty() && !core::mem::take(&mut queues.rung) {
            queues.driver_waits = true;
            let Some(awake) = sleep(&self.office.driver, queues, wait) else {
                queues = self.office.queues();
                break;
            };
            queues = awake;
        }
        queues.driver_waits = false;
        Ok(())
    }

    fn reap(&mut self, into: &mut Vec<Completion>) {
        into.append(&mut self.office.queues().done);
    }

    fn abandon(&mut self, into: &mut Vec<Completion>) {
        let cancelled = |(_, key)| Completion { key, outcome: Err(codes::CANCELLED) };
        into.extend(self.staged.drain(..).map(cancelled));
    }

    fn waker(&self) -> Shared<dyn Wake> {
        Shared::new(Bell(Arc::clone(&self.office)))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.office.queues().closing = true;
        self.office.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker doesn't panic.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}
