//! `cargo verify`: every check of the family in one command.
//!
//! Each step is a function over the crates of the workspace ([`steps`]); what it found goes into
//! one report ([`report`]), printed as it comes and, with `--json`, written at the end.

mod assembly;
mod command;
mod corrected_loom;
mod counts;
mod debian;
mod mutants;
mod options;
mod report;
mod source;
mod steps;
mod workspace;

use std::process::ExitCode;

use anyhow::Context as _;

use options::{Options, Wish};
use steps::Run;
use workspace::Workspace;

fn main() -> ExitCode {
    let result = match options::parse(std::env::args_os().skip(1)) {
        Ok(Wish::Help) => {
            print!("{}", options::help());
            return ExitCode::SUCCESS;
        }
        Ok(Wish::List) => {
            print!("{}", options::list());
            return ExitCode::SUCCESS;
        }
        Ok(Wish::Run(options)) => verify(options),
        Err(error) => Err(error),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo verify: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs what was asked for; whether all of it passed.
fn verify(options: Options) -> anyhow::Result<bool> {
    let workspace = Workspace::load()?;
    let crates = workspace.select(&options.crates)?;
    let json = options.json.clone();
    let mut run = Run::new(options, workspace, crates);
    run.all();
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&run.report)?;
        std::fs::write(&path, text + "\n")
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    print!("{}", run.report.summary());
    Ok(run.report.failed() == 0)
}
