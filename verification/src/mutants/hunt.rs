//! Running mutants through models, one process each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::site::{self, Kind, Mutant, Sites};

/// A crate's program of models.
#[derive(Debug)]
pub(crate) struct Hunt {
    program: PathBuf,
    directory: PathBuf,
    /// The models' names, with the time that each takes unchanged.
    pub(crate) models: Vec<(String, Duration)>,
    /// The models that fail unchanged.
    pub(crate) broken: Vec<String>,
    jobs: usize,
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
    /// Runs each model that is wanted once as it is, and lists the sites that it reaches. A model
    /// that fails as it is could find nothing, and is left out.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
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
            jobs,
        };
        std::fs::create_dir_all(scratch)?;
        let listed = hunt.side_by_side(&names, |number, name| {
            let listing = scratch.join(format!("{number}.sites"));
            std::fs::write(&listing, "")?;
            let start = Instant::now();
            let mut child = hunt.start(name, &[("LATCHWORK_SITES", &listing.to_string_lossy())])?;
            let passed = child.wait()?.success();
            Ok((passed, start.elapsed(), std::fs::read_to_string(&listing)?))
        })?;
        let mut sites = Sites::new();
        for (name, (passed, took, listing)) in names.into_iter().zip(listed) {
            if passed {
                site::add(&mut sites, hunt.models.len(), &listing);
                hunt.models.push((name, took));
            } else {
                hunt.broken.push(name);
            }
        }
        Ok((hunt, sites))
    }

    /// Runs each mutant through the models that reach its site: the last killers first, then the
    /// cheapest. `most` limits the models for an adversity, which every one must survive.
    ///
    /// # Errors
    ///
    /// When a process can't be started.
    pub(crate) fn all(
        &self,
        sites: &Sites,
        mutants: &[Mutant],
        most: usize,
    ) -> anyhow::Result<Vec<Fate>> {
        let kills: Mutex<HashMap<usize, usize>> = Mutex::default();
        self.side_by_side(mutants, |_, mutant| {
            let mut models: Vec<usize> = sites[&mutant.site].hits.keys().copied().collect();
            {
                let kills = kills.lock().expect("held for a look only");
                models.sort_by_key(|model| {
                    let killed = kills.get(model).copied().unwrap_or(0);
                    (std::cmp::Reverse(killed), self.models[*model].1)
                });
            }
            let mut fate =
                Fate { mutant: mutant.clone(), killer: None, unfinished: Vec::new(), untried: 0 };
            if mutant.kind == Kind::Adversity {
                models.sort_by_key(|model| self.models[*model].1);
                fate.untried = models.len().saturating_sub(most);
                models.truncate(most);
            }
            for model in models {
                let (name, usual) = &self.models[model];
                match self.run(name, mutant, *usual)? {
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
            Ok(fate)
        })
    }

    fn run(&self, model: &str, mutant: &Mutant, usual: Duration) -> anyhow::Result<End> {
        let mut child = self.start(model, &[("LATCHWORK_MUTANT", &mutant.variable())])?;
        let limit = usual * 10 + Duration::from_secs(10);
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { End::Passed } else { End::Failed });
            }
            if start.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(End::TimedOut);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn start(&self, model: &str, variables: &[(&str, &str)]) -> anyhow::Result<Child> {
        Command::new(&self.program)
            .args(["--run", model])
            .current_dir(&self.directory)
            .env("RUST_BACKTRACE", "0")
            .env_remove("LATCHWORK_OBSERVATIONS")
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

fn names_of_models(program: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new(program).arg("--list").output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": model")).map(str::to_owned).collect())
}
