//! Segments made before they are needed, on a thread of their own.
//!
//! The log asks for its next segment when half of the present one is written. The thread allocates
//! and fills it, or takes a forgotten one, and makes it durable under its temporary name. The holder
//! of the writer's role then only gives it its name. It makes a segment itself where the thread
//! has not begun to, has failed, or can't be started; where the thread is at it, it waits.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use latchwork_sync::lock::{Arc, Condvar, Mutex, MutexGuard};
use latchwork_sync::thread::{JoinHandle, spawn_named};

use super::segment::{Prepared, Request};
use super::storage::Storage;

enum Stage<F> {
    Idle,
    Asked(Request),
    Preparing,
    Ready(io::Result<Prepared<F>>),
    Ended,
}

struct Desk<D: Storage> {
    storage: Arc<D>,
    stage: Mutex<Stage<D::File>>,
    changed: Condvar,
}

impl<D: Storage> Desk<D> {
    fn stage(&self) -> MutexGuard<'_, Stage<D::File>> {
        // The stage is whole between any two changes.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, stage: MutexGuard<'a, Stage<D::File>>) -> MutexGuard<'a, Stage<D::File>> {
        self.changed.wait(stage).unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what nobody will fetch.
    fn remove(&self, prepared: io::Result<Prepared<D::File>>) {
        if let Ok(prepared) = prepared {
            // What is left of it is removed by the next opening.
            let _ = self.storage.remove(&prepared.temporary);
        }
    }

    fn serve(&self) {
        let mut stage = self.stage();
        loop {
            match core::mem::replace(&mut *stage, Stage::Preparing) {
                Stage::Ended => {
                    *stage = Stage::Ended;
                    return;
                }
                Stage::Asked(request) => {
                    drop(stage);
                    // A storage that panics must not leave a fetch waiting for this thread.
                    let make = AssertUnwindSafe(|| Prepared::make(&*self.storage, request));
                    let prepared = catch_unwind(make)
                        .unwrap_or_else(|_| Err(io::Error::other("the storage panicked")));
                    stage = self.stage();
                    if matches!(*stage, Stage::Ended) {
                        self.remove(prepared);
                        return;
                    }
                    *stage = Stage::Ready(prepared);
                    self.changed.notify_all();
                }
                other => {
                    *stage = other;
                    stage = self.wait(stage);
                }
            }
        }
    }
}

/// What was asked for, when it is fetched.
pub(crate) enum Fetched<F> {
    /// Nothing was, or the thread has not got to it: what a spare was given for it is back.
    Nothing(Option<String>),
    Prepared(Prepared<F>),
}

/// The thread that makes segments. It ends with its drop.
pub(crate) struct Ahead<D: Storage> {
    desk: Arc<Desk<D>>,
    thread: JoinHandle<()>,
}

impl<D> Ahead<D>
where
    D: Storage + Send + Sync,
    D::File: Send + Sync,
{
    pub(crate) fn start(storage: &Arc<D>) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            storage: Arc::clone(storage),
            stage: Mutex::new(Stage::Idle),
            changed: Condvar::new(),
        });
        let served = Arc::clone(&desk);
        let thread = spawn_named("log-segments", move || served.serve())?;
        Ok(Self { desk, thread })
    }
}

impl<D: Storage> Ahead<D> {
    /// Asks for a segment, with nothing asked for before that was not fetched.
    pub(crate) fn ask(&self, request: Request) {
        *self.desk.stage() = Stage::Asked(request);
        self.desk.changed.notify_all();
    }

    /// Whether what was asked for is there, or has failed.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(*self.desk.stage(), Stage::Ready(_))
    }

    /// What was asked for.
    pub(crate) fn fetch(&self) -> Fetched<D::File> {
        let mut stage = self.desk.stage();
        loop {
            match core::mem::replace(&mut *stage, Stage::Idle) {
                Stage::Ready(Ok(prepared)) => return Fetched::Prepared(prepared),
                Stage::Asked(request) => return Fetched::Nothing(request.spare),
                // Tried again by the caller, who has somebody to tell.
                Stage::Ready(Err(_)) | Stage::Idle | Stage::Ended => return Fetched::Nothing(None),
                Stage::Preparing => {
                    *stage = Stage::Preparing;
                    stage = self.desk.wait(stage);
                }
            }
        }
    }

    /// Ends the thread, and removes what was not fetched.
    pub(crate) fn end(self) {
        let left = core::mem::replace(&mut *self.desk.stage(), Stage::Ended);
        self.desk.changed.notify_all();
        // A panic has been reported by the panic hook.
        let _ = self.thread.join();
        if let Stage::Ready(prepared) = left {
            self.desk.remove(prepared);
        }
    }
}
