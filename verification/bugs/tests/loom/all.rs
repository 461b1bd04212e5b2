//! The bugs, and the table of what became of each.

#![allow(clippy::doc_markdown, reason = "the stories name projects")]

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant as Wall;

use latchwork_sync::model::{Model, Scene, main as run_models};

mod doubled_load;
mod epoch_before_fence;
mod forgotten_readers;
mod leader_lost_on_error;
mod light_against_light;
mod memory;
mod narrow_tag;
mod nested_pin;
mod ok_after_failed_sync;
mod overwritten_waker;
mod restored_count;
mod stale_tag;
mod stranded_waiter;
mod swallowed_wake;
mod take_all_keeps_generation;
mod touched_after_mark;
mod untagged_reuse;
mod versions;

/// A bug and its fix.
struct Bug {
    name: &'static str,
    /// What is wrong in the scene that must fail.
    twin: &'static str,
    /// Part of what the failing scene says: it must fail for this reason.
    fails_with: &'static str,
    /// Preemptions at most, where exploring all would take minutes.
    bound: Option<usize>,
    fixed: Scene,
    broken: Scene,
}

impl Bug {
    fn model(&self) -> Model {
        let model = Model::new(self.name, self.fixed).twin(self.twin, self.broken);
        match self.bound {
            Some(preemptions) => model.bound(preemptions).random_under_shuttle(20_000),
            None => model,
        }
    }
}

/// What loom says when every thread is blocked.
const DEADLOCK: &str = "deadlock";
/// What loom says of two accesses of which neither happens before the other.
const RACE: &str = "Causality violation";

const BUGS: &[Bug] = &[
    doubled_load::BUG,
    untagged_reuse::BY_TAG,
    untagged_reuse::BY_HAZARD,
    narrow_tag::BUG,
    take_all_keeps_generation::BUG,
    stale_tag::BUG,
    stranded_waiter::BUG,
    ok_after_failed_sync::BUG,
    leader_lost_on_error::BUG,
    touched_after_mark::BUG,
    forgotten_readers::BUG,
    swallowed_wake::BUG,
    restored_count::BUG,
    overwritten_waker::BUG,
    epoch_before_fence::BUG,
    nested_pin::BUG,
    light_against_light::BUG,
];

pub(crate) fn main() -> ExitCode {
    let models: Vec<_> = BUGS.iter().map(Bug::model).collect();
    if std::env::args().len() > 1 {
        return run_models(&models);
    }
    println!("{:28}{:48}{:32}seconds", "bug", "as published", "fixed: executions / observations");
    let mut failures = Vec::new();
    let mut passed = 0;
    for bug in BUGS {
        let start = Wall::now();
        let fixed = Ran::of(bug.name);
        let broken = Ran::of(&format!("{}/{}", bug.name, bug.twin));
        // Weak memory is loom's alone: under shuttle a twin may pass.
        let found = !broken.passed && broken.output.contains(bug.fails_with);
        let told = match (found, broken.passed) {
            (true, _) => format!("fails: {}", bug.fails_with),
            (_, false) => "fails OTHERWISE".into(),
            (_, true) if cfg!(latchwork_shuttle) => "passes, as under shuttle it may".into(),
            _ => "PASSES".into(),
        };
        let fix = match &fixed.summary {
            Some(summary) if fixed.passed => format!("passes: {summary}"),
            _ => "FAILS".into(),
        };
        let seconds = start.elapsed().as_secs_f32();
        println!("{:28}{told:48}{fix:32}{seconds:8.2}", bug.name);
        let bug_is_right = found || (cfg!(latchwork_shuttle) && broken.passed);
        passed += usize::from(fixed.passed) + usize::from(bug_is_right);
        if !fixed.passed {
            failures.push((bug.name, "the fix fails", fixed.output));
        }
        if !bug_is_right {
            failures.push((bug.name, "the bug is not found", broken.output));
        }
    }
    for (name, what, output) in &failures {
        println!("\n{name}: {what}\n{output}");
    }
    println!("{passed} passed, {} failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One scene, run in a process of its own.
struct Ran {
    passed: bool,
    summary: Option<String>,
    output: String,
}

impl Ran {
    fn of(scene: &str) -> Self {
        let child = Command::new(std::env::current_exe().expect("a running program has a path"))
            .args(["--run", scene])
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output()
            .expect("the same program can be started again");
        let stdout = String::from_utf8_lossy(&child.stdout);
        let summary = stdout.lines().rev().find_map(|line| line.strip_prefix("@ "));
        let summary =
            summary.map(|line| line.replace("executions ", "").replace(" observations ", " / "));
        Self {
            passed: child.status.success(),
            summary,
            output: format!("{stdout}{}", String::from_utf8_lossy(&child.stderr)),
        }
    }
}
