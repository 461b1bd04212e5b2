//! Reading what test programs print.

use std::collections::BTreeSet;

use crate::report::Outcome;

/// Sums the result lines of the standard test harness.
pub(crate) fn of_tests(output: &str) -> Outcome {
    let mut sum = Outcome::default();
    let mut ignored = 0;
    for line in output.lines() {
        let Some(rest) = line.trim_start().strip_prefix("test result: ") else { continue };
        let number = |what: &str| {
            rest.split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<usize>().ok())
                .unwrap_or(0)
        };
        sum.passed += number("passed");
        sum.failed += number("failed");
        ignored += number("ignored");
    }
    if ignored > 0 {
        sum.skipped = vec![format!("{ignored} marked as ignored in the source")];
    }
    sum
}

/// What tests left out and why, once each: the lines that begin with `skipped: `, of tests whose
/// output is shown.
pub(crate) fn left_out(output: &str) -> BTreeSet<&str> {
    output.lines().filter_map(|line| line.trim_start().strip_prefix("skipped: ")).collect()
}

/// Reads the last line of the kind `N passed, N failed`, if there is one.
pub(crate) fn of_last_line(output: &str) -> Option<Outcome> {
    output.lines().rev().find_map(|line| {
        let (passed, failed) = line.split_once(" passed, ")?;
        let failed = failed.strip_suffix(" failed")?.parse().ok()?;
        Some(Outcome { passed: passed.parse().ok()?, failed, ..Outcome::default() })
    })
}

/// What a run of a program of models tells of each, one line each, fields between tabs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelLine {
    /// The model's name.
    pub(crate) name: String,
    /// Whether it passed and, under loom, showed all that shuttle showed.
    pub(crate) passed: bool,
    /// Why it did not run, if so.
    pub(crate) skipped: Option<String>,
    /// How many executions were explored.
    pub(crate) executions: u64,
    /// How many different observations they made.
    pub(crate) observations: u64,
    /// The preemption bound, if any.
    pub(crate) bound: Option<u64>,
    /// Twins that ran.
    pub(crate) twins: u64,
    /// Twins that failed.
    pub(crate) twins_found: u64,
    /// How long it took, without its twins.
    pub(crate) seconds: f64,
    /// How many random schedules stood for all of them.
    pub(crate) random: Option<u64>,
}

/// Reads the file that `LATCHWORK_MODELS` named.
pub(crate) fn of_models(text: &str) -> Vec<ModelLine> {
    text.lines().filter_map(model_line).collect()
}

fn model_line(line: &str) -> Option<ModelLine> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_owned();
    let verdict = fields.next()?;
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (executions, observations) = (number().unwrap_or(0), number().unwrap_or(0));
    let bound = number();
    let (twins, twins_found) = (number()?, number()?);
    let seconds = fields.next()?.parse().ok()?;
    let random = fields.next()?.parse().ok();
    let skipped = (verdict == "skipped").then(|| fields.next().unwrap_or_default().to_owned());
    Some(ModelLine {
        name,
        passed: verdict == "ok",
        skipped,
        executions,
        observations,
        bound,
        twins,
        twins_found,
        seconds,
        random,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_over_binaries_and_doctests() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let sum = of_tests(output);
        assert_eq!((sum.passed, sum.failed), (5, 4));
        assert_eq!(sum.skipped, ["1 marked as ignored in the source"]);
    }

    #[test]
    fn what_is_left_out_is_told_once() {
        let output = "---- a stdout ----\nskipped: no ring\nskipped: no ring\n\
            test b ... ok\nskipped: no disk\nit is skipped: not so\n";
        assert!(left_out(output).into_iter().eq(["no disk", "no ring"]));
    }

    #[test]
    fn a_last_line_of_counts_is_read() {
        let counted = of_last_line("a table\n28 passed, 1 failed\nexit status: 1\n").unwrap();
        assert_eq!((counted.passed, counted.failed), (28, 1));
        assert!(of_last_line("nothing passed, or failed\n").is_none());
    }

    #[test]
    fn model_lines_are_read() {
        let text = "a\tok\t12\t2\t\t1\t1\t0.5\t\t\nb\tfailed\t0\t0\t3\t0\t0\t1\t20\t\nc\tskipped\t0\t0\t\t0\t0\t0\t\ttoo large\n";
        let lines = of_models(text);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].passed && lines[0].executions == 12 && lines[0].bound.is_none());
        assert!(!lines[1].passed && lines[1].bound == Some(3) && lines[1].random == Some(20));
        assert_eq!(lines[2].skipped.as_deref(), Some("too large"));
    }
}
