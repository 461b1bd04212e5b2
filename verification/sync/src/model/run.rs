//! One process a model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize as PlainUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::child::{Ran, run_child, tail};
use super::memory;
use super::verdict::{Verdict, write_verdicts};
use crate::engine::atomic::AtomicUsize;

/// A scene: plays once, with the explorer deciding the order, and returns what it observed.
pub type Scene = fn() -> String;

/// A model and what it must show.
#[derive(Clone, Debug)]
#[must_use]
pub struct Model {
    name: &'static str,
    scene: Scene,
    bound: Option<usize>,
    least: usize,
    spurious: usize,
    weak_failures: usize,
    symmetric: bool,
    loom_only: Option<&'static str>,
    random: Option<usize>,
    twins: Vec<(&'static str, Scene)>,
}

/// The engine of this build.
const ENGINE: &str = if cfg!(latchwork_loom) { "loom" } else { "shuttle" };

impl Model {
    /// A model whose every interleaving is explored.
    pub fn new(name: &'static str, scene: Scene) -> Self {
        Self {
            name,
            scene,
            bound: None,
            least: 2,
            spurious: 0,
            weak_failures: 0,
            symmetric: false,
            loom_only: None,
            random: None,
            twins: Vec::new(),
        }
    }

    /// Explores only executions with at most `preemptions` preemptions (loom only).
    pub fn bound(mut self, preemptions: usize) -> Self {
        self.bound = Some(preemptions);
        self
    }

    /// Demands at least so many executions under loom: fewer mean that the scene shows nothing.
    pub fn least(mut self, executions: usize) -> Self {
        self.least = executions;
        self
    }

    /// Lets the first `wakes` waits of each thread end for no reason.
    ///
    /// A thread that is woken has everything that its waker has done, under loom, though a real
    /// wake promises no such order; one that wakes for no reason has nothing. So this is also
    /// what shows an ordering that is missing after a wait. Costs one of the five threads that a
    /// model may have.
    pub fn spurious(mut self, wakes: usize) -> Self {
        self.spurious = wakes;
        self
    }

    /// Lets the first `failures` weak exchanges of each thread fail for no reason. Costs one of
    /// the five threads that a model may have.
    pub fn weak_failures(mut self, failures: usize) -> Self {
        self.weak_failures = failures;
        self
    }

    /// Explores the symmetric fallback of the asymmetric fences.
    pub fn symmetric_fences(mut self) -> Self {
        self.symmetric = true;
        self
    }

    /// Leaves the model out under shuttle, for the reason given.
    pub fn loom_only(mut self, reason: &'static str) -> Self {
        self.loom_only = Some(reason);
        self
    }

    /// Under shuttle plays so many random schedules: for scenes too large for its exhaustive
    /// search, which knows no partial orders.
    pub fn random_under_shuttle(mut self, schedules: usize) -> Self {
        self.random = Some(schedules);
        self
    }

    /// Adds the same scene with a bug put back, which must fail under loom.
    pub fn twin(mut self, bug: &'static str, scene: Scene) -> Self {
        self.twins.push((bug, scene));
        self
    }

