//! The steps that are one call of cargo a crate.

use std::time::Duration;

use super::Run;
use crate::command::{Finished, Invocation, tail};
use crate::counts;
use crate::report::Outcome;
use crate::workspace::Crate;

/// Lines of a failed program's output that are shown.
const SHOWN: usize = 40;

/// How long a crate's tests may take, once built: far more than they need, so that one that hangs
/// fails by its name.
const TESTS_LIMIT: Duration = Duration::from_secs(600);

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
        if krate.name == super::spin::CRATE {
            return Ok(None);
        }
        let only_build = of_crate(run, krate, &["test", "--no-run"]);
        let built = only_build.run(&run.log(krate))?;
        if !built.success {
            return Ok(Some(Outcome::fail(excerpt(&built)).repeat(&only_build)));
        }
        let command = of_crate(run, krate, &["test", "--no-fail-fast"]);
        let finished = command.run_within(&run.log(krate), TESTS_LIMIT)?;
        let mut outcome = of_tests(&finished);
        if outcome.failed == 0 && outcome.passed == 0 && outcome.skipped.is_empty() {
            outcome = Outcome::skip("has no tests");
        }
        Ok(Some(outcome.repeat(&command)))
    });
}

/// What `cargo test` has shown; tests that didn't end are named.
pub(crate) fn of_tests(finished: &Finished) -> Outcome {
    let mut outcome = counts::of_tests(&finished.output);
    if !finished.success {
        outcome.failed = outcome.failed.max(1);
    }
    if outcome.failed > 0 {
        outcome.detail = excerpt(finished);
        for test in hung(&finished.output) {
            outcome.detail.push_str("    HANGS: ");
            outcome.detail.push_str(test);
            outcome.detail.push('\n');
        }
    }
    outcome
}

/// The tests that the harness called slow and that did not end.
fn hung(output: &str) -> Vec<&str> {
    let slow = output.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("test ")?.split_once(" has been running for over ")?;
        Some(name)
    });
    let ended = |name: &str| {
        output.lines().any(|line| {
            line.strip_prefix("test ")
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with(" ... "))
        })
    };
    slow.filter(|name| !ended(name)).collect()
}

/// `cargo doc` with warnings denied, then the book.
pub(crate) fn doc(run: &mut Run) {
    run.each_crate(|run, krate| {
        let command =
            of_crate(run, krate, &["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        one_verdict(run, krate, &command).map(Some)
    });
    super::book::run(run);
}

/// `cargo clippy` with warnings denied: as it is, and as the explorers build it. The latter is
/// also what shows that a checking build works with loom as it is published.
pub(crate) fn lint(run: &mut Run) {
    run.each_crate(|run, krate| {
        let arguments = ["clippy", "--all-targets", "--no-deps"];
        // Programs are for the real machine.
        let modelled = ["clippy", "--lib", "--tests", "--no-deps"];
        let denied = ["--", "--deny", "warnings"];
        let command = of_crate(run, krate, &arguments).args(denied);
        let mut sum = one_verdict(run, krate, &command)?;
        for engine in ["loom", "shuttle"] {
            if sum.passed > 0 && krate.tests.iter().any(|test| test == "loom" || test == engine) {
                let target = run.workspace.target.join(engine);
                let command = of_crate(run, krate, &modelled)
                    .env("RUSTFLAGS", format!("--cfg latchwork_{engine}"))
                    .env("CARGO_TARGET_DIR", target.to_string_lossy())
                    .args(denied);
                sum.add(one_verdict(run, krate, &command)?);
            }
        }
        Ok(Some(sum))
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
    fn a_test_that_hangs_is_named() {
        let output = "test a has been running for over 60 seconds\n\
            test b has been running for over 60 seconds\ntest a ... ok\n";
        assert_eq!(hung(output), ["b"]);
    }

    #[test]
    fn a_missing_tool_is_told_from_a_finding() {
        assert!(is_missing("error: 'cargo-clippy' is not installed for the toolchain 'stable'.\n"));
        assert!(is_missing("error: no such command: `fmt`\n"));
        assert!(!is_missing("error: unused variable\nno such command\n"));
    }
}
