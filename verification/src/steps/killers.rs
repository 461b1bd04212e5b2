//! The step that plays the claim back: each mutant against the models that are recorded as its
//! killers, and nothing else.

use std::time::Duration;

use super::Run;
use super::engine::Engine;
use super::ground::{Ground, has_mutants, recorded};
use super::mutants::{Judge, prepare};
use crate::mutants::equivalents::Equivalents;
use crate::mutants::hunt::{End, Fate, Quarry};
use crate::mutants::killers::Killers;
use crate::mutants::place::Sources;
use crate::mutants::site::{Kind, Mutant};
use crate::report::Outcome;
use crate::workspace::Crate;

/// How long the models may take, unchanged, that a mutant is tried on of which no killer is
/// recorded.
const EFFORT: Duration = Duration::from_secs(10);

/// Plays back what is recorded of each crate.
pub(crate) fn run(run: &mut Run) {
    let Some((engine, equivalents)) = prepare(run) else { return };
    run.each_crate(|run, krate| check(run, krate, &engine, &equivalents));
}

fn check(
    run: &mut Run,
    krate: &Crate,
    engine: &Engine,
    equivalents: &Equivalents,
) -> anyhow::Result<Option<Outcome>> {
    if !has_mutants(krate) {
        return Ok(None);
    }
    let record = recorded(run, krate);
    let command = format!("cargo verify mutants --crate {} --record", krate.short());
    if !record.is_file() {
        let reason = format!("no killers are recorded yet; `{command}` does so");
        return Ok(Some(Outcome::skip(reason)));
    }
    let known = Killers::read(&record)?;
    let sources = Sources::below(&run.workspace.root);
    let ground = match Ground::of(run, krate, engine, &sources)? {
        Ok(ground) => ground,
        Err(outcome) => return Ok(Some(outcome)),
    };
    let excuses = equivalents.below(&sources, &krate.path("src/"));
    let mut judge = Judge::new(krate, &ground.sites, excuses);
    judge.broken(&ground.hunt.broken, &ground.suspects(&known)?);
    if ground.hunt.broken.is_empty() {
        for changed in known.weakened_since(&ground.sites, &ground.names) {
            judge.count(false, &format!("    {changed}, since the killers were recorded"));
        }
    }

    let mut mutants = ground.mutants(&run.options);
    mutants.retain(|mutant| mutant.kind == Kind::Weakening);
    let killers = replay(&ground, &known, &mutants, &mut judge)?;
    let mut open = Vec::new();
    for (mutant, killer) in mutants.iter().zip(killers) {
        if killer.is_some() || judge.excuses.lists(mutant)? {
            judge.fate(&Fate { killer, ..Fate::of(mutant) })?;
        } else {
            open.push(Quarry { mutant, killers: &[], effort: Some(EFFORT) });
        }
    }
    for fate in ground.hunt.all(&ground.sites, &open)? {
        judge.fate(&fate)?;
        if let Some(model) = &fate.killer {
            judge.note(format!("{}: {model} kills it, which isn't recorded", fate.mutant));
        }
    }
    for listed in ground.unreached(&run.options) {
        judge.unreached(listed)?;
    }
    judge.unused();
    Ok(Some(judge.end(run, krate)?.repeat(&command)))
}

/// Runs each mutant through its killers. For each mutant one that still kills it.
fn replay(
    ground: &Ground<'_>,
    known: &Killers,
    mutants: &[Mutant],
    judge: &mut Judge<'_>,
) -> anyhow::Result<Vec<Option<String>>> {
    let mut found = vec![None; mutants.len()];
    let mut pairs = Vec::new();
    for (number, mutant) in mutants.iter().enumerate() {
        for name in known.of(&ground.names, mutant) {
            if let Some(model) = ground.model(name) {
                pairs.push((number, model));
            } else if !ground.hunt.broken.contains(name) {
                let line = format!("    {mutant}: its recorded killer {name} IS NO MODEL");
                judge.count(false, &line);
            }
        }
    }
    // So that no long one is left alone at the end.
    pairs.sort_by_key(|(_, model)| std::cmp::Reverse(ground.hunt.models[*model].took));
    let runs: Vec<_> = pairs.iter().map(|(number, model)| (&mutants[*number], *model)).collect();
    for ((number, model), end) in pairs.iter().zip(ground.hunt.replay(&runs)?) {
        let name = &ground.hunt.models[*model].name;
        let wrong = match end {
            End::Failed => {
                found[*number].get_or_insert_with(|| name.clone());
                continue;
            }
            End::Passed => "PASSES",
            End::Unfinished => "DOES NOT FINISH",
        };
        let mutant = &mutants[*number];
        judge.count(false, &format!("    {mutant}: its recorded killer {name} {wrong}"));
    }
    Ok(found)
}
