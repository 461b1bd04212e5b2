//! The steps that run models, under loom and under shuttle.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Run;
use super::cargo::excerpt;
use crate::command::{Finished, Invocation};
use crate::corrected_loom::CorrectedLoom;
use crate::counts;
use crate::mutants::listing::Listings;
use crate::report::Outcome;
use crate::workspace::Crate;

/// The profile that models are built with: fast, and with every assertion.
const PROFILE: &str = "models";

/// Crates whose programs under loom are steps of their own.
const OF_THEIR_OWN: [&str; 2] = ["latchwork-bugs", "latchwork-litmus"];

/// An explorer of schedules.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// Weak memory, exhaustive.
    Loom(CorrectedLoom),
    /// Weak memory, without the correction: what a user of the checking build has.
    StockLoom,
    /// Sequential consistency, exhaustive or random.
    Shuttle,
}

impl Engine {
    fn name(&self) -> &'static str {
        match self {
            Self::Loom(_) | Self::StockLoom => "loom",
            Self::Shuttle => "shuttle",
        }
    }

    /// Where it builds.
    fn directory(&self) -> &'static str {
        if matches!(self, Self::StockLoom) { "stock" } else { self.name() }
    }

    /// A cargo command for this engine: its own flags and its own target directory.
    fn cargo(&self, run: &Run, arguments: &[&str]) -> Invocation {
        let target = run.workspace.target.join(self.directory());
        let command = Invocation::cargo(&run.workspace.root, arguments.iter().copied())
            .args(["--locked", "--all-features", "--profile", PROFILE])
            .env("RUSTFLAGS", format!("--cfg latchwork_{}", self.name()))
            .env("CARGO_TARGET_DIR", target.to_string_lossy());
        match self {
            Self::Loom(loom) => command.args(loom.option()),
            Self::StockLoom | Self::Shuttle => command,
        }
    }

    /// Builds a crate's test program, and proves that it has the right engine in it.
    ///
    /// # Errors
    ///
    /// When the build fails, with what the compiler said.
    pub(crate) fn build(
        &self,
        run: &Run,
        krate: &Crate,
        test: &str,
    ) -> anyhow::Result<Result<Built, Finished>> {
        let log = run.log(krate);
        let messages = log.with_extension("json");
        let finished = self
            .cargo(run, &["test", "--no-run", "--message-format", "json-render-diagnostics"])
            .args(["--package", &krate.name, "--test", test])
            .run_apart(&messages, &log)?;
        if !finished.success {
            return Ok(Err(finished));
        }
        let messages: Vec<Value> = std::fs::read_to_string(&messages)?
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if let Self::Loom(loom) = self {
            loom.was_built(&messages)?;
        }
        let program = messages
            .iter()
            .filter(|message| message["target"]["name"] == test)
            .find_map(|message| message["executable"].as_str())
            .context("cargo built no test program")?;
        let sources = sources_of(&messages, &run.workspace.root, &krate.path("src/"))?;
        Ok(Ok(Built { program: program.into(), sources }))
    }

    /// Plays load against load-then-exchange in the program itself. Loom without its correction sees
    /// one outcome of two, and everything that it would say of the models would be worth little.
    pub(crate) fn control(&self, run: &Run, program: &Path) -> anyhow::Result<()> {
        if !matches!(self, Self::Loom(_)) {
            return Ok(());
        }
        let said = Invocation::new(program, &run.workspace.root).args(["--control"]).output()?;
        if said.is_empty() || said.trim() == "@ control 0 1" {
            // A program without models has nothing to control either.
            Ok(())
        } else {
            bail!("the corrected loom is not in force: the control saw only {:?}", said.trim())
        }
    }

    /// The command that builds and runs a crate's models.
    fn repeat(&self, run: &Run, krate: &Crate, test: &str) -> Invocation {
        self.cargo(run, &["test"]).args(["--package", &krate.name, "--test", test])
    }
}

/// What a build made.
#[derive(Debug)]
pub(crate) struct Built {
    /// The test program.
    pub(crate) program: PathBuf,
    /// The files of the crate's library that were compiled, relative to the root.
    pub(crate) sources: BTreeSet<String>,
}

/// The files below a directory that the library was made of, as the compiler wrote them down
/// beside it.
fn sources_of(
    messages: &[Value],
    root: &Path,
    directory: &str,
) -> anyhow::Result<BTreeSet<String>> {
    let mut sources = BTreeSet::new();
    let libraries = messages
        .iter()
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["kind"][0] == "lib")
        .filter(|message| {
            let source = message["target"]["src_path"].as_str().map(Path::new);
            source.is_some_and(|path| path.starts_with(root.join(directory)))
        });
    for library in libraries {
        let Some(file) = library["filenames"][0].as_str().map(Path::new) else { continue };
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.strip_prefix("lib").unwrap_or(&stem);
        let listing = file.with_file_name(format!("{name}.d"));
        let text = std::fs::read_to_string(&listing)
            .with_context(|| format!("can't read {}", listing.display()))?;
        sources.extend(sources_in(&text, directory));
    }
    Ok(sources)
}

