//! What ran, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// What one step found in one crate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Checks that passed.
    pub(crate) passed: usize,
    /// Checks that failed.
    pub(crate) failed: usize,
    /// Checks that were not made, and why.
    pub(crate) skipped: Vec<String>,
    /// What to show of a failure.
    pub(crate) detail: String,
    /// The command that repeats it.
    pub(crate) repeat: Option<String>,
    /// What else is worth a line.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// One check that passed.
    pub(crate) fn pass() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// One check that failed.
    pub(crate) fn fail(detail: impl Into<String>) -> Self {
        Self { failed: 1, detail: detail.into(), ..Self::default() }
    }

    /// One check that was not made.
    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Self { skipped: vec![reason.into()], ..Self::default() }
    }

    /// Adds the command that repeats it.
    pub(crate) fn repeat(mut self, command: &impl ToString) -> Self {
        self.repeat = Some(command.to_string());
        self
    }

    /// Adds another outcome to this one.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self.detail.push_str(&other.detail);
        self.notes.extend(other.notes);
        if other.failed > 0 || self.repeat.is_none() {
            self.repeat = other.repeat.or(self.repeat.take());
        }
    }

    /// The counts in words.
    pub(crate) fn counts(&self) -> String {
        counts(self.passed, self.failed, self.skipped.len())
    }
}

fn counts(passed: usize, failed: usize, skipped: usize) -> String {
    let mut text = format!("{passed} passed, {failed} failed");
    if skipped > 0 {
        write!(text, ", {skipped} skipped").expect("a string takes everything");
    }
    text
}

/// A row of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The step's name.
    pub(crate) step: &'static str,
    /// The crate's name, or `workspace`.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    /// Checks that passed.
    pub(crate) passed: usize,
    /// Checks that failed.
    pub(crate) failed: usize,
    /// Checks that were not made.
    pub(crate) skipped: usize,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Why checks were not made.
    pub(crate) reasons: Vec<String>,
}

/// What is known of a model after its runs.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct ModelRow {
    /// The model's name.
    pub(crate) name: String,
    /// The crate's name.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    /// Executions under loom.
    pub(crate) loom_executions: Option<u64>,
    /// Different observations under loom.
    pub(crate) observations: Option<u64>,
    /// Executions under shuttle.
    pub(crate) shuttle_executions: Option<u64>,
    /// Different observations under shuttle.
    pub(crate) shuttle_observations: Option<u64>,
    /// How many random schedules stood for all of them under shuttle, where there are too many.
    pub(crate) shuttle_random: Option<u64>,
    /// Why shuttle left it out, if it did.
    pub(crate) shuttle_left_out: Option<String>,
    /// Twins: the same scene with a bug put back.
    pub(crate) twins: u64,
    /// Twins that failed, as they must.
    pub(crate) twins_found: u64,
    /// Mutants that it is recorded to kill.
    pub(crate) shown_by: Vec<String>,
    /// The preemption bound under loom, if any.
    pub(crate) bound: Option<u64>,
    /// How long it took under loom, without its twins.
    pub(crate) loom_seconds: Option<f64>,
}

/// What is known of a crate's ordering sites after its mutants ran.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct MutantRow {
    /// The crate's name.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    /// Sites that a model reached.
    pub(crate) sites: usize,
    /// Weakened runs.
    pub(crate) mutants: usize,
    /// Mutants that a model found.
    pub(crate) killed: usize,
    /// Survivors that are listed with an argument.
    pub(crate) equivalent: usize,
    /// Survivors that are not.
    pub(crate) survived: usize,
    /// Sites in the source that no model reached and that are not listed.
    pub(crate) unhit: usize,
    /// Runs with a failed weak exchange or a spurious wake, which models must pass.
    pub(crate) adversities: usize,
    /// Those that a model did not pass.
    pub(crate) not_tolerated: usize,
    /// The survivors that are not listed.
    pub(crate) survivors: Vec<String>,
    /// The sites that no model reached and that are not listed.
    pub(crate) never_reached: Vec<String>,
    /// The adversities that a model did not pass.
    pub(crate) intolerant: Vec<String>,
}

/// Everything that ran.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// One row a step and crate.
    pub(crate) steps: Vec<Row>,
    /// One row a model.
    pub(crate) models: Vec<ModelRow>,
    /// One row a crate.
    pub(crate) mutants: Vec<MutantRow>,
    /// Steps that did not run, and why.
    pub(crate) left_out: Vec<(&'static str, String)>,
}

