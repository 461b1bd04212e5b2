//! Threads of a model: numbered in the order in which they are started, each with a cell for the
//! asymmetric fences and a few choices that the explorer makes both ways.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering as PlainOrdering};

use crate::engine::atomic::{AtomicBool, AtomicUsize};
use crate::engine::thread;
use core::sync::atomic::Ordering;
use std::sync::Arc;

pub use crate::engine::thread::{JoinHandle, yield_now};

/// The choices of one thread: each is read once, while its parent sets it.
struct Choices {
    flags: Vec<AtomicBool>,
}

/// Threads that a model may have, the first included; as loom's own limit.
const THREADS_AT_MOST: usize = 5;

struct Registered {
    /// Made by the first thread before it starts others, as loom demands of what they share.
    cells: Vec<Rc<AtomicUsize>>,
    started: usize,
}

static SPURIOUS: Plain = Plain::new(0);

/// How often each thread of the model may be woken for no reason.
pub(crate) fn set_spurious(wakes: usize) {
    SPURIOUS.store(wakes, PlainOrdering::Relaxed);
}

thread_local! {
    static THREADS: RefCell<Registered> = const {
        RefCell::new(Registered { cells: Vec::new(), started: 1 })
    };
}

#[cfg(latchwork_loom)]
loom::thread_local! {
    static ME: Cell<usize> = Cell::new(0);
    static CHOICES: RefCell<Option<(Arc<Choices>, usize)>> = RefCell::new(None);
}
#[cfg(latchwork_shuttle)]
shuttle::thread_local! {
    static ME: Cell<usize> = Cell::new(0);
    static CHOICES: RefCell<Option<(Arc<Choices>, usize)>> = RefCell::new(None);
}

pub(crate) fn reset() {
    THREADS.with_borrow_mut(|threads| {
        threads.cells = (0..THREADS_AT_MOST).map(|_| Rc::new(AtomicUsize::new(0))).collect();
        threads.started = 1;
    });
}

/// Starts a thread of the model.
pub fn spawn<F, T>(body: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let number = THREADS.with_borrow_mut(|threads| {
        threads.started += 1;
        threads.started - 1
    });
    let budget = SPURIOUS.load(PlainOrdering::Relaxed);
    let choices = (budget > 0).then(|| {
        Arc::new(Choices { flags: (0..budget).map(|_| AtomicBool::new(false)).collect() })
    });
    let theirs = choices.clone();
    let handle = thread::spawn(move || {
        ME.with(|me| me.set(number));
        if let Some(choices) = theirs {
            CHOICES.with(|slot| *slot.borrow_mut() = Some((choices, 0)));
        }
        body()
    });
    if let Some(choices) = choices {
        // Relaxed, and after the start: the child may read either value.
        for flag in &choices.flags {
            flag.store(true, Ordering::Relaxed);
        }
    }
    handle
}

/// Starts a thread of the model; the name is for the real machine.
///
/// # Errors
///
/// Never under a checker.
pub fn spawn_named<F, T>(_name: &str, body: F) -> std::io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Ok(spawn(body))
}

/// One of the calling thread's choices; false once they are used up, and for the first thread.
pub(crate) fn choose() -> bool {
    CHOICES.with(|slot| {
        let mut slot = slot.borrow_mut();
        let Some((choices, next)) = slot.as_mut() else { return false };
        let Some(flag) = choices.flags.get(*next) else { return false };
        *next += 1;
        flag.load(Ordering::Relaxed)
    })
}

pub(crate) fn touch_own_cell() {
    let me = ME.with(Cell::get);
    let cell = THREADS.with_borrow(|threads| Rc::clone(&threads.cells[me]));
    cell.fetch_add(1, Ordering::AcqRel);
}

pub(crate) fn touch_every_cell() {
    let cells = THREADS.with_borrow(|threads| threads.cells[..threads.started].to_vec());
    for cell in cells {
        cell.fetch_add(1, Ordering::AcqRel);
    }
}