    fn explore(&self, scene: Scene) -> (usize, BTreeSet<String>) {
        super::SYMMETRIC.store(self.symmetric, std::sync::atomic::Ordering::Relaxed);
        super::threads::set_spurious(self.spurious);
        super::threads::set_budget(super::threads::Choice::WeakFailure, self.weak_failures);
        let seen: Arc<Mutex<(usize, BTreeSet<String>)>> = Arc::default();
        let record = Arc::clone(&seen);
        let play = move || {
            super::start_execution();
            let observed = super::threads::play(scene);
            let mut seen = record.lock().expect("held for an insertion only");
            seen.0 += 1;
            seen.1.insert(observed);
        };
        #[cfg(latchwork_loom)]
        {
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound = bound(self.bound);
            builder.max_branches = 100_000;
            // An end by time or count would be a silent pass, and so would a start in the middle.
            // All of these may come from the environment.
            builder.max_duration = None;
            builder.max_permutations = None;
            builder.checkpoint_file = None;
            builder.check(play);
        }
        #[cfg(latchwork_shuttle)]
        {
            let mut config = shuttle::Config::new();
            config.failure_persistence = shuttle::FailurePersistence::Print;
            if let Some(schedules) = self.random {
                // The same schedules in every run: what loom must have seen doesn't change.
                let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(1, schedules);
                shuttle::Runner::new(scheduler, config).run(play);
            } else {
                let scheduler = shuttle::scheduler::DfsScheduler::new(None, false);
                shuttle::Runner::new(scheduler, config).run(play);
            }
        }
        let seen = seen.lock().expect("every execution has ended");
        (seen.0, seen.1.clone())
    }
}

/// What may stand in for each model's own bound in a run: a number, or `none`.
const OTHER_BOUND: &str = "LATCHWORK_BOUND";

/// The bound of a model, or what stands in for it in this run.
#[cfg(latchwork_loom)]
fn bound(own: Option<usize>) -> Option<usize> {
    let Ok(text) = std::env::var(OTHER_BOUND) else { return own };
    let number = || panic!("{OTHER_BOUND}={text}: no number, nor `none`");
    (text != "none").then(|| text.parse().unwrap_or_else(|_| number()))
}

/// Where the observations of a model lie, one a line.
fn observations(engine: &str, name: &str) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("LATCHWORK_OBSERVATIONS")?);
    Some(directory.join(engine).join(format!("{name}.txt")))
}

fn read_lines(path: &Path) -> Option<BTreeSet<String>> {
    Some(std::fs::read_to_string(path).ok()?.lines().map(str::to_owned).collect())
}

/// Runs one scene in this process. Its last line tells the parent what was seen.
fn run_here(model: &Model, scene: Scene, is_model: bool) -> Result<(), String> {
    super::site::report_when_it_fails();
    let (executions, seen) = model.explore(scene);
    super::site::report().map_err(|error| format!("can't write the list of sites: {error}"))?;
    // A twin or a mutant must be found by what goes wrong, not by how many executions there were.
    // Stock loom leaves executions out, and so does another bound: there the number says nothing.
    let is_other =
        ["LATCHWORK_STOCK_LOOM", OTHER_BOUND].iter().any(|name| std::env::var_os(name).is_some());
    let counts = cfg!(latchwork_loom) && is_model && !super::site::is_mutated() && !is_other;
    if counts && executions < model.least {
        return Err(format!("vacuous: {executions} executions, at least {} expected", model.least));
    }
    if is_model && let Some(path) = observations(ENGINE, model.name) {
        let lines: String = seen.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, lines))
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    println!("@ executions {executions} observations {}", seen.len());
    Ok(())
}

/// Demands that loom has seen everything that is sequentially consistent, where it is known what
/// that is; with `LATCHWORK_COMPARE` that must be known.
fn compare_engines(model: &Model) -> Result<(), String> {
    let must = std::env::var_os("LATCHWORK_COMPARE").is_some() && model.loom_only.is_none();
    let seen = |engine| read_lines(&observations(engine, model.name)?);
    match (seen("loom"), seen("shuttle")) {
        (Some(loom), Some(shuttle)) => {
            let missing: Vec<_> = shuttle.difference(&loom).cloned().collect();
            if missing.is_empty() {
                Ok(())
            } else {
                Err(format!("loom missed sequentially consistent observations: {missing:?}"))
            }
        }
        (None, _) if must => Err("loom's observations are gone".to_owned()),
        (_, None) if must => Err("shuttle's observations to compare with are missing".to_owned()),
        _ => Ok(()),
    }
}

