//! Loom as it is published.

use std::fmt::Write as _;

use super::Run;
use super::cargo::excerpt;
use super::engine::Engine;
use crate::command::Invocation;
use crate::counts;
use crate::report::Outcome;

/// The facade's models that stock loom ends with a deadlock that no execution has: it loses what
/// `unpark` leaves for a `park` to come.
const BEYOND_STOCK: [&str; 9] = [
    "wake_after_change_is_never_missed",
    "each_class_is_woken",
    "all_are_woken",
    "event_hands_over_data_to_task",
    "event_is_reused",
    "task_frees_event",
    "waker_is_replaced",
    "naive_event_without_a_mistake",
    "waiter_changes_its_mind",
];

/// The facade's models under loom as it is published: that a checking build works for who doesn't
/// correct it, but for the models above. How many executions there are says nothing here: stock
/// loom leaves some out.
pub(crate) fn run(run: &mut Run) {
    run.each_crate(|run, krate| {
        if krate.name != "latchwork-sync" {
            return Ok(None);
        }
        let engine = Engine::StockLoom;
        let repeat = engine.repeat(run, krate, "loom");
        let built = match engine.build(run, krate, "loom")? {
            Ok(built) => built,
            Err(finished) => return Ok(Some(Outcome::fail(excerpt(&finished)).repeat(&repeat))),
        };
        let results = run.log(krate).with_extension("models");
        if results.is_file() {
            std::fs::remove_file(&results)?;
        }
        let command = Invocation::new(&built.program, &run.workspace.root.join(&krate.directory))
            .args(["--models-only"])
            .env("LATCHWORK_STOCK_LOOM", "1")
            .env("LATCHWORK_MODELS", results.to_string_lossy())
            .env("LATCHWORK_JOBS", run.options.jobs().to_string());
        let finished = command.run(&run.log(krate))?;
        let lines = counts::of_models(&std::fs::read_to_string(&results).unwrap_or_default());
        let mut outcome = Outcome::default();
        for line in &lines {
            let is_beyond = BEYOND_STOCK.contains(&line.name.as_str());
            let wrong = match (line.passed, is_beyond) {
                (true, true) => "passes, and is listed as one that does not",
                (false, false) => "fails",
                _ => {
                    outcome.passed += 1;
                    continue;
                }
            };
            outcome.failed += 1;
            writeln!(outcome.detail, "    {} {wrong}", line.name)?;
        }
        if lines.is_empty() {
            outcome = Outcome::fail(excerpt(&finished));
        }
        outcome.notes.push(format!("{} of them are beyond it", BEYOND_STOCK.len()));
        Ok(Some(outcome.repeat(&repeat)))
    });
}
