//! The background: copies what was committed from the scratch to the data file, syncs it now and
//! then, and writes checkpoints, so that the journal needn't be kept.
//!
//! The copier follows the journal: it has a base, the files as of one record, and brings every
//! committed change into it in the journal's order. A checkpoint is the base, after a sync of the
//! data file.
//!
//! - I1: the base is the state at its position exactly, and every file in it is in the data file.
//! - I2: pages that leave before a checkpoint is begun are not in it, nor in any record behind
//!   its position; so they are free once it is durable.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use latchwork::ringpal::PageWrite;
use latchwork_sync::atomic::AtomicU64;
use latchwork_sync::atomic::Ordering::Relaxed;

use crate::checkpoint::{self, Base};
use crate::commit::Committed;
use crate::compact::{Compacted, compact};
use crate::failure::{Failure, Result};
use crate::file::{File, PAGE, Place};
use crate::index::Update;
use crate::name::Name;
use crate::record::Change;
use crate::store::{Shared, offset};

/// Pages that one call of the ring writes at most.
const PAGES: usize = 512;
/// Bytes that are copied at most before a checkpoint; a bound on the journal that is replayed.
const CHECKPOINT_BYTES: u64 = 16 << 20;

/// What the copier has done.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(crate) pages: AtomicU64,
    /// Files that were replaced before their copy was due.
    pub(crate) spared: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) checkpoint_bytes: AtomicU64,
}

/// What can be asked of the copier besides its work.
enum Request {
    Compact(Sender<Result<Compacted>>),
    /// Copies everything, writes a checkpoint, ends.
    Finish,
    /// Ends at once: recovery will do it.
    Abandon,
}

#[derive(Debug)]
pub(crate) struct Copier {
    requests: Sender<Request>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// Why the copier has stopped, if it has.
#[derive(Debug, Default)]
pub(crate) struct Stopped(Mutex<Option<Failure>>);

impl Stopped {
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, failure: Failure) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }
}

impl Copier {
    pub(crate) fn start(shared: Arc<Shared>, base: Base) -> Self {
        let (requests, asked) = channel();
        let mut work = Work { shared: Arc::clone(&shared), base, since_checkpoint: 0 };
        let thread = std::thread::spawn(move || {
            if let Err(failure) = work.run(&asked) {
                work.shared.stopped.set(failure);
            }
            work.shared.scratch.close();
        });
        Self { requests, thread: Some(thread), shared }
    }

    fn ask(&self, request: Request) {
        // A copier that has stopped has said why.
        let _ = self.requests.send(request);
        self.shared.queue.bell.set();
    }

    /// Moves files to the front of the data file and cuts off its end.
    pub(crate) fn compact(&self) -> Result<Compacted> {
        let (answer, compacted) = channel();
        self.ask(Request::Compact(answer));
        compacted.recv().unwrap_or_else(|_| Err(self.shared.stopped()))
    }

    /// Copies everything, writes a checkpoint, ends.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.end(Request::Finish);
        self.shared.stopped.failure().map_or(Ok(()), Err)
    }

    fn end(&mut self, how: Request) {
        if let Some(thread) = self.thread.take() {
            self.ask(how);
            thread.join().expect("the copier doesn't panic");
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.end(Request::Abandon);
    }
}

/// The copier's own.
pub(crate) struct Work {
    pub(crate) shared: Arc<Shared>,
    pub(crate) base: Base,
    since_checkpoint: u64,
}

impl Work {
    fn run(&mut self, asked: &Receiver<Request>) -> Result<()> {
        loop {
            self.shared.queue.bell.wait();
            self.shared.queue.bell.reset();
            // Asked before the look, so that nothing that came before the request is left out.
            let request = asked.try_recv();
            if matches!(request, Ok(Request::Abandon) | Err(TryRecvError::Disconnected)) {
                return Ok(());
            }
            let changes = self.shared.queue.take();
            if changes.is_empty() {
                // Somebody may wait for what could not be freed when it was replaced.
                self.shared.in_turn(|commit| commit.publisher.tidy())?;
            }
            self.copy(changes)?;
            match request {
                Ok(Request::Finish) => return self.checkpoint(),
                Ok(Request::Compact(answer)) => {
                    let compacted = compact(self);
                    // Who asked may have gone away.
                    let _ = answer.send(compacted);
                    // There may be another request.
                    self.shared.queue.bell.set();
                }
                _ if self.since_checkpoint >= CHECKPOINT_BYTES => self.checkpoint()?,
                _ => {}
            }
        }
    }

