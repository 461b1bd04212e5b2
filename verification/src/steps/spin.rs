//! The algorithms in Promela, through SPIN.

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::counts;
use crate::report::Outcome;

/// The crate whose only test is this step.
pub(crate) const CRATE: &str = "latchwork-spin";

/// Runs the models and their controls.
pub(crate) fn run(run: &mut Run) {
    run.each_crate(|run, krate| {
        if krate.name != CRATE {
            return Ok(None);
        }
        let command = Invocation::cargo(&run.workspace.root, ["test", "--quiet", "--locked"])
            .args(["--package", CRATE, "--test", "spin"]);
        let finished = command.run(&run.log(krate))?;
        let mut outcome = match reason_to_skip(&finished.output) {
            Some(reason) if finished.success => return Ok(Some(Outcome::skip(reason))),
            _ => counts::of_last_line(&finished.output).unwrap_or_default(),
        };
        if !finished.success || outcome.passed == 0 {
            outcome.failed = outcome.failed.max(1);
            outcome.detail = excerpt(&finished);
        }
        outcome.notes =
            finished.output.lines().filter(|line| is_verdict(line)).map(str::to_owned).collect();
        Ok(Some(outcome.repeat(&command)))
    });
}

fn reason_to_skip(output: &str) -> Option<&str> {
    output.lines().find_map(|line| line.strip_prefix("skipped: "))
}

fn is_verdict(line: &str) -> bool {
    line.ends_with(" s") && line.contains(" states ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_prints_is_understood() {
        assert_eq!(reason_to_skip("a\nskipped: no `spin`\n"), Some("no `spin`"));
        assert!(is_verdict("stack K=4      ok      235268 states    0.3 s"));
        assert!(!is_verdict("12 passed, 0 failed"));
    }
}
