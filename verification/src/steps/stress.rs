//! Programs that run for long: each crate's example `stress`.

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::report::Outcome;

/// Runs each crate's stress, if it has one.
pub(crate) fn run(run: &mut Run) {
    run.each_crate(|run, krate| {
        if !run.workspace.root.join(krate.path("examples/stress.rs")).is_file() {
            return Ok(None);
        }
        let command = Invocation::cargo(&run.workspace.root, ["run", "--release", "--quiet"])
            .args(["--locked", "--package", &krate.name, "--example", "stress"]);
        let finished = command.run(&run.log(krate))?;
        let mut outcome =
            if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
        if finished.success {
            outcome.notes = finished.output.lines().map(str::to_owned).collect();
        }
        Ok(Some(outcome.repeat(&command)))
    });
}
