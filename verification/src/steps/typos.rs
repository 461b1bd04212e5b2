//! Spelling, by `typos`, where it is installed; with `--long` it is built below the target
//! directory where it isn't.

use std::path::PathBuf;

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::report::Outcome;

/// The version that is built.
const VERSION: &str = "1";

/// Every file that is committed.
pub(crate) fn run(run: &mut Run) {
    run.check("workspace", |run| {
        let program = match program(run)? {
            Ok(program) => program,
            Err(reason) => return Ok(Some(Outcome::skip(reason))),
        };
        let command = Invocation::new(program, &run.workspace.root).args([
            "--format",
            "brief",
            "--config",
            "_typos.toml",
        ]);
        let finished = command.run(&run.workspace.target.join("logs/typos.log"))?;
        let outcome =
            if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
        Ok(Some(outcome.repeat(&command)))
    });
}

/// The program, or why there is none.
fn program(run: &Run) -> anyhow::Result<Result<PathBuf, String>> {
    let tools = run.workspace.target.join("tools");
    let ours = tools.join("bin").join(format!("typos{}", std::env::consts::EXE_SUFFIX));
    let works = |program: &PathBuf| {
        Invocation::new(program, &run.workspace.root).args(["--version"]).output().is_ok()
    };
    if let Some(there) = [PathBuf::from("typos"), ours.clone()].into_iter().find(works) {
        return Ok(Ok(there));
    }
    if !run.options.long {
        return Ok(Err("typos is not installed (`cargo install typos-cli`, or --long)".into()));
    }
    let command = Invocation::cargo(&run.workspace.root, ["install", "--locked", "--quiet"])
        .args(["typos-cli", "--version", VERSION, "--root", &tools.to_string_lossy()]);
    let finished = command.run(&run.workspace.target.join("logs/typos-install.log"))?;
    if !finished.success {
        return Ok(Err("typos is not installed, and can't be built here".into()));
    }
    Ok(Ok(ours))
}