/// A load against a load and an exchange of the same word: two outcomes, of which loom without
/// its correction finds one.
fn control() -> String {
    let word = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&word);
    let child = super::threads::spawn(move || {
        let seen = theirs.load(Ordering::Relaxed);
        let _ = theirs.compare_exchange(seen, 1, Ordering::Relaxed, Ordering::Relaxed);
    });
    let seen = word.load(Ordering::Relaxed);
    child.join().expect("it panics nowhere");
    seen.to_string()
}

/// The `main` of a test binary of models: runs those whose name contains the argument, or all.
///
/// `--list` names them; `--describe` prints a line for each with its bound and its twins, between
/// tabs; `--models-only` leaves the twins out; `--run NAME` runs one scene in this process;
/// `--control` prints what the explorer sees of [`control`].
///
/// From the environment:
///
/// - `LATCHWORK_JOBS`: how many models to run at a time;
/// - `LATCHWORK_MODELS`: a file that gets a line for each;
/// - `LATCHWORK_LISTINGS`: a directory that gets a file for each with the sites that it reached;
/// - `LATCHWORK_OBSERVATIONS`: a directory for what each engine observed, which is then compared,
///   and with `LATCHWORK_COMPARE` must be there to compare;
/// - `LATCHWORK_LIMIT`: the seconds after which one fails that hasn't ended;
/// - `LATCHWORK_MEMORY`: the MiB beyond which one fails; 0 for no limit;
/// - `LATCHWORK_BOUND`: a preemption bound, or `none`, instead of each model's own.
#[must_use]
pub fn main(models: &[Model]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let [flag, name] = &arguments[..]
        && flag == "--run"
    {
        return run_named(models, name);
    }
    if has("--control") {
        let (_, seen) = Model::new("control", control).explore(control);
        println!("@ control {}", seen.into_iter().collect::<Vec<_>>().join(" "));
        return ExitCode::SUCCESS;
    }
    if has("--list") {
        for model in models {
            println!("{}: model", model.name);
            for (bug, _) in &model.twins {
                println!("{}/{bug}: twin", model.name);
            }
        }
        return ExitCode::SUCCESS;
    }
    if has("--describe") {
        for model in models {
            let bound = model.bound.map(|bound| bound.to_string()).unwrap_or_default();
            let twins: String = model.twins.iter().flat_map(|(bug, _)| ["\t", bug]).collect();
            println!("{}\t{bound}{twins}", model.name);
        }
        return ExitCode::SUCCESS;
    }
    if let (Some(reason), Some(_)) = (memory::UNLIMITED, memory::limit()) {
        println!("no limit to the memory of a model: {reason}");
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    // Twins show weak behaviour too, which only loom has.
    let twins = !has("--models-only") && cfg!(latchwork_loom);
    let chosen = models.iter().filter(|m| filter.is_none_or(|text| m.name.contains(text.as_str())));
    let verdicts = run_all(&chosen.collect::<Vec<_>>(), twins);
    let (passed, failed) = verdicts.iter().fold((0, 0), |sum, verdict| {
        let failed = verdict.twins - verdict.twins_found + u64::from(verdict.failed());
        (sum.0 + verdict.twins_found + u64::from(verdict.passed()), sum.1 + failed)
    });
    println!("{passed} passed, {failed} failed");
    if let Err(error) = write_verdicts(&verdicts) {
        eprintln!("can't write what came of the models: {error}");
        return ExitCode::FAILURE;
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs models, so many at a time as `LATCHWORK_JOBS` says.
fn run_all(models: &[&Model], twins: bool) -> Vec<Verdict> {
    let jobs = std::env::var("LATCHWORK_JOBS").ok().and_then(|jobs| jobs.parse().ok());
    let next = PlainUsize::new(0);
    let work = || {
        let mut verdicts = Vec::new();
        while let Some(model) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
            verdicts.push(run_model(model, twins));
        }
        verdicts
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.unwrap_or(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("it panics nowhere")).collect()
    })
}

fn run_named(models: &[Model], name: &str) -> ExitCode {
    let (model_name, bug) = name.split_once('/').unwrap_or((name, ""));
    let Some(model) = models.iter().find(|model| model.name == model_name) else {
        eprintln!("no model is named {model_name}");
        return ExitCode::FAILURE;
    };
    let twin = model.twins.iter().find(|(twin, _)| *twin == bug);
    let scene = match twin {
        Some((_, scene)) => *scene,
        None if bug.is_empty() => model.scene,
        None => {
            eprintln!("model {model_name} has no twin {bug}");
            return ExitCode::FAILURE;
        }
    };
    let confined = memory::confine().map_err(|error| format!("can't limit memory: {error}"));
    match confined.and_then(|()| run_here(model, scene, twin.is_none())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a model, then its twins, and prints what came of them in one piece.
fn run_model(model: &Model, twins: bool) -> Verdict {
    let mut verdict = Verdict {
        name: model.name,
        bound: model.bound,
        result: Ok(()),
        skipped: model.loom_only.filter(|_| cfg!(latchwork_shuttle)),
        executions: 0,
        observations: 0,
        twins: 0,
        twins_found: 0,
        seconds: 0.0,
        random: model.random.filter(|_| cfg!(latchwork_shuttle)),
    };
    if let Some(reason) = verdict.skipped {
        println!("model {} ... skipped under {ENGINE}: {reason}", model.name);
        return verdict;
    }
    let listings = std::env::var_os("LATCHWORK_LISTINGS").map(PathBuf::from);
    let listing = listings.map(|directory| directory.join(format!("{}.sites", model.name)));
    let ran = run_child(model.name, listing.as_deref());
    (verdict.executions, verdict.observations) = (ran.executions, ran.observations);
    verdict.seconds = ran.seconds;
    verdict.result = if ran.passed { compare_engines(model) } else { Err(tail(&ran.output)) };
    let Ran { executions, observations, seconds, .. } = ran;
    let mut said = match &verdict.result {
        Ok(()) => format!(
            "model {} ... ok (executions {executions} observations {observations}, {seconds:.1} s)",
            model.name
        ),
        Err(error) => format!("model {} ... FAILED ({seconds:.1} s)\n{error}", model.name),
    };
    for (bug, _) in model.twins.iter().filter(|_| twins) {
        let (found, line) = run_twin(model, bug);
        verdict.twins += 1;
        verdict.twins_found += u64::from(found);
        said.push('\n');
        said.push_str(&line);
    }
    println!("{said}");
    verdict
}

/// What an explorer says of a scene that is too large for it, which is no bug of the scene's.
const REFUSALS: [&str; 4] = [
    "[loom internal bug]",
    "threads.len() < self.max_threads",
    super::threads::TOO_MANY,
    crate::wait::TOO_MANY,
];

/// Whether the bug was found, and the line that says so.
fn run_twin(model: &Model, bug: &str) -> (bool, String) {
    let name = model.name;
    let Ran { passed, unfinished, exceeded, executions, seconds, output, .. } =
        run_child(&format!("{name}/{bug}"), None);
    let refused = REFUSALS.iter().find(|refusal| output.contains(**refusal));
    let line = if passed {
        format!("twin {name}/{bug} ... FAILED: not found in {executions} executions")
    } else if let Some(refusal) = refused {
        format!("twin {name}/{bug} ... FAILED: the explorer can't play it: {refusal}")
    } else if let Some(exceeded) = &exceeded {
        format!("twin {name}/{bug} ... FAILED: {exceeded}")
    } else if unfinished {
        // It may be that it would pass.
        format!("twin {name}/{bug} ... FAILED: neither found nor done in {seconds:.0} s")
    } else {
        format!("twin {name}/{bug} ... found ({seconds:.1} s)")
    };
    (!passed && !unfinished && exceeded.is_none() && refused.is_none(), line)
}
