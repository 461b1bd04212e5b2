//! The second reference: the executions that the memory model of C11 allows, in the repaired form
//! RC11 of Lahav, Vafeiadis, Kang, Hur and Dreyer, "Repairing Sequential Consistency in C/C++11"
//! (2017), with the release sequences of C++20.
//!
//! An execution is a graph of events. It is built step by step: a thread's next step becomes an
//! event, a read chooses the write it reads from among those already there (so program order and
//! reads-from never form a cycle, as RC11 demands), a write its place in the modification order of
//! its word. A graph that breaks an axiom is dropped at once, since what is added later only adds
//! edges.

use core::sync::atomic::Ordering;
use std::collections::HashSet;

use crate::program::{Outcome, Place, Program, Shown, Step};

mod axioms;

/// What to demand beyond the axioms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A read-modify-write, and an exchange that fails, reads the newest write there is when it
    /// runs: loom's deviation, see [`crate::shapes::DEVIATIONS`].
    pub newest_read_by_updates: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Read,
    Write,
    Update,
    Fence,
    Cell { writes: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Event {
    /// `None` for the writes of 0 that come before all.
    thread: Option<usize>,
    kind: Kind,
    place: Place,
    order: Ordering,
    /// What a write or an update wrote.
    written: u8,
    /// What a read or an update reads from: thread and position there, or the first write.
    from: Option<Id>,
}

/// An event, in a form that doesn't depend on the order in which the graph was built: thread and
/// position, or the number of the word for its first write.
type Id = (Option<usize>, usize);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Graph {
    threads: Vec<Vec<Event>>,
    /// The writes to each word, in modification order.
    modifications: Vec<Vec<Id>>,
    next: Vec<usize>,
    read: Vec<Vec<u8>>,
}

/// All outcomes that RC11 allows, and whether it finds a race.
///
/// # Panics
///
/// On steps that are neither atomic, nor fences, nor cells.
pub fn explore(program: &Program, options: Options) -> Shown {
    let threads = program.threads.len();
    let words = program.words();
    let start = Graph {
        threads: vec![Vec::new(); threads],
        modifications: (0..words).map(|word| vec![(None, word)]).collect(),
        next: vec![0; threads],
        read: vec![Vec::new(); threads],
    };
    let (mut shown, mut seen, mut open) = (Shown::default(), HashSet::new(), vec![start]);
    while let Some(graph) = open.pop() {
        let mut ended = true;
        for thread in 0..threads {
            let Some(step) = program.threads[thread].get(graph.next[thread]) else { continue };
            ended = false;
            graph.extend(thread, *step, options, |next| {
                if !seen.contains(&next)
                    && let Some(race) = axioms::consistent(&next)
                {
                    shown.race |= race;
                    seen.insert(next.clone());
                    open.push(next);
                }
            });
        }
        if ended {
            let last = |order: &Vec<Id>| graph.written(*order.last().expect("never empty"));
            let words = graph.modifications.iter().map(last).collect();
            shown.outcomes.insert(Outcome { read: graph.read, words });
        }
    }
    shown
}

impl Graph {
    fn written(&self, (thread, position): Id) -> u8 {
        thread.map_or(0, |thread| self.threads[thread][position].written)
    }

    fn add(&self, thread: usize, event: Event, read: Option<u8>) -> Self {
        let mut next = self.clone();
        next.threads[thread].push(event);
        next.next[thread] += 1;
        next.read[thread].extend(read);
        next
    }

    /// The graphs with a thread's next step added.
    fn extend(&self, thread: usize, step: Step, options: Options, mut each: impl FnMut(Self)) {
        let me = (Some(thread), self.threads[thread].len());
        let event = |kind, place, order, written, from| Event {
            thread: Some(thread),
            kind,
            place,
            order,
            written,
            from,
        };
        match step {
            Step::If(value, skip) => {
                let mut next = self.clone();
                next.next[thread] += 1;
                if next.read[thread].last() != Some(&value) {
                    next.next[thread] += skip;
                }
                each(next);
            }
            Step::Fence(order) => {
                each(self.add(thread, event(Kind::Fence, 0, order, 0, None), None));
            }
            Step::CellRead(cell) | Step::CellWrite(cell) => {
                let kind = Kind::Cell { writes: matches!(step, Step::CellWrite(_)) };
                each(self.add(thread, event(kind, cell, Ordering::Relaxed, 0, None), None));
            }
            Step::Load(word, order) => {
                for from in &self.modifications[word] {
                    let read = event(Kind::Read, word, order, 0, Some(*from));
                    each(self.add(thread, read, Some(self.written(*from))));
                }
            }
            Step::Store(word, value, order) => {
                for place in 1..=self.modifications[word].len() {
                    let write = event(Kind::Write, word, order, value, None);
                    let mut next = self.add(thread, write, None);
                    next.modifications[word].insert(place, me);
                    each(next);
                }
            }
            Step::Swap(word, ..) | Step::Add(word, ..) | Step::Exchange(word, ..) => {
                let all = &self.modifications[word];
                let first = if options.newest_read_by_updates { all.len() - 1 } else { 0 };
                for (place, from) in all.iter().copied().enumerate().skip(first) {
                    let found = self.written(from);
                    let (written, order) = match step {
                        Step::Swap(_, value, order) => (Some(value), order),
                        Step::Add(_, value, order) => (Some(found + value), order),
                        Step::Exchange(_, expected, value, success, _) if expected == found => {
                            (Some(value), success)
                        }
                        Step::Exchange(.., failure) => (None, failure),
                        _ => unreachable!("only updates come here"),
                    };
                    let kind = if written.is_some() { Kind::Update } else { Kind::Read };
                    let update = event(kind, word, order, written.unwrap_or(0), Some(from));
                    let mut next = self.add(thread, update, Some(found));
                    if written.is_some() {
                        next.modifications[word].insert(place + 1, me);
                    }
                    each(next);
                }
            }
            other => panic!("RC11 knows no {other}"),
        }
    }
}
