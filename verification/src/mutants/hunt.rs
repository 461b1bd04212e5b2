//! Running mutants through models, one process each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::listing::{Listing, Listings, file_of};
use super::site::{self, Kind, Mutant, Sites};

/// A crate's program of models.
#[derive(Debug)]
pub(crate) struct Hunt {
    program: PathBuf,
    directory: PathBuf,
    /// The models' names, with the time that each takes unchanged.
    models: Vec<(String, Duration)>,
    /// The models that fail unchanged.
    pub(crate) broken: Vec<String>,
    /// What the broken ones reached before they failed.
    pub(crate) reached_by_broken: Sites,
    jobs: usize,
}

/// What a mutant is tried on.
#[derive(Clone, Debug)]
pub(crate) struct Quarry<'a> {
    /// The mutant.
    pub(crate) mutant: &'a Mutant,
    /// The model that killed it the last time.
    pub(crate) killer: Option<&'a str>,
    /// How long its models, cheapest first, may take unchanged all together; none for all of
    /// them. At least one is tried.
    pub(crate) effort: Option<Duration>,
}

/// What came of a mutant.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// The mutant.
    pub(crate) mutant: Mutant,
    /// The model that failed, if one did.
    pub(crate) killer: Option<String>,
    /// Models that did not end in their time, which says nothing.
    pub(crate) unfinished: Vec<String>,
    /// Models that were not tried.
    pub(crate) untried: usize,
}

/// How a run of a model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    TimedOut,
}

