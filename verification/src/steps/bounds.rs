//! Whether each model's preemption bound is the least that shows what the model is there for: the
//! mutants that it is the recorded killer of, its twins, and what shuttle has seen of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Run;
use super::engine::Engine;
use super::ground::{Ground, has_mutants, recorded};
use crate::mutants::hunt::{End, Hunt, Known};
use crate::mutants::killers::Killers;
use crate::mutants::place::Sources;
use crate::mutants::site::Mutant;
use crate::report::Outcome;
use crate::workspace::Crate;

/// What is known of a model's bound.
enum Found {
    /// It is the least, for this reason.
    Least(String),
    /// This one would do; what the next lower one doesn't show.
    TooHigh(usize, String),
    /// Nothing that could tell: no mutant, no twin.
    Untold,
}

/// Lowers the bound of each model until it shows less.
pub(super) fn check(
    run: &mut Run,
    krate: &Crate,
    engine: &Engine,
) -> anyhow::Result<Option<Outcome>> {
    if !has_mutants(krate) {
        return Ok(None);
    }
    let sources = Sources::below(&run.workspace.root);
    let ground = match Ground::of(run, krate, engine, &sources)? {
        Ok(ground) => ground,
        Err(outcome) => return Ok(Some(outcome)),
    };
    let known = Killers::read(&recorded(run, krate))?;
    let mutants = ground.mutants(&run.options);
    let kills = known.by_model(&ground.names, &mutants);
    let observations = run.workspace.target.join("observations").join(krate.short());
    let bounded: Vec<_> =
        ground.hunt.models.iter().filter_map(|model| Some((model, model.bound?))).collect();
    let found = ground.hunt.side_by_side(&bounded, |_, (model, bound)| {
        let trial = Trial {
            hunt: &ground.hunt,
            model,
            kills: kills.get(&model.name).map_or(&[], Vec::as_slice),
            shuttle: observations.join("shuttle").join(format!("{}.txt", model.name)),
            scratch: run.listings(krate).join("bounds").join(&model.name),
        };
        trial.least(*bound)
    })?;
    let mut outcome = Outcome::default();
    for ((Known { name, .. }, bound), found) in bounded.iter().zip(found) {
        match found {
            Found::Least(reason) => {
                outcome.passed += 1;
                outcome.notes.push(format!("{name}: {bound} is the least: {reason}"));
            }
            Found::TooHigh(least, reason) => {
                outcome.failed += 1;
                let line = format!("    {name}: {least} WOULD DO for {bound}: {reason}\n");
                outcome.detail.push_str(&line);
            }
            Found::Untold => {
                let reason = format!("{name} has bound {bound}, and no twin or mutant to tell why");
                outcome.skipped.push(reason);
            }
        }
    }
    let command = format!("cargo verify mutants --bounds --crate {}", krate.short());
    Ok(Some(outcome.repeat(&command)))
}

/// A model under lower bounds.
struct Trial<'a> {
    hunt: &'a Hunt,
    model: &'a Known,
    /// The mutants that it is recorded to kill.
    kills: &'a [&'a Mutant],
    /// What shuttle has observed of it, if it has.
    shuttle: PathBuf,
    scratch: PathBuf,
}

impl Trial<'_> {
    fn least(&self, bound: usize) -> anyhow::Result<Found> {
        // With no preemption at all a thread runs until it blocks, which is hardly a search.
        if bound <= 1 {
            return Ok(Found::Least("there is no lower one".into()));
        }
        if self.kills.is_empty() && self.model.twins.is_empty() {
            return Ok(Found::Untold);
        }
        for lower in (1..bound).rev() {
            let Some(missed) = self.missed(lower)? else { continue };
            let reason = format!("{lower} doesn't show {missed}");
            // Else it would be the record that is wrong, and not the bound.
            if lower + 1 == bound && self.missed(bound)?.is_some_and(|same| same == missed) {
                return Ok(Found::Least(format!("but it DOESN'T SHOW {missed} either")));
            }
            return Ok(if lower + 1 == bound {
                Found::Least(reason)
            } else {
                Found::TooHigh(lower + 1, reason)
            });
        }
        Ok(Found::TooHigh(1, "none misses anything".into()))
    }

    /// The first thing that the model doesn't show under a bound.
    fn missed(&self, bound: usize) -> anyhow::Result<Option<String>> {
        let Known { name, took, twins, .. } = self.model;
        let bound = bound.to_string();
        for mutant in self.kills {
            let variables =
                [("LATCHWORK_BOUND", &*bound), ("LATCHWORK_MUTANT", &*mutant.variable())];
            if self.hunt.run(name, &variables, *took)? != End::Failed {
                return Ok(Some(mutant.to_string()));
            }
        }
        for twin in twins {
            let scene = format!("{name}/{twin}");
            if self.hunt.run(&scene, &[("LATCHWORK_BOUND", &*bound)], *took)? != End::Failed {
                return Ok(Some(format!("the twin {twin}")));
            }
        }
        let Some(all) = lines(&self.shuttle) else { return Ok(None) };
        let scratch = self.scratch.to_string_lossy();
        let variables = [("LATCHWORK_BOUND", &*bound), ("LATCHWORK_OBSERVATIONS", &*scratch)];
        if self.hunt.run(name, &variables, *took)? != End::Passed {
            return Ok(Some("how the model passes".into()));
        }
        let seen = lines(&self.scratch.join("loom").join(format!("{name}.txt")));
        let missed = all.difference(&seen.unwrap_or_default()).next().cloned();
        Ok(missed.map(|missed| format!("the sequentially consistent observation {missed:?}")))
    }
}

fn lines(path: &Path) -> Option<BTreeSet<String>> {
    Some(std::fs::read_to_string(path).ok()?.lines().map(str::to_owned).collect())
}
