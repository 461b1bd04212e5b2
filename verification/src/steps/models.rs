//! The steps that run models, under loom and under shuttle.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::Run;
use super::cargo::excerpt;
use super::engine::Engine;
use super::ground::recorded;
use crate::command::Invocation;
use crate::corrected_loom::CorrectedLoom;
use crate::counts;
use crate::mutants::killers::{self, Killers};
use crate::mutants::listing::Listings;
use crate::mutants::place::Sources;
use crate::mutants::site;
use crate::report::Outcome;
use crate::workspace::Crate;

/// Crates whose programs under loom are steps of their own.
const OF_THEIR_OWN: [&str; 2] = ["latchwork-bugs", "latchwork-litmus"];

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
        } else if !is_loom {
            remove(&observations.join("loom"))?;
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
    let mut shown = Shown::new();
    if is_main && is_loom {
        shown = shown_by_mutants(run, krate, &Listings::add(program, &listings, &lines)?)?;
    }
    let mut outcome = if lines.is_empty() {
        counts::of_last_line(&finished.output).unwrap_or_else(|| counts::of_tests(&finished.output))
    } else {
        record(run, krate, engine, &lines, shown)
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

/// For each model the mutants that it is a recorded killer of.
type Shown = BTreeMap<String, Vec<String>>;

/// What is recorded of the sites that the models reach. The steps `killers` and `mutants` hold the
/// record to it.
fn shown_by_mutants(run: &Run, krate: &Crate, listings: &Listings) -> anyhow::Result<Shown> {
    let known = Killers::read(&recorded(run, krate))?;
    let mut sites = listings.sites();
    let source = krate.path("src/");
    sites.retain(|site, _| site.file.starts_with(&source));
    let names = killers::names(&Sources::below(&run.workspace.root), sites.keys())?;
    let mutants: Vec<_> =
        sites.iter().flat_map(|(site, reached)| site::mutants(site, &reached.now)).collect();
    let by_model = known.by_model(&names, &mutants).into_iter();
    Ok(by_model
        .map(|(model, mutants)| (model, mutants.into_iter().map(ToString::to_string).collect()))
        .collect())
}

/// How many names a note has.
const NAMED: usize = 30;

/// Counts what the models showed, and keeps it for the report.
fn record(
    run: &mut Run,
    krate: &Crate,
    engine: &Engine,
    lines: &[counts::ModelLine],
    mut shown: Shown,
) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut not_compared, mut by_mutants, mut unshown) = (0, 0, Vec::new());
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
                row.twins = line.twins;
                row.twins_found = line.twins_found;
                row.shown_by = shown.remove(&line.name).unwrap_or_default();
                not_compared += usize::from(
                    row.shuttle_observations.is_none() && row.shuttle_left_out.is_none(),
                );
                match (line.twins, row.shown_by.is_empty()) {
                    (0, true) => unshown.push(line.name.as_str()),
                    (0, false) => by_mutants += 1,
                    _ => {}
                }
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
    if by_mutants > 0 && !run.options.quick {
        outcome.notes.push(format!("{by_mutants} models without a twin are shown by mutants"));
    }
    if !unshown.is_empty() && !run.options.quick {
        let more = unshown.len().saturating_sub(NAMED);
        let mut names = unshown[..unshown.len() - more].join(", ");
        if more > 0 {
            write!(names, " and {more} more").expect("a string takes everything");
        }
        let number = unshown.len();
        outcome.notes.push(format!("{number} models have neither twin nor mutant: {names}"));
    }
    outcome
}