impl Report {
    /// Adds a row.
    pub(crate) fn push(
        &mut self,
        step: &'static str,
        krate: &str,
        outcome: &Outcome,
        took: Duration,
    ) {
        self.steps.push(Row {
            step,
            krate: krate.to_owned(),
            passed: outcome.passed,
            failed: outcome.failed,
            skipped: outcome.skipped.len(),
            seconds: (took.as_secs_f64() * 100.0).round() / 100.0,
            reasons: outcome.skipped.clone(),
        });
    }

    /// The row of a model, made if it is new.
    pub(crate) fn model(&mut self, krate: &str, name: &str) -> &mut ModelRow {
        let known = self.models.iter().position(|row| row.krate == krate && row.name == name);
        let number = known.unwrap_or_else(|| {
            let row =
                ModelRow { name: name.to_owned(), krate: krate.to_owned(), ..ModelRow::default() };
            self.models.push(row);
            self.models.len() - 1
        });
        &mut self.models[number]
    }

    /// How many checks failed.
    pub(crate) fn failed(&self) -> usize {
        self.steps.iter().map(|row| row.failed).sum()
    }

    /// The table, what was skipped, and the last line.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!(
            "\n{:<9} {:>7} {:>7} {:>7} {:>9}\n",
            "step", "passed", "failed", "skipped", "seconds"
        );
        let mut steps: Vec<&str> = self.steps.iter().map(|row| row.step).collect();
        steps.dedup();
        let mut line = |name: &str, rows: &[&Row]| {
            let sum = |of: fn(&Row) -> usize| rows.iter().map(|row| of(row)).sum::<usize>();
            let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
            let (passed, failed) = (sum(|row| row.passed), sum(|row| row.failed));
            let skipped = sum(|row| row.skipped);
            writeln!(text, "{name:<9} {passed:>7} {failed:>7} {skipped:>7} {seconds:>9.1}")
                .expect("a string takes everything");
        };
        for step in &steps {
            let rows: Vec<_> = self.steps.iter().filter(|row| row.step == *step).collect();
            line(step, &rows);
        }
        let all: Vec<_> = self.steps.iter().collect();
        line("all", &all);
        text.push_str(&self.what_was_skipped());
        for row in self.steps.iter().filter(|row| row.failed > 0) {
            writeln!(text, "\nFAILED: {}, {}: {} of its checks", row.step, row.krate, row.failed)
                .expect("a string takes everything");
        }
        let sum = |of: fn(&Row) -> usize| self.steps.iter().map(of).sum::<usize>();
        let skipped = sum(|row| row.skipped);
        writeln!(text, "\n{}", counts(sum(|row| row.passed), self.failed(), skipped))
            .expect("a string takes everything");
        text
    }

    fn what_was_skipped(&self) -> String {
        let mut lines = String::new();
        for (step, reason) in &self.left_out {
            writeln!(lines, "    {step}: {reason}").expect("a string takes everything");
        }
        for row in &self.steps {
            for reason in &row.reasons {
                writeln!(lines, "    {}, {}: {reason}", row.step, row.krate)
                    .expect("a string takes everything");
            }
        }
        if lines.is_empty() { lines } else { format!("\nskipped:\n{lines}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_count() {
        let mut report = Report::default();
        let mut outcome = Outcome { passed: 3, failed: 1, ..Outcome::default() };
        report.push("test", "a", &outcome, Duration::from_secs(1));
        assert_eq!(report.summary().lines().last(), Some("3 passed, 1 failed"));
        outcome.add(Outcome::skip("no nightly"));
        report.push("asan", "a", &outcome, Duration::from_secs(1));
        let summary = report.summary();
        assert_eq!(summary.lines().last(), Some("6 passed, 2 failed, 1 skipped"));
        assert!(summary.contains("asan, a: no nightly"), "{summary}");
    }

    #[test]
    fn json_has_the_promised_fields() {
        let mut report = Report::default();
        report.push("test", "a", &Outcome::pass(), Duration::from_millis(1500));
        report.model("a", "m").loom_executions = Some(7);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["steps"][0]["crate"], "a");
        assert_eq!(json["steps"][0]["seconds"], 1.5);
        assert_eq!(json["models"][0]["loom_executions"], 7);
    }
}
