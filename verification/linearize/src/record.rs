//! Recording: one clock a run, one log a thread.

// Not the facade's: a stamp must be no step of a model, and give it no synchronisation.
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use crate::Operation;

/// The order of the starts and ends of one run.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stamps: AtomicU64,
    threads: AtomicUsize,
}

impl Clock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// A log for one thread, which gets the next number.
    pub fn log<C, R>(&self) -> Log<C, R> {
        let thread = self.0.threads.fetch_add(1, Ordering::Relaxed);
        Log { clock: self.clone(), thread, operations: Vec::new() }
    }

    fn stamp(&self) -> u64 {
        // AcqRel pairs with the other stamps: what ended at an earlier stamp happens before what
        // starts at a later one, so a correct object can't be blamed on a real machine.
        self.0.stamps.fetch_add(1, Ordering::AcqRel)
    }
}

/// What one thread did.
#[derive(Debug)]
pub struct Log<C, R> {
    clock: Clock,
    thread: usize,
    operations: Vec<Operation<C, R>>,
}

impl<C, R> Log<C, R> {
    /// Runs one operation and records it; if it panics, as one that never returned.
    ///
    /// # Panics
    ///
    /// When `run` does.
    pub fn record(&mut self, call: C, run: impl FnOnce(&C) -> R) -> &R {
        let start = self.clock.stamp();
        self.operations.push(Operation { thread: self.thread, call, start, end: None });
        let operation = self.operations.last_mut().expect("pushed just above");
        let returned = run(&operation.call);
        let (_, returned) = operation.end.insert((self.clock.stamp(), returned));
        returned
    }

    /// The thread's number, from zero.
    pub fn thread(&self) -> usize {
        self.thread
    }

    /// What was recorded, in order.
    pub fn into_operations(self) -> Vec<Operation<C, R>> {
        self.operations
    }
}
