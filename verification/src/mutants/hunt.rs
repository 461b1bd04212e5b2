//! Running mutants through models, one process each.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Read as _;
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
    /// The models that pass unchanged, by the numbers that the sites know them by.
    pub(crate) models: Vec<Known>,
    /// The models that fail unchanged.
    pub(crate) broken: Vec<String>,
    /// What the broken ones reached before they failed.
    pub(crate) reached_by_broken: Sites,
    jobs: usize,
}

/// A model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Its name.
    pub(crate) name: String,
    /// How long it takes unchanged.
    pub(crate) took: Duration,
    /// Its preemption bound.
    pub(crate) bound: Option<usize>,
    /// The bugs that its twins put back.
    pub(crate) twins: Vec<String>,
}

/// What a mutant is tried on.
#[derive(Clone, Debug)]
pub(crate) struct Quarry<'a> {
    /// The mutant.
    pub(crate) mutant: &'a Mutant,
    /// The models that are known to kill it.
    pub(crate) killers: &'a [String],
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
    /// Models that passed.
    pub(crate) passed: Vec<String>,
    /// Models that did not end in their time or memory, which says nothing.
    pub(crate) unfinished: Vec<String>,
    /// Models that were not tried.
    pub(crate) untried: usize,
}

impl Fate {
    /// That of a mutant that nothing has been tried on.
    pub(crate) fn of(mutant: &Mutant) -> Self {
        Self {
            mutant: mutant.clone(),
            killer: None,
            passed: Vec::new(),
            unfinished: Vec::new(),
            untried: 0,
        }
    }
}

/// How a run of a model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum End {
    /// It found nothing.
    Passed,
    /// It panicked, deadlocked or aborted.
    Failed,
    /// It needed more time or memory than it may have.
    Unfinished,
}

/// What a process says at its end that got no memory, as the harness knows it.
const OUT_OF_MEMORY: [&str; 3] =
    ["memory allocation of ", "failed to alloc sys stack", "Cannot allocate memory"];