/// Each source has a line of its own in such a listing, which ends with a colon.
fn sources_in(listing: &str, directory: &str) -> Vec<String> {
    let lines = listing.lines().filter_map(|line| line.strip_suffix(':'));
    let names = lines.map(|name| name.replace('\\', "/"));
    names.filter(|name| name.starts_with(directory) && is_rust(name)).collect()
}

fn is_rust(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rs")
}

/// The models under shuttle.
pub(crate) fn shuttle(run: &mut Run) {
    run.each_crate(|run, krate| check(run, krate, &Engine::Shuttle, &["loom", "shuttle"]));
}

/// The models under the corrected loom.
pub(crate) fn loom(run: &mut Run) {
    let mut corrected = None;
    run.check("corrected loom", |run| {
        corrected = Some(CorrectedLoom::prepare(&run.workspace)?);
        Ok(Some(Outcome::pass()))
    });
    let Some(corrected) = corrected else { return };
    let engine = Engine::Loom(corrected);
    run.each_crate(|run, krate| check(run, krate, &engine, &["loom", "harness"]));
}

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
pub(crate) fn stock(run: &mut Run) {
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
        let command = Invocation::new(&built.program, &run.workspace.root.join(&krate.directory))
            .args(["--models-only"])
            .env("LATCHWORK_STOCK_LOOM", "1")
            .env("LATCHWORK_MODELS", results.to_string_lossy())
            .env("LATCHWORK_JOBS", run.options.jobs().to_string());
        let finished = command.run(&run.log(krate))?;
        let lines = counts::of_models(&std::fs::read_to_string(&results)?);
        let mut outcome = Outcome::default();
        for line in &lines {
            if line.passed != BEYOND_STOCK.contains(&line.name.as_str()) {
                outcome.passed += 1;
            } else {
                outcome.failed += 1;
                let what = if line.passed {
                    "passes, and is listed as one that does not"
                } else {
                    "fails"
                };
                writeln!(outcome.detail, "    {} {what}", line.name)?;
            }
        }
        if lines.is_empty() {
            outcome = Outcome::fail(excerpt(&finished));
        }
        outcome.notes.push(format!("{} of them are beyond it", BEYOND_STOCK.len()));
        Ok(Some(outcome.repeat(&repeat)))
    });
}

/// Published bugs, each as a model that fails, beside its fix.
pub(crate) fn bugs(run: &mut Run) {
    one_program(run, "latchwork-bugs");
}

/// The corrected loom itself against two reference semantics. Its program proves by a step of its
/// own that the correction is in force.
pub(crate) fn litmus(run: &mut Run) {
    one_program(run, "latchwork-litmus");
}

/// Runs one crate's program under the corrected loom, and shows what it says.
fn one_program(run: &mut Run, name: &str) {
    run.each_crate(|run, krate| {
        if krate.name != name {
            return Ok(None);
        }
        let engine = Engine::Loom(CorrectedLoom::prepare(&run.workspace)?);
        let repeat = engine.repeat(run, krate, "loom");
        let built = match engine.build(run, krate, "loom")? {
            Ok(built) => built,
            Err(finished) => return Ok(Some(Outcome::fail(excerpt(&finished)).repeat(&repeat))),
        };
        let command = Invocation::new(&built.program, &run.workspace.root.join(&krate.directory));
        let finished = command.run(&run.log(krate).with_extension("loom.log"))?;
        let mut outcome = counts::of_last_line(&finished.output).unwrap_or_default();
        if finished.success && outcome.passed > 0 {
            outcome.notes = finished.output.lines().map(str::to_owned).collect();
        } else {
            outcome.failed = outcome.failed.max(1);
            outcome.detail = excerpt(&finished);
        }
        Ok(Some(outcome.repeat(&repeat)))
    });
}

fn check(
    run: &mut Run,
    krate: &Crate,
    engine: &Engine,
    tests: &[&str],
) -> anyhow::Result<Option<Outcome>> {
    if OF_THEIR_OWN.contains(&krate.name.as_str()) && matches!(engine, Engine::Loom(_)) {
        return Ok(None);
    }
    let tests: Vec<_> =
        tests.iter().filter(|test| krate.tests.iter().any(|known| known == *test)).collect();
    if tests.is_empty() {
        return Ok(None);
    }
    let mut sum = Outcome::default();
    for test in tests {
        sum.add(match engine.build(run, krate, test)? {
            Ok(built) => run_program(run, krate, engine, test, &built.program)?,
            Err(finished) => {
                let repeat = engine.repeat(run, krate, test);
                Outcome::fail(excerpt(&finished)).repeat(&repeat)
            }
        });
    }
    if sum.passed + sum.failed + sum.skipped.len() == 0 {
        sum = Outcome::skip("its test program ran no models");
    }
    Ok(Some(sum))
}

