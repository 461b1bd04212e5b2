//! The command line.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::mutants::site::{Filter, Site};
use crate::steps::{self, Step};

/// What the user asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Steps by name; empty for the default ones.
    pub(crate) steps: Vec<String>,
    /// Crates by short or full name; empty for all.
    pub(crate) crates: Vec<String>,
    /// Leaves out the slower half.
    pub(crate) quick: bool,
    /// Adds the steps that are not for every day.
    pub(crate) long: bool,
    /// Where to write what ran.
    pub(crate) json: Option<PathBuf>,
    /// Processes at a time.
    pub(crate) jobs: Option<usize>,
    /// Mutants only of sites at these places; empty for all.
    pub(crate) sites: Vec<Filter>,
    /// What mutants are wanted for.
    pub(crate) aim: Aim,
    /// Mutants only through models whose name contains one of these; empty for all.
    pub(crate) models: Vec<String>,
    /// Other targets whose name contains one of these; empty for all.
    pub(crate) targets: Vec<String>,
}

/// What mutants are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To see which survive.
    #[default]
    Survivors,
    /// The same, and to write down which model killed which.
    Record,
    /// To see which bounds of models are higher than they need be.
    Bounds,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Run steps.
    Run(Options),
    /// Print the help text.
    Help,
    /// Print the steps.
    List,
}

/// Reads the arguments.
///
/// # Errors
///
/// On an option or step that doesn't exist.
pub(crate) fn parse<I>(arguments: I) -> anyhow::Result<Wish>
where
    I: IntoIterator,
    I::Item: Into<std::ffi::OsString>,
{
    use lexopt::prelude::*;

    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Wish::Help),
            Long("list") => return Ok(Wish::List),
            Long("quick") => options.quick = true,
            Long("long") => options.long = true,
            Long("crate") => options.crates.push(parser.value()?.string()?),
            Long("json") => options.json = Some(parser.value()?.into()),
            Long("jobs") => options.jobs = Some(parser.value()?.parse()?),
            Long("site") => options.sites.push(parser.value()?.string()?.parse()?),
            Long("model") => options.models.push(parser.value()?.string()?),
            Long("record") => options.aim = Aim::Record,
            Long("bounds") => options.aim = Aim::Bounds,
            Long("target") => options.targets.push(parser.value()?.string()?),
            Value(step) => {
                let step = step.string()?;
                if !steps::ALL.iter().any(|known| known.name == step) {
                    let known: Vec<_> = steps::ALL.iter().map(|step| step.name).collect();
                    bail!("there is no step {step:?}; the steps are {}", known.join(", "));
                }
                options.steps.push(step);
            }
            _ => return Err(argument.unexpected()).context("see `cargo verify --help`"),
        }
    }
    if options.jobs == Some(0) {
        bail!("--jobs needs at least 1");
    }
    let means_mutants = options.narrows_mutants() || options.aim != Aim::Survivors;
    if means_mutants && options.steps.iter().any(|step| step != "mutants") {
        bail!("--site, --model, --record and --bounds mean the step `mutants`, and nothing else");
    }
    if options.aim == Aim::Record && !options.models.is_empty() {
        // Its sites are numbered by all that are reached.
        bail!("--record needs all models; --site narrows it");
    }
    if !options.targets.is_empty() && options.steps != ["targets"] {
        bail!("--target means the step `targets`, and nothing else");
    }
    if means_mutants && options.steps.is_empty() {
        options.steps.push("mutants".to_owned());
    }
    Ok(Wish::Run(options))
}

impl Options {
    /// Whether only some mutants, or only some models, are wanted.
    pub(crate) fn narrows_mutants(&self) -> bool {
        !self.sites.is_empty() || !self.models.is_empty()
    }

