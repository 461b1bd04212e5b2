//! Random programs.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};

use latchwork_litmus::explorer::{Explored, Limits, explore};
use latchwork_litmus::interleavings;
use latchwork_litmus::program::{Outcome, Program, Shown};
use latchwork_litmus::random::{Family, Random};

use super::Found;
use super::table::{Verdict, compare};

/// A program that needs more is counted as cut: it shows nothing.
const EXECUTIONS: usize = 60_000;

const LOCKS: Family = Family { name: "locks", steps: 4, locks: true, ..Family::ATOMICS };
const COUNTS: Family = Family { name: "counts", steps: 4, counts: true, ..Family::ATOMICS };
const PARKING: Family = Family { name: "parking", steps: 5, parking: true, ..Family::ATOMICS };

/// What became of a number of programs.
#[derive(Default)]
struct Count {
    programs: usize,
    executions: usize,
    cut: usize,
    missing: Vec<String>,
    false_alarms: Vec<String>,
}

impl Count {
    fn found(self) -> Found {
        Found {
            summary: format!(
                "{} programs, {} executions, {} with missing outcomes, {} false alarms, {} cut",
                self.programs,
                self.executions,
                self.missing.len(),
                self.false_alarms.len(),
                self.cut
            ),
            wrong: self.missing.into_iter().chain(self.false_alarms).collect(),
        }
    }

    /// Holds what loom showed against what interleavings show.
    fn add(&mut self, program: &Program, expected: &Shown, explored: &Explored) {
        self.programs += 1;
        self.executions += explored.executions;
        if let Some(text) = &explored.panic {
            self.false_alarms.push(format!("{program}: {text}"));
        } else if expected.deadlock {
            if !explored.shown.deadlock {
                self.missing.push(format!("{program}: a deadlock"));
            }
        } else if explored.shown.deadlock {
            self.false_alarms.push(format!("{program}: deadlock"));
        } else if explored.cut {
            self.cut += 1;
        } else {
            let missing: Vec<&Outcome> =
                expected.outcomes.difference(&explored.shown.outcomes).collect();
            if !missing.is_empty() {
                let texts: Vec<_> = missing.iter().map(ToString::to_string).collect();
                let whole = format!("{program}: {}", texts.join(" "));
                let bound = explored.preemptions;
                let small = program.shrunk(|program| {
                    let expected = interleavings::explore(program, bound);
                    let limits = Limits { executions: EXECUTIONS, preemptions: bound };
                    let explored = explore(program, limits);
                    !explored.cut && !expected.outcomes.is_subset(&explored.shown.outcomes)
                });
                self.missing.push(format!("{small}, shrunk from {whole}"));
            }
        }
    }
}

fn count(family: &Family, programs: usize, seed: u64, preemptions: Option<usize>) -> Count {
    let (mut random, mut count) = (Random::new(seed), Count::default());
    for _ in 0..programs {
        let program = family.program(&mut random);
        let expected = interleavings::explore(&program, preemptions);
        let explored = explore(&program, Limits { executions: EXECUTIONS, preemptions });
        count.add(&program, &expected, &explored);
    }
    count
}

pub(crate) fn atomics(programs: usize, seed: u64) -> Found {
    count(&Family::ATOMICS, programs, seed, None).found()
}

pub(crate) fn locks(programs: usize, seed: u64) -> Found {
    count(&LOCKS, programs, seed, None).found()
}

pub(crate) fn counts(programs: usize, seed: u64) -> Found {
    count(&COUNTS, programs, seed, None).found()
}

pub(crate) fn parking(programs: usize, seed: u64) -> Found {
    count(&PARKING, programs, seed, None).found()
}

pub(crate) fn bounded(programs: usize, seed: u64) -> Found {
    let mut both = Count::default();
    for bound in [1, 2] {
        let one = count(&Family::ATOMICS, programs, seed, Some(bound));
        both.programs += one.programs;
        both.executions += one.executions;
        both.cut += one.cut;
        both.missing.extend(one.missing.into_iter().map(|text| format!("bound {bound}: {text}")));
        both.false_alarms.extend(one.false_alarms);
    }
    both.found()
}

pub(crate) fn rc11(programs: usize, seed: u64) -> Found {
    let plain = Family { name: "loads and stores", updates: false, ..Family::ATOMICS };
    let families = [
        plain,
        Family { name: "updates", ..Family::ATOMICS },
        Family { name: "fences", fences: &[Acquire, Release, AcqRel], ..plain },
        Family { name: "seq_cst fences", fences: &[SeqCst], ..plain },
        Family {
            name: "updates and fences",
            fences: &[Acquire, Release, AcqRel, SeqCst],
            ..Family::ATOMICS
        },
        Family { name: "cells", cells: true, ..Family::ATOMICS },
    ];
    let (mut random, mut executions, mut equal, mut cut) = (Random::new(seed), 0, 0, 0);
    let (mut known, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for family in &families {
        for _ in 0..programs {
            let program = family.program(&mut random);
            let explored = explore(&program, Limits { executions: EXECUTIONS, preemptions: None });
            executions += explored.executions;
            if explored.cut {
                cut += 1;
                continue;
            }
            if let Some(text) = &explored.panic {
                wrong.push(format!("{}: {program}: {text}", family.name));
                continue;
            }
            match compare(&program, &explored.shown) {
                Verdict::Equal => equal += 1,
                Verdict::Known(deviation) => {
                    *known.entry(format!("{deviation:?}")).or_default() += 1;
                }
                Verdict::Wrong(text) => wrong.push(format!("{}: {text}", family.name)),
            }
        }
    }
    let programs = programs * families.len();
    let summary = format!(
        "{programs} programs, {executions} executions, {equal} equal, known deviations {known:?}, {} different, {cut} cut",
        wrong.len()
    );
    Found { summary, wrong }
}

/// Stock loom on the same programs: it must be seen to fail on each kind.
pub(crate) fn holes(programs: usize, seed: u64) -> Found {
    let kinds = [
        ("atomics", count(&Family::ATOMICS, programs, seed, None), false),
        ("locks", count(&LOCKS, programs, seed, None), false),
        ("parking", count(&PARKING, programs, seed, None), true),
        ("counts", count(&COUNTS, programs, seed, None), false),
        ("bound 1", count(&Family::ATOMICS, programs, seed, Some(1)), false),
        ("bound 2", count(&Family::ATOMICS, programs, seed, Some(2)), false),
    ];
    let (mut told, mut wrong) = (Vec::new(), Vec::new());
    for (name, count, by_alarm) in kinds {
        let (missing, alarms) = (count.missing.len(), count.false_alarms.len());
        told.push(format!(
            "{name}: {} programs, {} executions, {missing} miss outcomes, {alarms} false alarms, {} cut",
            count.programs, count.executions, count.cut
        ));
        if let Some(example) = count.missing.iter().min_by_key(|text| text.find(", shrunk")) {
            println!("    missing, {name}: {example}");
        }
        if let Some(example) = count.false_alarms.iter().min_by_key(|text| text.len()) {
            println!("    false alarm, {name}: {}", example.lines().next().unwrap_or_default());
        }
        if missing == 0 && !(by_alarm && alarms > 0) {
            wrong.push(format!("{name}: the known hole doesn't show: is this stock loom?"));
        }
    }
    Found { summary: told.join("; "), wrong }
}