fn run_program(
    run: &mut Run,
    krate: &Crate,
    engine: &Engine,
    test: &str,
    program: &Path,
) -> anyhow::Result<Outcome> {
    let observations = run.workspace.target.join("observations").join(krate.short());
    let is_main = test == "loom";
    let is_loom = matches!(engine, Engine::Loom(_));
    let compares = is_main && is_loom && shuttle_has_run(run, krate);
    if is_main {
        // What an earlier run saw of other code must not be compared with.
        remove(&observations.join(engine.name()))?;
        if is_loom && !compares {
            remove(&observations.join("shuttle"))?;
        }
    }
    engine.control(run, program)?;
    let results = run.log(krate).with_extension("models");
    if results.is_file() {
        std::fs::remove_file(&results)?;
    }
    let mut command = Invocation::new(program, &run.workspace.root.join(&krate.directory))
        .env("LATCHWORK_OBSERVATIONS", observations.to_string_lossy())
        .env("LATCHWORK_MODELS", results.to_string_lossy())
        .env("LATCHWORK_JOBS", run.options.jobs().to_string());
    if compares {
        command = command.env("LATCHWORK_COMPARE", "1");
    }
    let listings = run.listings(krate);
    if is_main && is_loom {
        std::fs::create_dir_all(&listings)?;
        command = command.env("LATCHWORK_LISTINGS", listings.to_string_lossy());
    }
    if is_main && run.options.quick {
        command = command.args(["--models-only"]);
    }
    let finished = command.run(&run.log(krate).with_extension(format!("{test}.log")))?;
    let lines = counts::of_models(&std::fs::read_to_string(&results).unwrap_or_default());
    if is_main && is_loom {
        Listings::add(program, &listings, &lines)?;
    }
    let mut outcome = if lines.is_empty() {
        counts::of_last_line(&finished.output).unwrap_or_else(|| counts::of_tests(&finished.output))
    } else {
        record(run, krate, engine, &lines)
    };
    if !finished.success && outcome.failed == 0 {
        outcome.failed = 1;
    }
    if outcome.failed > 0 {
        outcome.detail = excerpt(&finished);
    }
    Ok(outcome.repeat(&engine.repeat(run, krate, test)))
}

/// Whether shuttle has played a crate's models in this run, so that loom must have seen all of it.
fn shuttle_has_run(run: &Run, krate: &Crate) -> bool {
    let mut rows = run.report.steps.iter();
    rows.any(|row| row.step == "shuttle" && row.krate == krate.name && row.failed == 0)
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Counts what the models showed, and keeps it for the report.
fn record(run: &mut Run, krate: &Crate, engine: &Engine, lines: &[counts::ModelLine]) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut not_compared, mut without_twin) = (0, 0);
    for line in lines {
        let row = run.report.model(&krate.name, &line.name);
        if let Some(reason) = &line.skipped {
            if matches!(engine, Engine::Shuttle) {
                row.shuttle_left_out = Some(reason.clone());
            }
            outcome.notes.push(format!("{} was left out: {reason}", line.name));
            continue;
        }
        match engine {
            Engine::Loom(_) | Engine::StockLoom => {
                row.loom_executions = Some(line.executions);
                row.observations = Some(line.observations);
                row.bound = line.bound;
                row.loom_seconds = Some(line.seconds);
                not_compared += usize::from(
                    row.shuttle_observations.is_none() && row.shuttle_left_out.is_none(),
                );
                without_twin += usize::from(line.twins == 0);
            }
            Engine::Shuttle => {
                row.shuttle_executions = Some(line.executions);
                row.shuttle_observations = Some(line.observations);
                row.shuttle_random = line.random;
            }
        }
        let twins = (line.twins_found as usize, (line.twins - line.twins_found) as usize);
        outcome.passed += usize::from(line.passed) + twins.0;
        outcome.failed += usize::from(!line.passed) + twins.1;
    }
    if not_compared > 0 {
        outcome.notes.push(format!(
            "{not_compared} models are not compared with shuttle, whose step has not run here"
        ));
    }
    if without_twin > 0 && !run.options.quick {
        outcome.notes.push(format!(
            "{without_twin} models have no twin; `cargo verify mutants` tells what they find"
        ));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_names_the_librarys_sources() {
        let listing = "/t/x.d: a/src/lib.rs a/src/../README.md\n\na/src/lib.rs:\n\
            a/src/../README.md:\nb/src/lib.rs:\n\n# env-dep:X=1\n";
        assert_eq!(sources_in(listing, "a/src/"), ["a/src/lib.rs"]);
    }
}
