//! The tests' own sink, and a crowd of submitters that hold it to what they were told.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;

use latchwork_batch_writer::{Batch, BatchWriter, Sink, SubmitError, WriteFailure};

pub(crate) type Broken = &'static str;

/// What was written, and how much of it synced.
#[derive(Debug)]
pub(crate) struct Disk<O> {
    pub(crate) written: Vec<O>,
    pub(crate) synced: usize,
    /// How many operations each batch had.
    pub(crate) batches: Vec<usize>,
    /// Syncs that were taken off it.
    pub(crate) detached: usize,
    pub(crate) closed: usize,
}

/// Keeps what it is given; each operation's output is its place. Clones are the same store, which
/// outlives its writer.
pub(crate) struct Store<O> {
    disk: Arc<Mutex<Disk<O>>>,
    gate: Option<Arc<Gate>>,
}

/// Blocks each sync until it is let go, and tells when it begins.
struct Gate {
    open: Mutex<mpsc::Receiver<()>>,
    entered: mpsc::Sender<()>,
}

impl<O> Store<O> {
    pub(crate) fn new() -> Self {
        let (written, batches) = (Vec::new(), Vec::new());
        let disk = Disk { written, synced: 0, batches, detached: 0, closed: 0 };
        Self { disk: Arc::new(Mutex::new(disk)), gate: None }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk<O>> {
        self.disk.lock().expect("nothing panics with the disk")
    }
}

impl<O> Clone for Store<O> {
    fn clone(&self) -> Self {
        Self { disk: Arc::clone(&self.disk), gate: self.gate.clone() }
    }
}

/// A store whose syncs wait for a message each, and tell when they begin. A gate whose other end is
/// gone stands open.
pub(crate) fn gated<O>() -> (Store<O>, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, gate) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    let gate = Gate { open: Mutex::new(gate), entered };
    (Store { gate: Some(Arc::new(gate)), ..Store::new() }, open, inside)
}

impl<O: Copy> Sink for Store<O> {
    type Op = O;
    type Output = usize;
    type Error = Broken;

    fn bytes(_: &O) -> usize {
        10
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, O, usize, Broken>,
    ) -> Result<(), WriteFailure<Broken>> {
        let mut disk = self.disk();
        disk.batches.push(batch.len());
        // Backwards: results go to their submitters by index.
        for index in (0..batch.len()).rev() {
            disk.written.push(*batch.op(index));
            batch.accept(index, disk.written.len() - 1);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Broken> {
        if let Some(gate) = &self.gate {
            // Where the test has let go of an end, it doesn't look any more.
            let _ = gate.entered.send(());
            let _ = gate.open.lock().expect("one sync at a time").recv();
        }
        let mut disk = self.disk();
        disk.synced = disk.written.len();
        Ok(())
    }

    fn position(&self) -> u64 {
        self.disk().synced as u64
    }

    fn close(&mut self) -> Result<(), Broken> {
        let mut disk = self.disk();
        assert_eq!(disk.synced, disk.written.len(), "closed with something not synced");
        disk.closed += 1;
        Ok(())
    }
}

/// Waits until it is so.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// Makes another thread submit while the writer is in a sync, and returns when the operation is
/// queued. The metrics count it as soon as it has its room, which is before that.
pub(crate) fn queued<S: Sink, T>(writer: &BatchWriter<S>, submit: impl FnOnce() -> T) -> T {
    // It shows the newest of the queue.
    let before = format!("{writer:?}");
    let submitter = submit();
    until(|| format!("{writer:?}") != before);
    submitter
}

/// An operation, and what its submitter was told; nothing where it led and the sink panicked.
pub(crate) type Told = (u32, Option<Result<usize, SubmitError<u32, Broken>>>);

/// Six submitters with forty operations each, no two alike.
pub(crate) fn crowd<S>(writer: &BatchWriter<S>) -> Vec<Told>
where
    S: Sink<Op = u32, Output = usize, Error = Broken> + Send,
{
    let submit = |op| {
        let told = catch_unwind(AssertUnwindSafe(|| writer.submit(op))).ok();
        let failed = [None, Some(true)].contains(&told.as_ref().map(Result::is_err));
        if failed && !matches!(told, Some(Err(SubmitError::Failed(_)))) {
            assert!(writer.poison().is_some(), "told before the gate was shut");
        }
        (op, told)
    };
    thread::scope(|scope| {
        let submitters: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || (0..40).map(|op| submit(number * 100 + op)).collect::<Vec<_>>())
            })
            .collect();
        let told = submitters.into_iter().flat_map(|submitter| submitter.join().expect("caught"));
        told.collect()
    })
}

impl Disk<u32> {
    /// Demands that what was acknowledged is synced, that what was refused was never executed, and
    /// that nothing was executed twice.
    pub(crate) fn check(&self, told: Vec<Told>) {
        let (mut acknowledged, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for (op, told) in told {
            match told {
                Some(Ok(place)) => {
                    assert_eq!(self.written[place], op, "somebody else's output");
                    acknowledged.insert(op);
                }
                Some(Err(SubmitError::Failed(_))) => drop(refused.insert(op)),
                Some(Err(SubmitError::Poisoned(back, poison))) => {
                    assert_eq!(back, op, "somebody else's operation");
                    assert!(poison.durable_upto <= self.synced as u64);
                    refused.insert(op);
                }
                None | Some(Err(SubmitError::Unknown(_))) => {}
                Some(Err(error)) => panic!("{error}"),
            }
        }
        let synced: BTreeSet<_> = self.written[..self.synced].iter().copied().collect();
        let written: BTreeSet<_> = self.written.iter().copied().collect();
        assert_eq!(written.len(), self.written.len(), "nothing is executed twice");
        assert!(acknowledged.is_subset(&synced), "acknowledged, and not synced");
        assert!(refused.is_disjoint(&written), "reported as not executed, and executed");
    }
}
