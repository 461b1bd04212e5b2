//! A program under loom.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc as Plain, Mutex as PlainMutex};

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU8, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, Thread};

use crate::program::{Outcome, Program, Shown, Step};

/// How far to explore.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Executions at most; a program that needs more is reported as cut.
    pub executions: usize,
    /// Preemptions at most.
    pub preemptions: Option<usize>,
}

/// What loom showed.
#[derive(Clone, Debug)]
pub struct Explored {
    /// As the references give it.
    pub shown: Shown,
    /// The bound it was explored with.
    pub preemptions: Option<usize>,
    /// How many executions it took.
    pub executions: usize,
    /// Whether the limit ended the search.
    pub cut: bool,
    /// What loom said when it ended otherwise than with a deadlock or a race.
    pub panic: Option<String>,
}

struct Memory {
    words: Vec<AtomicU8>,
    locks: Vec<Mutex<()>>,
    cells: Vec<UnsafeCell<u8>>,
}

// SAFETY: sharing the cells is the point: loom reports accesses that race.
unsafe impl Sync for Memory {}
// SAFETY: as above; the cells hold integers.
unsafe impl Send for Memory {}

/// Runs `program` under loom.
pub fn explore(program: &Program, limits: Limits) -> Explored {
    let seen: Plain<PlainMutex<(usize, BTreeSet<Outcome>)>> = Plain::default();
    let (record, played) = (Plain::clone(&seen), Plain::new(program.clone()));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = limits.preemptions;
    builder.max_permutations = Some(limits.executions);
    // The limit is looked at only this often, and before the execution of that number.
    builder.checkpoint_interval = limits.executions;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            let outcome = play(&played);
            let mut seen = record.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            seen.0 += 1;
            seen.1.insert(outcome);
        });
    }));
    let (executions, outcomes) =
        seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let mut shown = Shown { outcomes, ..Shown::default() };
    let mut panic = None;
    if let Err(payload) = ended {
        let text = payload.downcast_ref::<String>().map_or_else(
            || payload.downcast_ref::<&str>().map_or("", |text| text).to_owned(),
            String::clone,
        );
        shown.deadlock = text.contains("deadlock");
        shown.race = text.contains("Causality violation");
        panic = (!shown.deadlock && !shown.race).then_some(text);
    }
    Explored {
        cut: executions + 1 >= limits.executions,
        shown,
        preemptions: limits.preemptions,
        executions,
        panic,
    }
}

fn play(program: &Plain<Program>) -> Outcome {
    // Not loom's own count: its steps would only add to the search.
    let memory = Plain::new(Memory {
        words: (0..program.words()).map(|_| AtomicU8::new(0)).collect(),
        locks: (0..program.locks()).map(|_| Mutex::new(())).collect(),
        cells: (0..program.cells()).map(|_| UnsafeCell::new(0)).collect(),
    });
    // One count for each thread, made before any runs.
    let shared = program.counts().then(|| Arc::new(()));
    let mut counts: Vec<Option<Arc<()>>> = vec![shared; program.threads.len()];
    let parks = program.threads.iter().flatten().any(|s| matches!(s, Step::Park | Step::Unpark(_)));
    let starter = parks.then(thread::current);
    let first = usize::from(program.first_is_main);
    let others: Vec<_> = (first..program.threads.len())
        .map(|number| {
            let (program, memory) = (Plain::clone(program), Plain::clone(&memory));
            let (starter, count) = (starter.clone(), counts[number].take());
            thread::spawn(move || {
                run(&program.threads[number], &memory, count, |_| starter.clone())
            })
        })
        .collect();
    let mut read = Vec::new();
    if program.first_is_main {
        let handle = |number: usize| Some(others[number - 1].thread().clone());
        read.push(run(&program.threads[0], &memory, counts[0].take(), handle));
    }
    read.extend(others.into_iter().map(|other| other.join().unwrap()));
    // Every thread has been joined: these read the last of each word's modifications.
    let words = memory.words.iter().map(|word| word.load(Ordering::Relaxed)).collect();
    Outcome { read, words }
}

fn run(
    steps: &[Step],
    memory: &Memory,
    count: Option<Arc<()>>,
    thread: impl Fn(usize) -> Option<Thread>,
) -> Vec<u8> {
    let mut counts: Vec<_> = count.into_iter().collect();
    let Memory { words, locks, cells } = memory;
    let mut guards: Vec<_> = locks.iter().map(|_| None).collect();
    let mut read = Vec::new();
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        next += 1;
        match *step {
            Step::Load(word, order) => read.push(words[word].load(order)),
            Step::Store(word, value, order) => words[word].store(value, order),
            Step::Swap(word, value, order) => read.push(words[word].swap(value, order)),
            Step::Add(word, value, order) => read.push(words[word].fetch_add(value, order)),
            Step::Exchange(word, from, to, success, failure) => {
                let found = words[word].compare_exchange(from, to, success, failure);
                read.push(found.unwrap_or_else(|found| found));
            }
            Step::Fence(order) => fence(order),
            Step::If(value, skip) => {
                if read.last() != Some(&value) {
                    next += skip;
                }
            }
            Step::Lock(lock) => guards[lock] = Some(locks[lock].lock().unwrap()),
            Step::TryLock(lock, skip) => {
                guards[lock] = locks[lock].try_lock().ok();
                read.push(u8::from(guards[lock].is_some()));
                if guards[lock].is_none() {
                    next += skip;
                }
            }
            Step::Unlock(lock) => guards[lock] = None,
            Step::Park => thread::park(),
            Step::Unpark(number) => thread(number).expect("a program that parks has it").unpark(),
            Step::CountUp => counts.push(counts[0].clone()),
            Step::CountDown => drop(counts.pop()),
            Step::Count => read.push(Arc::strong_count(&counts[0]) as u8),
            Step::CountIsOne => read.push(u8::from(Arc::get_mut(&mut counts[0]).is_some())),
            Step::CellRead(cell) => {
                // SAFETY: loom ends the execution where this races.
                cells[cell].with(|cell| unsafe { cell.read() });
            }
            Step::CellWrite(cell) => {
                // SAFETY: loom ends the execution where this races.
                cells[cell].with_mut(|cell| unsafe { cell.write(1) });
            }
        }
    }
    read
}