    /// Whether another target is wanted.
    pub(crate) fn wants_target(&self, name: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|part| name.contains(part))
    }

    /// Whether sites of a file, relative to the workspace's root, may be among those that are
    /// wanted.
    pub(crate) fn wants_some_in(&self, file: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|filter| filter.is_in(file))
    }

    /// Whether a site is among those that are wanted.
    pub(crate) fn wants(&self, site: &Site) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|filter| filter.holds(site))
    }

    /// Why a step is left out of this run, if it is.
    pub(crate) fn leaves_out(&self, step: &Step) -> Option<&'static str> {
        if !self.steps.is_empty() {
            let named = self.steps.iter().any(|name| name == step.name);
            return if named { None } else { Some("not asked for") };
        }
        match step.when {
            _ if step.name == "killers" && self.long => Some("the step `mutants` does more"),
            steps::When::Thorough if self.quick => Some("left out by --quick"),
            steps::When::Long if !self.long => Some("only with --long or by name"),
            _ => None,
        }
    }

    /// How many processes to run at a time.
    pub(crate) fn jobs(&self) -> usize {
        let from_cargo = || std::env::var("CARGO_BUILD_JOBS").ok()?.parse().ok();
        self.jobs
            .or_else(from_cargo)
            .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
            .unwrap_or(1)
            .max(1)
    }
}

/// The help text.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "Checks the family: every crate, every step that this machine can run.

USAGE
    cargo verify [STEP]... [OPTIONS]

OPTIONS
    --crate NAME   only this crate, by its full or short name (`treiber`, `sync`, `umbrella`
                   for the root package); may be given again
    --quick        leaves out the steps marked `thorough` and the models' twins
    --long         adds the steps marked `long`
    --site FILE[:LINE]
                   mutants only of the sites in that file, named by the end of its path, or only
                   of that line; may be given again
    --model NAME   mutants only through the models whose names contain NAME; may be given again
    --record       writes which model kills which mutant to verification/killers
    --bounds       tells whether a lower preemption bound would do for a model, by the mutants that
                   it is recorded to kill and its twins
    --target NAME  of the step `targets`, only those whose names contain NAME (`windows`, `darwin`,
                   `freebsd`, `wasm32`, `none`; with --long also `i686`, `aarch64-unknown`,
                   `s390x`); may be given again
    --json FILE    writes what ran to FILE
    --jobs N       models and mutants at a time (default: CARGO_BUILD_JOBS, or the processors)
    --list         names the steps
    -h, --help     prints this

The last line is `N passed, N failed`, with `, N skipped` where something was; the exit status
is 0 if nothing failed. What a step printed is kept in target/verify/logs.

STEPS
",
    );
    text.push_str(&list());
    text
}

/// The steps, one a line.
pub(crate) fn list() -> String {
    let line = |step: &Step| {
        let when = match step.when {
            steps::When::Always => "",
            steps::When::Thorough => " (thorough)",
            steps::When::Long => " (long)",
        };
        format!("    {:<9} {}{when}\n", step.name, step.about)
    };
    steps::ALL.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Options {
        match parse(arguments).unwrap() {
            Wish::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn steps_and_options_in_any_order() {
        let options = run(&["loom", "--crate", "treiber", "--quick", "test"]);
        assert_eq!(options.steps, ["loom", "test"]);
        assert_eq!(options.crates, ["treiber"]);
        assert!(options.quick && !options.long);
    }

    #[test]
    fn narrowing_means_the_mutants() {
        let options = run(&["--site", "raw/mod.rs:12", "--crate", "rwlock"]);
        assert_eq!(options.steps, ["mutants"]);
        let site = |line| Site { file: "rwlock/src/raw/mod.rs".into(), line, ..Site::default() };
        assert!(options.wants(&site(12)) && !options.wants(&site(13)));
        assert!(parse(["loom", "--model", "tries"]).is_err());
        assert!(parse(["loom", "--target", "i686"]).is_err());
        assert!(parse(["targets", "--target", "i686"]).is_ok());
        assert!(parse(["--site", "mod.rs:x"]).is_err());
    }

    #[test]
    fn unknown_steps_are_refused_with_the_known_ones() {
        let error = parse(["looms"]).unwrap_err().to_string();
        assert!(error.contains("looms") && error.contains("shuttle"), "{error}");
    }

    #[test]
    fn a_named_step_runs_whatever_its_rank() {
        for step in steps::ALL {
            assert_eq!(run(&["--quick", step.name]).leaves_out(step), None);
        }
    }
}
