//! The ways that ours is measured against.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle, Thread};

use super::Commit;
use super::stores::{RECORD, Store};

/// The most bytes that `LevelDB`'s leader writes at once.
const GROUP_BYTES: usize = 1 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under these locks")
}

/// A mutex, and a sync for each operation.
#[derive(Debug)]
pub(crate) struct PerOperation<S>(Mutex<S>);

impl<S> PerOperation<S> {
    pub(crate) fn new(store: S) -> Self {
        Self(Mutex::new(store))
    }
}

impl<S: Store> Commit for PerOperation<S> {
    #[inline]
    fn commit(&self, op: [u8; RECORD]) {
        let mut store = lock(&self.0);
        store.append(&op);
        store.sync();
    }
}

#[derive(Debug)]
struct Waiting {
    op: [u8; RECORD],
    done: AtomicBool,
    turn: Condvar,
}

/// `LevelDB`'s way: one mutex, a queue of writers with a condition variable each. The front writes
/// for those behind it, with the mutex released, then signals them; each takes the mutex again to
/// learn that it is done.
#[derive(Debug)]
pub(crate) struct LevelDb<S> {
    queue: Mutex<VecDeque<Arc<Waiting>>>,
    /// The front's alone.
    store: Mutex<S>,
}

impl<S> LevelDb<S> {
    pub(crate) fn new(store: S) -> Self {
        Self { queue: Mutex::default(), store: Mutex::new(store) }
    }
}

impl<S: Store> Commit for LevelDb<S> {
    fn commit(&self, op: [u8; RECORD]) {
        let own = Arc::new(Waiting { op, done: AtomicBool::new(false), turn: Condvar::new() });
        let mut queue = lock(&self.queue);
        queue.push_back(Arc::clone(&own));
        // Relaxed: written and read under the mutex.
        while !own.done.load(Ordering::Relaxed) && !Arc::ptr_eq(&queue[0], &own) {
            queue = own.turn.wait(queue).expect("nothing panics under these locks");
        }
        if own.done.load(Ordering::Relaxed) {
            return;
        }
        let group: Vec<_> = queue.iter().take(GROUP_BYTES / RECORD).cloned().collect();
        drop(queue);
        let mut store = lock(&self.store);
        for waiting in &group {
            store.append(&waiting.op);
        }
        store.sync();
        drop(store);
        let mut queue = lock(&self.queue);
        queue.drain(..group.len());
        for waiting in &group[1..] {
            waiting.done.store(true, Ordering::Relaxed);
            waiting.turn.notify_one();
        }
        if let Some(next) = queue.front() {
            next.turn.notify_one();
        }
    }
}

struct Sent {
    op: [u8; RECORD],
    done: Arc<AtomicBool>,
    thread: Thread,
}

/// A dedicated thread with a channel: it takes what is there, writes it, and unparks each.
#[derive(Debug)]
pub(crate) struct Channel {
    sender: Option<Sender<Sent>>,
    writer: Option<JoinHandle<()>>,
}

impl Channel {
    pub(crate) fn new(mut store: impl Store + 'static) -> Self {
        let (sender, receiver) = channel::<Sent>();
        let writer = thread::spawn(move || {
            let mut group = Vec::new();
            while let Ok(first) = receiver.recv() {
                group.push(first);
                group.extend(receiver.try_iter().take(GROUP_BYTES / RECORD - 1));
                for sent in &group {
                    store.append(&sent.op);
                }
                store.sync();
                for sent in group.drain(..) {
                    // Release: the submitter sees what was written.
                    sent.done.store(true, Ordering::Release);
                    sent.thread.unpark();
                }
            }
        });
        Self { sender: Some(sender), writer: Some(writer) }
    }
}

impl Commit for Channel {
    fn commit(&self, op: [u8; RECORD]) {
        let done = Arc::new(AtomicBool::new(false));
        let sent = Sent { op, done: Arc::clone(&done), thread: thread::current() };
        let sender = self.sender.as_ref().expect("there until the drop");
        sender.send(sent).expect("the writer ends after the senders");
        // Acquire: pairs with the writer's store.
        while !done.load(Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer's has been reported by its submitters.
            let _ = writer.join();
        }
    }
}