    /// Brings changes into the base, and the files among them into the data file.
    fn copy(&mut self, changes: Vec<Committed>) -> Result<()> {
        let Some(position) = changes.last().map(|change| change.1) else { return Ok(()) };
        let mut newest: HashMap<Name, Option<Arc<File>>> = HashMap::new();
        for (change, _) in changes {
            let replaced = match change {
                Change::Put(name, file) => newest.insert(name, Some(file)),
                Change::Remove(name) => newest.insert(name, None),
                Change::Limit(limit) => {
                    self.base.limit = limit;
                    continue;
                }
            };
            self.shared.copied.spared.fetch_add(u64::from(replaced.is_some()), Relaxed);
        }
        let (mut pending, mut pages) = (Vec::new(), 0);
        for (name, file) in newest {
            match file {
                None => drop(self.base.files.remove(&name)),
                Some(file) if file.pages().is_some() => {
                    self.base.files.insert(name, file);
                }
                Some(file) => {
                    pages += (file.bytes as usize).div_ceil(PAGE);
                    pending.push((name, file));
                    if pages >= PAGES {
                        self.copy_files(std::mem::take(&mut pending))?;
                        pages = 0;
                    }
                }
            }
        }
        self.copy_files(pending)?;
        self.base.position = position;
        Ok(())
    }

    /// One call of the ring for the pages of all these files; then readers find them there.
    fn copy_files(&mut self, files: Vec<(Name, Arc<File>)>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let mut moved = Vec::new();
        // Compaction takes all free pages for itself for a moment.
        let gate = shared.gate.read();
        for (name, file) in files {
            let count = (file.bytes as usize).div_ceil(PAGE);
            moved.push((name, file.moved(shared.space.take(count)), file));
        }
        let mut writes = Vec::new();
        for (_, to, from) in &moved {
            let Place::Scratch(held) = &from.place else { continue };
            let numbers = to.pages().expect("just moved").numbers();
            for (data, number) in held.pages().zip(numbers) {
                writes.push(PageWrite { offset: offset(*number), data });
            }
        }
        shared.write_data(&writes)?;
        drop(gate);
        shared.copied.pages.fetch_add(writes.len() as u64, Relaxed);
        self.since_checkpoint += (writes.len() * PAGE) as u64;
        drop(writes);
        self.publish(moved)
    }

    /// Lets readers find files at their new places, in turn with the commits.
    pub(crate) fn publish(&mut self, moved: Vec<(Name, Arc<File>, Arc<File>)>) -> Result<()> {
        let mut updates = Vec::new();
        for (name, to, from) in moved {
            self.base.files.insert(name.clone(), Arc::clone(&to));
            updates.push(Update::Move(name, from, to));
        }
        self.shared.in_turn(|commit| commit.publisher.publish(updates))
    }

    /// Syncs the data file and writes a checkpoint; the journal before it is forgotten.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let left = shared.space.left();
        shared.sync_data()?;
        let bytes = checkpoint::write(&shared.layout, &self.base)?;
        let position = self.base.position;
        let forgotten = shared.in_turn(|commit| {
            commit.publisher.tidy();
            commit.journal.forget_before(position)
        })?;
        forgotten.map_err(|error| Failure::log(&error))?;
        // I2
        shared.space.free(left);
        shared.copied.checkpoints.fetch_add(1, Relaxed);
        shared.copied.checkpoint_bytes.fetch_add(bytes, Relaxed);
        self.since_checkpoint = 0;
        Ok(())
    }
}
