//! The steps and their arguments.

use std::process::ExitCode;
use std::time::Instant;

use latchwork_litmus::explorer::{Limits, explore};
use latchwork_litmus::program::{Program, Step};

mod random;
mod table;

/// What the arguments ask for.
struct Options {
    /// Random programs of each kind; by default each step's own number.
    programs: Option<usize>,
    seed: u64,
}

/// What a step found.
pub(crate) struct Found {
    /// For the report.
    pub(crate) summary: String,
    /// One text for each thing that is wrong.
    pub(crate) wrong: Vec<String>,
}

type Run = fn(&Options) -> Found;

const STEPS: [(&str, Run); 9] = [
    ("override", |_| correction_is_in_force()),
    ("table", |_| table::run()),
    ("atomics", |options| random::atomics(options.programs.unwrap_or(5_000), options.seed)),
    ("locks", |options| random::locks(options.programs.unwrap_or(200), options.seed)),
    ("parking", |options| random::parking(options.programs.unwrap_or(200), options.seed)),
    ("counts", |options| random::counts(options.programs.unwrap_or(100), options.seed)),
    ("bounded", |options| random::bounded(options.programs.unwrap_or(200), options.seed)),
    ("rc11", |options| random::rc11(options.programs.unwrap_or(200), options.seed)),
    ("holes", |options| random::holes(options.programs.unwrap_or(300), options.seed)),
];

pub(crate) fn main() -> ExitCode {
    let mut options = Options { programs: None, seed: 1 };
    let mut chosen = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--programs" | "--seed" => {
                let Some(number) = arguments.next().and_then(|number| number.parse().ok()) else {
                    eprintln!("{argument} wants a number");
                    return ExitCode::FAILURE;
                };
                match argument.as_str() {
                    "--seed" => options.seed = number,
                    _ => options.programs = usize::try_from(number).ok(),
                }
            }
            name if STEPS.iter().any(|(step, _)| *step == name) => chosen.push(argument),
            other => {
                let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
                eprintln!("no step {other}: there are {}", names.join(", "));
                return ExitCode::FAILURE;
            }
        }
    }
    // Executions that end in a panic are counted, not shown.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut failed) = (0, 0);
    for (name, run) in STEPS {
        let by_default = chosen.is_empty() && name != "holes";
        if !by_default && !chosen.iter().any(|step| step == name) {
            continue;
        }
        let start = Instant::now();
        let found = run(&options);
        let verdict = if found.wrong.is_empty() { "ok" } else { "FAILED" };
        let seconds = start.elapsed().as_secs_f32();
        println!("{name} ... {verdict} ({}, {seconds:.1} s)", found.summary);
        for wrong in &found.wrong {
            println!("    {wrong}");
        }
        if found.wrong.is_empty() { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Stock loom finds one outcome of two here.
fn correction_is_in_force() -> Found {
    use std::sync::atomic::Ordering::Relaxed;
    let program = Program::new([
        vec![Step::Load(0, Relaxed)],
        vec![Step::Load(0, Relaxed), Step::Exchange(0, 0, 1, Relaxed, Relaxed)],
    ]);
    let explored = explore(&program, Limits { executions: 1_000, preemptions: None });
    let outcomes = explored.shown.outcomes.len();
    Found {
        summary: format!("{} executions, {outcomes} outcomes", explored.executions),
        wrong: if outcomes == 2 {
            vec![]
        } else {
            vec!["this is stock loom: run with the corrected copy in `paths`".into()]
        },
    }
}
