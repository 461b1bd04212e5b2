//! The steps that are one call of cargo a crate.

use super::Run;
use crate::command::{Finished, Invocation, tail};
use crate::counts;
use crate::report::Outcome;
use crate::workspace::Crate;

/// Lines of a failed program's output that are shown.
const SHOWN: usize = 40;

/// `cargo fmt --check`.
pub(crate) fn fmt(run: &mut Run) {
    run.each_crate(|run, krate| {
        let command = Invocation::cargo(&run.workspace.root, ["fmt", "--check"])
            .args(["--package", &krate.name]);
        one_verdict(run, krate, &command).map(Some)
    });
}

/// `cargo test`, documentation included.
pub(crate) fn test(run: &mut Run) {
    run.each_crate(|run, krate| {
        let command = of_crate(run, krate, &["test", "--no-fail-fast"]);
        let finished = command.run(&run.log(krate))?;
        let mut outcome = counts::of_tests(&finished.output);
        if !finished.success && outcome.failed == 0 {
            outcome.failed = 1;
        }
        if outcome.failed > 0 {
            outcome.detail = excerpt(&finished);
        } else if outcome.passed == 0 && outcome.skipped.is_empty() {
            outcome = Outcome::skip("has no tests");
        }
        Ok(Some(outcome.repeat(&command)))
    });
}

/// `cargo doc` with warnings denied.
pub(crate) fn doc(run: &mut Run) {
    run.each_crate(|run, krate| {
        let command =
            of_crate(run, krate, &["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        one_verdict(run, krate, &command).map(Some)
    });
}

/// `cargo clippy` with warnings denied.
pub(crate) fn lint(run: &mut Run) {
    run.each_crate(|run, krate| {
        let command = of_crate(run, krate, &["clippy", "--all-targets", "--no-deps"])
            .args(["--", "--deny", "warnings"]);
        one_verdict(run, krate, &command).map(Some)
    });
}

fn of_crate(run: &Run, krate: &Crate, arguments: &[&str]) -> Invocation {
    Invocation::cargo(&run.workspace.root, arguments.iter().copied()).args([
        "--locked",
        "--all-features",
        "--package",
        &krate.name,
    ])
}

/// Runs a command that either passes or fails as a whole.
fn one_verdict(run: &Run, krate: &Crate, command: &Invocation) -> anyhow::Result<Outcome> {
    let finished = command.run(&run.log(krate))?;
    if !finished.success && is_missing(&finished.output) {
        let first = finished.output.lines().next().unwrap_or_default();
        return Ok(Outcome::skip(format!("this toolchain has no such tool: {first}")));
    }
    let outcome =
        if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
    Ok(outcome.repeat(command))
}

/// Whether cargo or rustup said that the tool itself isn't there.
fn is_missing(output: &str) -> bool {
    let first = output.lines().next().unwrap_or_default();
    first.contains("is not installed for the toolchain") || first.contains("no such command")
}

/// What to show of a program that failed.
pub(crate) fn excerpt(finished: &Finished) -> String {
    format!("{}    {}\n", tail(&finished.output, SHOWN), finished.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_told_from_a_finding() {
        assert!(is_missing("error: 'cargo-clippy' is not installed for the toolchain 'stable'.\n"));
        assert!(is_missing("error: no such command: `fmt`\n"));
        assert!(!is_missing("error: unused variable\nno such command\n"));
    }
}
