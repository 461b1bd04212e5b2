//! What the steps about mutants have in common: a crate's models, and the sites that they reach.

use std::time::Duration;

use super::Run;
use super::cargo::excerpt;
use super::engine::{Built, Engine};
use crate::mutants::hunt::{End, Hunt};
use crate::mutants::killers::{self, Killers, Names};
use crate::mutants::listed::{self, Listed};
use crate::mutants::place::Sources;
use crate::mutants::site::{self, Kind, Mutant, Site, Sites};
use crate::options::Options;
use crate::report::Outcome;
use crate::workspace::Crate;

/// How long to look for a mutant that a model kills.
const EFFORT: Duration = Duration::from_secs(20);

/// Whether a crate has models of its own code.
pub(super) fn has_mutants(krate: &Crate) -> bool {
    krate.is_product() && krate.tests.iter().any(|test| test == "loom")
}

/// The file that names the killers of a crate's mutants.
pub(super) fn recorded(run: &Run, krate: &Crate) -> std::path::PathBuf {
    let name = format!("{}.tsv", krate.short());
    run.workspace.root.join("verification/killers").join(name)
}

/// A crate, and what there is to hunt in it.
pub(super) struct Ground<'a> {
    /// Its models.
    pub(super) hunt: Hunt,
    /// The crate's sites that models reach.
    pub(super) sites: Sites,
    /// The sites that stand in its sources.
    listed: Vec<Listed>,
    /// The sites' names.
    pub(super) names: Names,
    sources: &'a Sources,
}

impl<'a> Ground<'a> {
    /// Builds a crate's models and lists what they reach; if that fails, says so.
    pub(super) fn of(
        run: &Run,
        krate: &Crate,
        engine: &Engine,
        sources: &'a Sources,
    ) -> anyhow::Result<Result<Self, Outcome>> {
        let built = match engine.build(run, krate, "loom")? {
            Ok(built) => built,
            Err(finished) => return Ok(Err(Outcome::fail(excerpt(&finished)))),
        };
        engine.control(run, &built.program)?;
        let ground = Self::survey(run, krate, &built, sources)?;
        if !ground.hunt.has_models() {
            return Ok(Err(Outcome::skip("its test program has no models")));
        }
        Ok(Ok(ground))
    }

    fn survey(
        run: &Run,
        krate: &Crate,
        built: &Built,
        sources: &'a Sources,
    ) -> anyhow::Result<Self> {
        let root = &run.workspace.root;
        let models = &run.options.models;
        let wanted = |name: &str| models.is_empty() || models.iter().any(|m| name.contains(m));
        let (directory, scratch) = (root.join(&krate.directory), run.listings(krate));
        let jobs = run.options.jobs();
        let (mut hunt, mut sites) =
            Hunt::prepare(&built.program, &directory, jobs, &scratch, wanted)?;
        let source = krate.path("src/");
        sites.retain(|site, _| site.file.starts_with(&source));
        hunt.reached_by_broken.retain(|site, _| site.file.starts_with(&source));
        let files = built.sources.iter().map(String::as_str);
        let listed = listed::sites_in(root, files.filter(|file| !is_the_checkers_own(file)))?;
        let names = killers::names(sources, sites.keys())?;
        Ok(Self { hunt, sites, listed, names, sources })
    }

    /// Every mutant that is wanted.
    pub(super) fn mutants(&self, options: &Options) -> Vec<Mutant> {
        let wanted = self.sites.iter().filter(|(site, _)| options.wants(site));
        wanted.flat_map(|(site, reached)| site::mutants(site, &reached.now)).collect()
    }

    /// The number of a model that passes unchanged.
    pub(super) fn model(&self, name: &str) -> Option<usize> {
        self.hunt.models.iter().position(|model| model.name == name)
    }

    /// Takes out of the record the killers of these mutants that don't kill them.
    pub(super) fn remove_what_is_wrong(
        &self,
        mutants: &[Mutant],
        known: &mut Killers,
    ) -> anyhow::Result<()> {
        let mut pairs = Vec::new();
        for mutant in mutants {
            let models = known.of(&self.names, mutant).iter();
            pairs.extend(models.filter_map(|name| Some((mutant, self.model(name)?))));
        }
        for ((mutant, model), end) in pairs.iter().zip(self.hunt.replay(&pairs)?) {
            if end == End::Passed {
                let name = self.hunt.models[*model].name.clone();
                known.note(&self.names, mutant, None, &[name]);
            }
        }
        Ok(())
    }

    /// Adds to the record a kill of each model that has none, nor a twin, and for which one is
    /// found among the mutants that it reaches.
    pub(super) fn record_a_kill_of_each(
        &self,
        mutants: &[Mutant],
        known: &mut Killers,
    ) -> anyhow::Result<()> {
        let all = self.mutants(&Options::default());
        let by_model = known.by_model(&self.names, &all);
        // What some model kills is likelier to be killed by another.
        let mut likely: Vec<_> =
            mutants.iter().filter(|mutant| mutant.kind == Kind::Weakening).collect();
        likely.sort_by_key(|mutant| known.of(&self.names, mutant).is_empty());
        let mut unshown = Vec::new();
        for (number, model) in self.hunt.models.iter().enumerate() {
            if model.twins.is_empty() && !by_model.contains_key(&model.name) {
                let reaches =
                    |mutant: &&&Mutant| self.sites[&mutant.site].hits.contains_key(&number);
                unshown.push((number, likely.iter().filter(reaches).copied().collect()));
            }
        }
        let kills = self.hunt.a_kill_of_each(&unshown, EFFORT)?;
        for ((number, _), kill) in unshown.iter().zip(kills) {
            if let Some(mutant) = kill {
                let name = &self.hunt.models[*number].name;
                known.note(&self.names, mutant, Some(name), &[]);
            }
        }
        Ok(())
    }

    /// Sites in the source at which no model came by, of those that are wanted.
    pub(super) fn unreached(&self, options: &Options) -> impl Iterator<Item = &Listed> {
        let came_by = |listed: &Site| {
            let place = (&listed.file, listed.line, listed.column);
            self.sites.keys().any(|site| place == (&site.file, site.line, site.column))
        };
        self.listed
            .iter()
            .filter(move |listed| options.wants(&listed.site) && !came_by(&listed.site))
    }

    /// Where models fail as they are: what was recorded of the crate and is weaker now, or gone.
    pub(super) fn suspects(&self, recorded: &Killers) -> anyhow::Result<Vec<String>> {
        if self.hunt.broken.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = self.sites.clone();
        for (site, reached) in &self.hunt.reached_by_broken {
            all.entry(site.clone()).or_insert_with(|| reached.clone());
        }
        let names = killers::names(self.sources, all.keys())?;
        Ok(recorded.weakened_since(&all, &names))
    }
}

/// The explorers' side of the facade runs the models; it is no part of what they check.
fn is_the_checkers_own(file: &str) -> bool {
    let inside = file.strip_prefix("verification/sync/src/");
    inside.is_some_and(|name| name.starts_with("model/") || name.ends_with("/checked.rs"))
}