impl End {
    /// That of a process that ended by itself and said this.
    fn of(success: bool, said: &str) -> Self {
        if success {
            Self::Passed
        } else if OUT_OF_MEMORY.iter().any(|sign| said.contains(sign)) {
            Self::Unfinished
        } else {
            Self::Failed
        }
    }
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
        let mut described = described_by(program)?;
        described.retain(|model| wanted(&model.name));
        let names: Vec<_> = described.iter().map(|model| model.name.clone()).collect();
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
        for model in described {
            let Listing { passed, took, sites: text } = &listings.models[&model.name];
            if *passed {
                site::add(&mut sites, hunt.models.len(), text);
                hunt.models.push(Known { took: *took, ..model });
            } else {
                site::add(&mut hunt.reached_by_broken, 0, text);
                hunt.broken.push(model.name);
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
        let variables = [("LATCHWORK_SITES", &*listing.to_string_lossy())];
        let mut child = self.start(name, &variables, Stdio::null())?;
        let passed = child.wait()?.success();
        let took = start.elapsed();
        Ok(Listing { passed, took, sites: std::fs::read_to_string(&listing)? })
    }

    /// A mutant of a site that isn't there must be found by nothing: else what finds mutants here
    /// would be something else than the mutants.
    fn control(&self) -> anyhow::Result<()> {
        let Some(Known { name, took, .. }) = self.models.iter().min_by_key(|model| model.took)
        else {
            return Ok(());
        };
        match self.run(name, &[("LATCHWORK_MUTANT", "nowhere.rs:1:1:load:Relaxed")], *took)? {
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
        order.sort_by_key(|number| !quarries[*number].killers.is_empty());
        let fates = self.side_by_side(&order, |_, number| {
            let quarry = &quarries[*number];
            let (models, untried) = self.models_for(quarry, sites, &kills);
            let mut fate = Fate { untried, ..Fate::of(quarry.mutant) };
            for model in models {
                let name = &self.models[model].name;
                match self.try_on(model, quarry.mutant)? {
                    End::Passed => fate.passed.push(name.clone()),
                    End::Unfinished => fate.unfinished.push(name.clone()),
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

    /// Runs some mutants, each through the one model that it stands with, by its number.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
    pub(crate) fn replay(&self, pairs: &[(&Mutant, usize)]) -> anyhow::Result<Vec<End>> {
        self.side_by_side(pairs, |_, (mutant, model)| self.try_on(*model, mutant))
    }

    /// For each of some models, by their numbers, a mutant that it kills of those given with it, if
    /// one is found in so much time.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
    pub(crate) fn a_kill_of_each<'a>(
        &self,
        models: &[(usize, Vec<&'a Mutant>)],
        effort: Duration,
    ) -> anyhow::Result<Vec<Option<&'a Mutant>>> {
        let kills: Mutex<HashMap<String, usize>> = Mutex::default();
        let kills = || kills.lock().expect("held for a look or a count only");
        self.side_by_side(models, |_, (model, mutants)| {
            let start = Instant::now();
            let mut mutants = mutants.clone();
            // What one model kills, a similar one is likely to kill.
            mutants.sort_by_key(|mutant| Reverse(kills().get(&mutant.variable()).copied()));
            for mutant in mutants {
                if start.elapsed() > effort {
                    break;
                }
                if self.try_on(*model, mutant)? == End::Failed {
                    *kills().entry(mutant.variable()).or_default() += 1;
                    return Ok(Some(mutant));
                }
            }
            Ok(None)
        })
    }

    fn try_on(&self, model: usize, mutant: &Mutant) -> anyhow::Result<End> {
        let Known { name, took, .. } = &self.models[model];
        self.run(name, &[("LATCHWORK_MUTANT", &mutant.variable())], *took)
    }

    /// The models to try in turn, and how many are left out.
    fn models_for(
        &self,
        quarry: &Quarry<'_>,
        sites: &Sites,
        kills: &Mutex<HashMap<usize, usize>>,
    ) -> (Vec<usize>, usize) {
        let mut models: Vec<usize> = sites[&quarry.mutant.site].hits.keys().copied().collect();
        let took = |model: usize| self.models[model].took;
        models.sort_by_key(|model| took(*model));
        let all = models.len();
        if let Some(effort) = quarry.effort {
            let mut spent = Duration::ZERO;
            models.retain(|model| {
                let affordable = spent.is_zero() || spent + took(*model) <= effort;
                spent += took(*model);
                affordable
            });
        } else if quarry.mutant.kind == Kind::Weakening {
            let kills = kills.lock().expect("held for a look only");
            models.sort_by_key(|model| {
                let name = &self.models[*model].name;
                let known = quarry.killers.iter().position(|killer| killer == name);
                let killed = kills.get(model).copied().unwrap_or(0);
                (known.unwrap_or(usize::MAX), Reverse(killed), took(*model))
            });
        }
        let untried = all - models.len();
        (models, untried)
    }

    /// Runs a model or a twin, with these variables in its environment.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
    pub(crate) fn run(
        &self,
        scene: &str,
        variables: &[(&str, &str)],
        usual: Duration,
    ) -> anyhow::Result<End> {
        let mut child = self.start(scene, variables, Stdio::piped())?;
        let mut stderr = child.stderr.take().context("it is piped")?;
        // Read while it runs: a full pipe would stop it.
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            // What could be read is kept.
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        let limit = usual * 5 + Duration::from_secs(5);
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                let said = said.join().expect("reading panics nowhere");
                return Ok(End::of(status.success(), &said));
            }
            // The time on a processor, where the system tells it: other work on the machine must
            // not decide what a model finds.
            if processor_time(child.id()).unwrap_or_else(|| start.elapsed()) > limit {
                child.kill()?;
                child.wait()?;
                return Ok(End::Unfinished);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn start(
        &self,
        scene: &str,
        variables: &[(&str, &str)],
        stderr: Stdio,
    ) -> anyhow::Result<Child> {
        Command::new(&self.program)
            .args(["--run", scene])
            .current_dir(&self.directory)
            .env("RUST_BACKTRACE", "0")
            .env_remove("LATCHWORK_OBSERVATIONS")
            .env_remove("LATCHWORK_SITES")
            .env_remove("LATCHWORK_MUTANT")
            .env_remove("LATCHWORK_BOUND")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("can't start {}", self.program.display()))
    }

    /// Does something for each of many, several at a time, and keeps the order.
    pub(crate) fn side_by_side<T: Sync, R: Send>(
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

/// The models of a program, as it describes them.
fn described_by(program: &Path) -> anyhow::Result<Vec<Known>> {
    let output = Command::new(program).arg("--describe").output()?;
    Ok(described(&String::from_utf8(output.stdout)?))
}

/// One line a model: its name, its bound, its twins.
fn described(text: &str) -> Vec<Known> {
    let known = |line: &str| {
        let mut fields = line.split('\t');
        let (name, bound) = (fields.next()?.to_owned(), fields.next()?.parse().ok());
        let twins = fields.map(str::to_owned).collect();
        Some(Known { name, took: Duration::ZERO, bound, twins })
    };
    text.lines().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_is_no_kill() {
        assert_eq!(End::of(true, ""), End::Passed);
        assert_eq!(End::of(false, "assertion failed: seen == 1"), End::Failed);
        assert_eq!(End::of(false, "memory allocation of 64 bytes failed"), End::Unfinished);
    }

    #[test]
    fn models_are_read_as_the_harness_describes_them() {
        let models = described("a\t\nb\t3\tone\ttwo\n0 passed\n");
        assert_eq!(models.len(), 2);
        assert!(models[0].bound.is_none() && models[0].twins.is_empty());
        assert!(models[1].bound == Some(3) && models[1].twins == ["one", "two"]);
    }
}
