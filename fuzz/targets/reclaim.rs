//! Loads, replacements, guards and flushes of several handles in any order: what a guard loaded
//! stays readable until the guard ends, and every object is dropped once.
#![no_main]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use arbitrary::Arbitrary;
use latchwork_reclaim::{Atomic, Epoch, Guard, Interval, Section, Tagged};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Pin(u8),
    Unpin(u8),
    Load {
        guard: u8,
        cell: u8,
    },
    Replace {
        guard: u8,
        cell: u8,
    },
    Look(u8),
    /// Ends a handle's guards, then flushes it, or waits if no guard is left anywhere.
    Flush(u8),
    Renew(u8),
}

#[derive(Arbitrary, Debug)]
struct Input {
    interval: bool,
    steps: Vec<Step>,
}

const HANDLES: usize = 3;
const CELLS: usize = 3;

/// Counts its life; its number proves that the memory is still its own.
struct Object {
    number: Box<u64>,
    alive: Rc<Cell<i64>>,
}

impl Object {
    fn new(number: u64, alive: &Rc<Cell<i64>>) -> Self {
        alive.set(alive.get() + 1);
        Self { number: Box::new(number), alive: Rc::clone(alive) }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

macro_rules! play {
    ($domain:expr, $steps:expr) => {{
        let alive = Rc::new(Cell::new(0));
        let domain = $domain;
        let mut handles: [_; HANDLES] = std::array::from_fn(|_| domain.register());
        let cells: [Atomic<Object, _>; CELLS] = std::array::from_fn(|_| Atomic::null());
        let mut next = 0_u64;
        let mut steps = $steps.iter().copied().peekable();
        while steps.peek().is_some() {
            // Guards borrow their handles: a stretch of steps between two that need them whole.
            let mut whole = None;
            {
                let mut guards = Vec::new();
                let mut seen = Vec::new();
                for step in steps.by_ref() {
                    match step {
                        Step::Pin(handle) => {
                            if guards.len() < 8 {
                                next += 1;
                                let handle = &handles[usize::from(handle) % HANDLES];
                                guards.push((next, handle.pin_nested()));
                            }
                        }
                        Step::Unpin(guard) => {
                            if !guards.is_empty() {
                                let (id, guard) =
                                    guards.swap_remove(usize::from(guard) % guards.len());
                                seen.retain(|(by, _, _)| *by != id);
                                drop(guard);
                            }
                        }
                        Step::Load { guard, cell } => {
                            if guards.is_empty() {
                                continue;
                            }
                            let (id, guard) = &guards[usize::from(guard) % guards.len()];
                            let shared = guard.load(&cells[usize::from(cell) % CELLS]);
                            if !shared.is_null() {
                                // SAFETY: published whole, and loaded under this guard.
                                let number = unsafe { shared.deref() }.number.clone();
                                seen.push((*id, shared.as_tagged(), *number));
                            }
                        }
                        Step::Replace { guard, cell } => {
                            if guards.is_empty() {
                                continue;
                            }
                            let (_, guard) = &guards[usize::from(guard) % guards.len()];
                            next += 1;
                            let new = guard.own(Object::new(next, &alive));
                            let cell = &cells[usize::from(cell) % CELLS];
                            let old = cell.swap(new, Ordering::AcqRel, guard);
                            if !old.is_null() {
                                // SAFETY: the cell was the only way to it, and it is retired once;
                                // every thread that may drop it is this one.
                                unsafe { guard.retire(old) };
                            }
                        }
                        Step::Look(which) => {
                            if !seen.is_empty() {
                                let (_, object, number) = seen[usize::from(which) % seen.len()];
                                let object: Tagged<Object, _> = object;
                                // SAFETY: the guard that it was loaded under is alive.
                                assert_eq!(*unsafe { object.as_shared().deref() }.number, number);
                            }
                        }
                        Step::Flush(_) | Step::Renew(_) => {
                            whole = Some(step);
                            break;
                        }
                    }
                }
                for (_, object, number) in &seen {
                    // SAFETY: as above.
                    assert_eq!(*unsafe { object.as_shared().deref() }.number, *number);
                }
            }
            match whole {
                Some(Step::Flush(which)) => {
                    let handle = &mut handles[usize::from(which) % HANDLES];
                    if which & 0x80 == 0 { handle.flush() } else { handle.barrier() }
                }
                Some(Step::Renew(which)) => {
                    handles[usize::from(which) % HANDLES] = domain.register();
                }
                _ => {}
            }
        }
        let reachable = cells
            .into_iter()
            // SAFETY: nobody else can reach the cells.
            .filter_map(|mut cell| unsafe { cell.take() })
            .map(drop)
            .count();
        let stats = domain.stats();
        assert_eq!(alive.get(), stats.pending as i64, "{reachable} were reachable");
        drop(handles);
        drop(domain);
        assert_eq!(alive.get(), 0);
    }};
}

fuzz_target!(|input: Input| {
    if input.interval {
        play!(Interval::new(), input.steps);
    } else {
        play!(Epoch::new(), input.steps);
    }
});
