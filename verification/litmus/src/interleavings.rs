//! The first reference: every interleaving of a program's steps, each on the newest memory.
//!
//! What this shows, an explorer of any weaker memory must show too.

use std::collections::HashSet;

use crate::program::{Outcome, Program, Shown, Step};

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    next: Vec<usize>,
    words: Vec<u8>,
    owner: Vec<Option<usize>>,
    token: Vec<bool>,
    read: Vec<Vec<u8>>,
    count: u8,
    /// Who ran last, and how often a thread that could have gone on was interrupted; kept only
    /// where preemptions are counted.
    running: usize,
    preemptions: usize,
}

impl State {
    fn can_run(&self, program: &Program, thread: usize) -> bool {
        match program.threads[thread].get(self.next[thread]) {
            None => false,
            Some(Step::Lock(lock)) => self.owner[*lock].is_none(),
            Some(Step::Park) => self.token[thread],
            Some(_) => true,
        }
    }

    fn run(&mut self, program: &Program, thread: usize) {
        let step = program.threads[thread][self.next[thread]];
        self.next[thread] += 1;
        let read = &mut self.read[thread];
        match step {
            Step::Load(word, _) => read.push(self.words[word]),
            Step::Store(word, value, _) => self.words[word] = value,
            Step::Swap(word, value, _) => {
                read.push(core::mem::replace(&mut self.words[word], value));
            }
            Step::Add(word, value, _) => {
                read.push(self.words[word]);
                self.words[word] += value;
            }
            Step::Exchange(word, from, to, ..) => {
                read.push(self.words[word]);
                if self.words[word] == from {
                    self.words[word] = to;
                }
            }
            Step::If(value, skip) => {
                if read.last() != Some(&value) {
                    self.next[thread] += skip;
                }
            }
            Step::Lock(lock) => self.owner[lock] = Some(thread),
            Step::TryLock(lock, skip) => {
                let free = self.owner[lock].is_none();
                read.push(u8::from(free));
                if free {
                    self.owner[lock] = Some(thread);
                } else {
                    self.next[thread] += skip;
                }
            }
            Step::Unlock(lock) => self.owner[lock] = None,
            Step::Park => self.token[thread] = false,
            Step::Unpark(other) => self.token[other] = true,
            Step::CountUp => self.count += 1,
            Step::CountDown => self.count -= 1,
            Step::Count => read.push(self.count),
            Step::CountIsOne => read.push(u8::from(self.count == 1)),
            Step::Fence(_) | Step::CellRead(_) | Step::CellWrite(_) => {}
        }
    }

    /// Whether two threads are about to access the same cell, one of them writing.
    fn races(&self, program: &Program) -> bool {
        let accesses: Vec<(usize, bool)> = program
            .threads
            .iter()
            .zip(&self.next)
            .filter_map(|(steps, next)| match steps.get(*next) {
                Some(Step::CellRead(cell)) => Some((*cell, false)),
                Some(Step::CellWrite(cell)) => Some((*cell, true)),
                _ => None,
            })
            .collect();
        accesses.iter().enumerate().any(|(index, (cell, writes))| {
            accesses[index + 1..].iter().any(|(other, too)| cell == other && (*writes || *too))
        })
    }
}

/// All outcomes of `program`; with a bound, of the interleavings that interrupt a thread which
/// could have gone on at most so often.
pub fn explore(program: &Program, preemptions: Option<usize>) -> Shown {
    let threads = program.threads.len();
    let start = State {
        next: vec![0; threads],
        words: vec![0; program.words()],
        owner: vec![None; program.locks()],
        token: vec![false; threads],
        read: vec![Vec::new(); threads],
        count: threads as u8,
        running: 0,
        preemptions: 0,
    };
    let (mut shown, mut seen, mut open) = (Shown::default(), HashSet::new(), vec![start]);
    // Who starts the threads and takes no part is blocked at once: the first is then chosen freely.
    let mut first_is_free = !program.first_is_main;
    while let Some(state) = open.pop() {
        shown.race |= state.races(program);
        let able: Vec<_> = (0..threads).filter(|thread| state.can_run(program, *thread)).collect();
        if able.is_empty() {
            if (0..threads).all(|thread| state.next[thread] == program.threads[thread].len()) {
                shown.outcomes.insert(Outcome { read: state.read, words: state.words });
            } else {
                shown.deadlock = true;
            }
            continue;
        }
        for &thread in &able {
            let mut state = state.clone();
            if let Some(bound) = preemptions {
                let interrupted = thread != state.running && able.contains(&state.running);
                if interrupted && !first_is_free {
                    state.preemptions += 1;
                }
                if state.preemptions > bound {
                    continue;
                }
                state.running = thread;
            }
            state.run(program, thread);
            if seen.insert(state.clone()) {
                open.push(state);
            }
        }
        first_is_free = false;
    }
    shown
}
