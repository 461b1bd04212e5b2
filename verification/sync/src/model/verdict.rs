//! What came of the models, and the file that gets it.

use std::fmt::Write as _;

/// What came of a model and its twins.
pub(super) struct Verdict {
    pub(super) name: &'static str,
    pub(super) bound: Option<usize>,
    pub(super) result: Result<(), String>,
    pub(super) skipped: Option<&'static str>,
    pub(super) executions: u64,
    pub(super) observations: u64,
    pub(super) twins: u64,
    pub(super) twins_found: u64,
    pub(super) seconds: f32,
    pub(super) random: Option<usize>,
}

impl Verdict {
    pub(super) fn passed(&self) -> bool {
        self.result.is_ok() && self.skipped.is_none()
    }

    pub(super) fn failed(&self) -> bool {
        self.result.is_err()
    }
}

/// Writes the file that `LATCHWORK_MODELS` names: name, verdict, executions, observations, bound,
/// twins, twins found, seconds without twins, how many random schedules stood for all of them, and
/// why it was left out, between tabs.
pub(super) fn write_verdicts(verdicts: &[Verdict]) -> std::io::Result<()> {
    let Some(path) = std::env::var_os("LATCHWORK_MODELS") else { return Ok(()) };
    let mut lines = String::new();
    for verdict in verdicts {
        let word = match (&verdict.result, verdict.skipped) {
            (Err(_), _) => "failed",
            (Ok(()), Some(_)) => "skipped",
            (Ok(()), None) => "ok",
        };
        let bound = verdict.bound.map(|bound| bound.to_string()).unwrap_or_default();
        let Verdict { name, executions, observations, twins, twins_found, seconds, .. } = verdict;
        let random = verdict.random.map(|schedules| schedules.to_string()).unwrap_or_default();
        let reason = verdict.skipped.unwrap_or_default();
        writeln!(
            lines,
            "{name}\t{word}\t{executions}\t{observations}\t{bound}\t{twins}\t{twins_found}\t{seconds}\t{random}\t{reason}"
        )
        .expect("a string takes everything");
    }
    std::fs::write(path, lines)
}
