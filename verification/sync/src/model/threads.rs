//! Threads of a model: numbered in the order in which they are started, each with a cell for the
//! asymmetric fences and a few choices that the explorer makes both ways.
//!
//! A choice is a flag that the parent sets, relaxed, after it has started the thread: the thread
//! may read either value, and the explorer tries both. So that the first thread of a scene has
//! choices too, the scene is then played in a thread of its own ([`play`]).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering as PlainOrdering};

use crate::engine::atomic::{AtomicBool, AtomicUsize};
use crate::engine::thread;
use core::sync::atomic::Ordering;
use std::sync::Arc;

pub use crate::engine::thread::{JoinHandle, yield_now};

/// What the explorer may choose at a point of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A wait ends for no reason.
    SpuriousWake,
    /// A weak compare-exchange fails for no reason.
    WeakFailure,
}

const CHOICES: usize = 2;

/// How many choices of each kind a thread of this run has.
static BUDGETS: [Plain; CHOICES] = [const { Plain::new(0) }; CHOICES];

/// Lets each of a thread's first `most` opportunities go either way; the environment may raise
/// the number for all models of a run.
pub(crate) fn set_budget(choice: Choice, most: usize) {
    let variable = match choice {
        Choice::SpuriousWake => "LATCHWORK_SPURIOUS",
        Choice::WeakFailure => "LATCHWORK_WEAK_FAILURES",
    };
    let raised = std::env::var(variable).map_or(0, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable}={text}: expected a number"))
    });
    BUDGETS[choice as usize].store(most.max(raised), PlainOrdering::Relaxed);
}

/// Lets each thread's first `wakes` waits end for no reason.
pub(crate) fn set_spurious(wakes: usize) {
    set_budget(Choice::SpuriousWake, wakes);
}

/// The choices of one thread: each is read once, while its parent sets it.
struct Choices {
    flags: [Vec<AtomicBool>; CHOICES],
}

impl Choices {
    /// Those of a thread that is about to start; none where the run has no budget.
    fn for_a_thread() -> Option<Arc<Self>> {
        let budgets = BUDGETS.each_ref().map(|budget| budget.load(PlainOrdering::Relaxed));
        let flags = budgets.map(|most| (0..most).map(|_| AtomicBool::new(false)).collect());
        (budgets != [0; CHOICES]).then(|| Arc::new(Self { flags }))
    }

    /// Done by the parent once the thread has started.
    fn open(&self) {
        for flag in self.flags.iter().flatten() {
            // Relaxed, and after the start: the thread may read either value.
            flag.store(true, Ordering::Relaxed);
        }
    }
}

/// A thread's choices, and how many of each kind it has made.
type Mine = Option<(Arc<Choices>, [usize; CHOICES])>;

/// Threads that a model may have, the first included; as loom's own limit.
const THREADS_AT_MOST: usize = 5;

/// What is said of one more.
pub(super) const TOO_MANY: &str = "a model has at most 5 threads";

struct Registered {
    /// Made by the first thread before it starts others, as loom demands of what they share.
    cells: Vec<Rc<AtomicUsize>>,
    started: usize,
}

thread_local! {
    static THREADS: RefCell<Registered> = const {
        RefCell::new(Registered { cells: Vec::new(), started: 1 })
    };
}

crate::thread::thread_local! {
    static ME: Cell<usize> = Cell::new(0);
    static MINE: RefCell<Mine> = RefCell::new(None);
}

pub(crate) fn reset() {
    // Shuttle has no such limit; this is far beyond what it can explore.
    let cells = if cfg!(latchwork_loom) { THREADS_AT_MOST } else { 64 };
    THREADS.with_borrow_mut(|threads| {
        threads.cells = (0..cells).map(|_| Rc::new(AtomicUsize::new(0))).collect();
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
    spawn_numbered(number, body)
}

fn spawn_numbered<F, T>(number: usize, body: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    assert!(cfg!(latchwork_shuttle) || number < THREADS_AT_MOST, "{TOO_MANY}");
    let choices = Choices::for_a_thread();
    let theirs = choices.clone();
    let handle = thread::spawn(move || {
        ME.with(|me| me.set(number));
        if let Some(choices) = theirs {
            MINE.with(|mine| *mine.borrow_mut() = Some((choices, [0; CHOICES])));
        }
        body()
    });
    if let Some(choices) = choices {
        choices.open();
    }
    handle
}

/// Plays a scene as the model's first thread.
pub(crate) fn play(scene: super::Scene) -> String {
    if BUDGETS.iter().all(|budget| budget.load(PlainOrdering::Relaxed) == 0) {
        return scene();
    }
    spawn_numbered(0, scene).join().expect("the explorer ends with the panic of a thread")
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

/// The calling thread's next choice of this kind; false once they are used up.
pub(crate) fn choose(choice: Choice) -> bool {
    if BUDGETS[choice as usize].load(PlainOrdering::Relaxed) == 0 {
        return false;
    }
    // Also reached from destructors of thread-locals, when there are no choices any more.
    MINE.try_with(|mine| {
        let mut mine = mine.borrow_mut();
        let Some((choices, made)) = mine.as_mut() else { return false };
        let made = &mut made[choice as usize];
        let Some(flag) = choices.flags[choice as usize].get(*made) else { return false };
        *made += 1;
        flag.load(Ordering::Relaxed)
    })
    .unwrap_or(false)
}

/// The calling thread's number.
pub(crate) fn me() -> usize {
    ME.try_with(Cell::get).expect("a thread does so before its thread-locals are gone")
}

pub(crate) fn touch_own_cell() {
    let cell = THREADS.with_borrow(|threads| Rc::clone(&threads.cells[me()]));
    cell.fetch_add(0, Ordering::AcqRel);
}

pub(crate) fn touch_every_cell() {
    let cells = THREADS.with_borrow(|threads| threads.cells[..threads.started].to_vec());
    for cell in cells {
        cell.fetch_add(0, Ordering::AcqRel);
    }
}
