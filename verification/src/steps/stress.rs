//! Programs that run for long: each crate's example `stress`, and the tests that its manifest
//! names, with more cases than they have by default.

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::counts;
use crate::report::Outcome;
use crate::workspace::Crate;

/// Runs what each crate has.
pub(crate) fn run(run: &mut Run) {
    run.each_crate(|run, krate| {
        let mut sum: Option<Outcome> = None;
        for outcome in [example(run, krate)?, tests(run, krate)?].into_iter().flatten() {
            sum.get_or_insert_default().add(outcome);
        }
        Ok(sum)
    });
}

fn example(run: &Run, krate: &Crate) -> anyhow::Result<Option<Outcome>> {
    if !run.workspace.root.join(krate.path("examples/stress.rs")).is_file() {
        return Ok(None);
    }
    let command = Invocation::cargo(&run.workspace.root, ["run", "--release", "--quiet"]).args([
        "--locked",
        "--package",
        &krate.name,
        "--example",
        "stress",
    ]);
    let finished = command.run(&run.log(krate))?;
    let mut outcome =
        if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
    if finished.success {
        outcome.notes = finished.output.lines().map(str::to_owned).collect();
    }
    Ok(Some(outcome.repeat(&command)))
}

fn tests(run: &Run, krate: &Crate) -> anyhow::Result<Option<Outcome>> {
    if krate.stress.tests.is_empty() {
        return Ok(None);
    }
    let mut command = Invocation::cargo(&run.workspace.root, ["test", "--release", "--locked"])
        .args(["--all-features", "--package", &krate.name]);
    for test in &krate.stress.tests {
        command = command.args(["--test", test]);
    }
    for (name, value) in &krate.stress.environment {
        command = command.env(name, value);
    }
    // What a test says of itself is on a line of the harness's, which one thread keeps whole.
    command = command.args(["--", "--nocapture", "--test-threads=1"]);
    let finished = command.run(&run.log(krate))?;
    let mut outcome = counts::of_tests(&finished.output);
    if !finished.success {
        outcome.failed = outcome.failed.max(1);
        outcome.detail = excerpt(&finished);
    }
    let said = |mark| {
        let after = move |line: &str| Some(line.split_once(mark)?.1.to_owned());
        finished.output.lines().filter_map(after)
    };
    outcome.notes = said("told: ").collect();
    outcome.skipped.extend(said("skipped: "));
    Ok(Some(outcome.repeat(&command)))
}