impl Hunt {
    /// Runs each model that is wanted once as it is, unless that is known, and lists the sites
    /// that it reaches. A model that fails as it is could find nothing, and is left out.
    ///
    /// # Errors
    ///
    /// When a process can't be started, or a mutant of nothing is found.
    pub(crate) fn prepare(
        program: &Path,
        directory: &Path,
        jobs: usize,
        scratch: &Path,
        wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<(Self, Sites)> {
        let mut names = names_of_models(program)?;
        names.retain(|name| wanted(name));
        let mut hunt = Self {
            program: program.to_owned(),
            directory: directory.to_owned(),
            models: Vec::new(),
            broken: Vec::new(),
            reached_by_broken: Sites::new(),
            jobs,
        };
        std::fs::create_dir_all(scratch)?;
        let mut listings = Listings::of(program, scratch)?;
        let new: Vec<_> =
            names.iter().filter(|name| !listings.models.contains_key(*name)).cloned().collect();
        let listed = hunt.side_by_side(&new, |_, name| hunt.list(name, scratch))?;
        listings.models.extend(new.into_iter().zip(listed));
        listings.keep(scratch)?;
        let mut sites = Sites::new();
        for name in names {
            let Listing { passed, took, sites: text } = &listings.models[&name];
            if *passed {
                site::add(&mut sites, hunt.models.len(), text);
                hunt.models.push((name, *took));
            } else {
                site::add(&mut hunt.reached_by_broken, 0, text);
                hunt.broken.push(name);
            }
        }
        hunt.control()?;
        Ok((hunt, sites))
    }

    /// Whether there is anything to hunt with.
    pub(crate) fn has_models(&self) -> bool {
        !self.models.is_empty() || !self.broken.is_empty()
    }

    fn list(&self, name: &str, scratch: &Path) -> anyhow::Result<Listing> {
        let listing = file_of(scratch, name);
        std::fs::write(&listing, "")?;
        let start = Instant::now();
        let mut child = self.start(name, &[("LATCHWORK_SITES", &listing.to_string_lossy())])?;
        let passed = child.wait()?.success();
        let took = start.elapsed();
        Ok(Listing { passed, took, sites: std::fs::read_to_string(&listing)? })
    }

    /// A mutant of a site that isn't there must be found by nothing: else what finds mutants here
    /// would be something else than the mutants.
    fn control(&self) -> anyhow::Result<()> {
        let Some((name, usual)) = self.models.iter().min_by_key(|(_, took)| *took) else {
            return Ok(());
        };
        match self.run(name, "nowhere.rs:1:1:load:Relaxed", *usual)? {
            End::Passed => Ok(()),
            _ => bail!("{name} passes by itself and fails under a mutant that changes nothing"),
        }
    }

    /// Runs each mutant through the models that reach its site: the last killer first, then the
    /// busiest killers, then the cheapest.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
    pub(crate) fn all(&self, sites: &Sites, quarries: &[Quarry<'_>]) -> anyhow::Result<Vec<Fate>> {
        let kills: Mutex<HashMap<usize, usize>> = Mutex::default();
        // What needs most models goes first, so that no long one is left alone at the end.
        let mut order: Vec<_> = (0..quarries.len()).collect();
        order.sort_by_key(|number| quarries[*number].killer.is_some());
        let fates = self.side_by_side(&order, |_, number| {
            let quarry = &quarries[*number];
            let (models, untried) = self.models_for(quarry, sites, &kills);
            let mut fate = Fate {
                mutant: quarry.mutant.clone(),
                killer: None,
                unfinished: Vec::new(),
                untried,
            };
            for model in models {
                let (name, usual) = &self.models[model];
                match self.run(name, &quarry.mutant.variable(), *usual)? {
                    End::Passed => {}
                    End::TimedOut => fate.unfinished.push(name.clone()),
                    End::Failed => {
                        *kills.lock().expect("held for a count only").entry(model).or_default() +=
                            1;
                        fate.killer = Some(name.clone());
                        break;
                    }
                }
            }
            Ok((*number, fate))
        });
        let mut fates = fates?;
        fates.sort_by_key(|(number, _)| *number);
        Ok(fates.into_iter().map(|(_, fate)| fate).collect())
    }

    /// The models to try in turn, and how many are left out.
    fn models_for(
        &self,
        quarry: &Quarry<'_>,
        sites: &Sites,
        kills: &Mutex<HashMap<usize, usize>>,
    ) -> (Vec<usize>, usize) {
        let mut models: Vec<usize> = sites[&quarry.mutant.site].hits.keys().copied().collect();
        models.sort_by_key(|model| self.models[*model].1);
        let all = models.len();
        if let Some(effort) = quarry.effort {
            let mut spent = Duration::ZERO;
            models.retain(|model| {
                let affordable = spent.is_zero() || spent + self.models[*model].1 <= effort;
                spent += self.models[*model].1;
                affordable
            });
        } else if quarry.mutant.kind == Kind::Weakening {
            let kills = kills.lock().expect("held for a look only");
            models.sort_by_key(|model| {
                let (name, took) = &self.models[*model];
                let killed = kills.get(model).copied().unwrap_or(0);
                (quarry.killer != Some(name), std::cmp::Reverse(killed), *took)
            });
        }
        let untried = all - models.len();
        (models, untried)
    }

    fn run(&self, model: &str, mutant: &str, usual: Duration) -> anyhow::Result<End> {
        let mut child = self.start(model, &[("LATCHWORK_MUTANT", mutant)])?;
        let limit = usual * 5 + Duration::from_secs(5);
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { End::Passed } else { End::Failed });
            }
            // The time on a processor, where the system tells it: other work on the machine must
            // not decide what a model finds.
            if processor_time(child.id()).unwrap_or_else(|| start.elapsed()) > limit {
                child.kill()?;
                child.wait()?;
                return Ok(End::TimedOut);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn start(&self, model: &str, variables: &[(&str, &str)]) -> anyhow::Result<Child> {
        Command::new(&self.program)
            .args(["--run", model])
            .current_dir(&self.directory)
            .env("RUST_BACKTRACE", "0")
            .env_remove("LATCHWORK_OBSERVATIONS")
            .env_remove("LATCHWORK_SITES")
            .env_remove("LATCHWORK_MUTANT")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("can't start {}", self.program.display()))
    }

    /// Does something for each of many, several at a time, and keeps the order.
    fn side_by_side<T: Sync, R: Send>(
        &self,
        all: &[T],
        work: impl Fn(usize, &T) -> anyhow::Result<R> + Sync,
    ) -> anyhow::Result<Vec<R>> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<(usize, anyhow::Result<R>)>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(one) = all.get(number) else { return };
                        let result = work(number, one);
                        results.lock().expect("held for a push only").push((number, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().expect("every worker has ended");
        results.sort_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// How long a process has been on a processor, as Linux tells it in hundredths of a second.
fn processor_time(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, ends with the last parenthesis.
    let fields: Vec<_> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = |number: usize| fields.get(number)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

fn names_of_models(program: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new(program).arg("--list").output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": model")).map(str::to_owned).collect())
}
