//! The domain of the whole process, in which threads register by themselves.
//!
//! As with epochs (see `engine::thread`): a cell without a destructor finds the thread's record to
//! its very end, another gives it back, and guards that are alive then, or begin later, give back
//! theirs when they end.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use latchwork_sync::thread::thread_local;

use super::domain::Engine;
use super::record::Record;
use crate::Config;

static GLOBAL: Engine = Engine::new(Config::DEFAULT);

pub(super) fn engine() -> &'static Engine {
    &GLOBAL
}

/// Gives the thread's record back when the thread ends.
struct Exit;

impl Drop for Exit {
    fn drop(&mut self) {
        if let Some(record) = SLOT.with(Cell::take) {
            // SAFETY: the records of the global domain are never freed.
            unsafe { record.as_ref() }.release_when_unused();
        }
    }
}

thread_local! {
    static SLOT: Cell<Option<NonNull<Record>>> = const { Cell::new(None) };
    static EXIT: Exit = const { Exit };
}

/// A section of this thread in the global domain, from [`pin`]: where shields come from and
/// objects are retired.
#[must_use = "a guard is for its shields"]
pub struct Guard {
    record: NonNull<Record>,
    /// Bound to its thread: others of the same record are, too.
    bound: PhantomData<*const ()>,
}

impl Guard {
    #[inline(always)]
    pub(super) fn record(&self) -> &Record {
        // SAFETY: the records of the global domain are never freed.
        unsafe { self.record.as_ref() }
    }
}

impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        self.record().leave();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// Begins a section of this thread in the global domain. It protects nothing by itself: its
/// shields do.
///
/// Guards of a thread may nest and be dropped in any order. The first one registers the thread,
/// which leaves the domain when it ends. Works in destructors of thread-locals too.
///
/// Cost: two counts of the thread's own, with the guard's end. Progress: wait-free after the first.
#[inline(always)]
pub fn pin() -> Guard {
    let record = SLOT.with(Cell::get).unwrap_or_else(first_record);
    let guard = Guard { record, bound: PhantomData };
    guard.record().enter();
    guard
}

#[cold]
#[inline(never)]
fn first_record() -> NonNull<Record> {
    let record = GLOBAL.acquire_record();
    if EXIT.try_with(|_| ()).is_ok() {
        SLOT.with(|slot| slot.set(Some(record)));
    } else {
        // SAFETY: the records of the global domain are never freed.
        unsafe { record.as_ref() }.make_transient();
    }
    record
}

/// Frees what can be freed of this thread's garbage and of what was left behind, without waiting
/// for anyone.
pub fn flush() {
    crate::Guard::flush(&pin());
}

/// Waits until everything that was retired in the global domain before the call has been freed.
///
/// Progress: blocks; a shield that protects any of it keeps it waiting.
///
/// # Panics
///
/// When a destructor of the domain makes the call.
pub fn barrier() {
    pin().record().barrier();
}
