//! The step that weakens each site and demands that a model fails for it.

use std::fmt::Write as _;
use std::time::Duration;

use super::Run;
use super::cargo::excerpt;
use super::engine::{Built, Engine};
use crate::corrected_loom::CorrectedLoom;
use crate::mutants::equivalents::{self, Equivalents, Excuses};
use crate::mutants::hunt::{Fate, Hunt, Quarry};
use crate::mutants::killers::{self, Killers, Names};
use crate::mutants::listed::{self, Listed};
use crate::mutants::place::Sources;
use crate::mutants::site::{self, Kind, Mutant, Site, Sites};
use crate::options::Options;
use crate::report::{MutantRow, Outcome};
use crate::workspace::Crate;

/// How long the models may take, unchanged, that a mutant is tried on of which nothing else is
/// expected: one that is listed as equivalent, or one that every model must pass. With `--long`
/// there is no end to it.
const EFFORT: Duration = Duration::from_secs(2);

/// Hunts the mutants of each crate.
pub(crate) fn run(run: &mut Run) {
    let mut prepared = None;
    run.check("list of equivalents", |run| {
        let corrected = CorrectedLoom::prepare(&run.workspace)?;
        let equivalents = equivalents::read(&run.workspace.root)?;
        let all = run.workspace.crates.iter().filter(|krate| has_mutants(krate));
        let sources: Vec<_> = all.map(|krate| krate.path("src/")).collect();
        let outcome = match equivalents.outside(&sources).next() {
            None => Outcome::pass(),
            Some(file) => {
                Outcome::fail(format!("    {file}: no crate with models has this file\n"))
            }
        };
        prepared = Some((Engine::Loom(corrected), equivalents));
        Ok(Some(outcome))
    });
    let Some((engine, equivalents)) = prepared else { return };
    run.each_crate(|run, krate| check(run, krate, &engine, &equivalents));
    if run.options.narrows_mutants() && run.report.mutants.iter().all(|row| row.mutants == 0) {
        let nothing =
            "    no mutant of these crates is at such a site and reached by such a model\n";
        run.check("what was asked for", |_| Ok(Some(Outcome::fail(nothing))));
    }
}

fn has_mutants(krate: &Crate) -> bool {
    krate.is_product() && krate.tests.iter().any(|test| test == "loom")
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
    let root = run.workspace.root.clone();
    let mut files = crate::source::files_below(&root.join(krate.path("src")))?.into_iter();
    if !files.any(|file| run.options.wants_some_in(&file.to_string_lossy())) {
        return Ok(None);
    }
    let built = match engine.build(run, krate, "loom")? {
        Ok(built) => built,
        Err(finished) => return Ok(Some(Outcome::fail(excerpt(&finished)))),
    };
    engine.control(run, &built.program)?;
    let sources = Sources::below(&root);
    let ground = Ground::survey(run, krate, &built, &sources)?;
    if !ground.hunt.has_models() {
        return Ok(Some(Outcome::skip("its test program has no models")));
    }

    let committed = root.join("verification/killers").join(format!("{}.tsv", krate.short()));
    let remembered = run.listings(krate).join("killers.tsv");
    let mut known = Killers::read(&committed)?;
    let suspects = ground.suspects(&known)?;
    known.extend(Killers::read(&remembered)?);

    let excuses = equivalents.below(&sources, &krate.path("src/"));
    let mut judge = Judge::new(krate, &ground.sites, excuses);
    judge.tells_all = run.options.narrows_mutants();
    judge.broken(&ground.hunt.broken, &suspects);
    let mutants = ground.mutants(&run.options);
    let mut quarries = Vec::new();
    for mutant in &mutants {
        let is_short = mutant.kind == Kind::Adversity || judge.excuses.lists(mutant)?;
        quarries.push(Quarry {
            mutant,
            killer: known.of(&ground.names, mutant),
            effort: (is_short && !run.options.long).then_some(EFFORT),
        });
    }
    // Some of the models say nothing about what the others find or reach, some of the mutants
    // nothing about which excuses the others need.
    let has_all_models = run.options.models.is_empty();
    for fate in &ground.hunt.all(&ground.sites, &quarries)? {
        judge.fate(fate)?;
        if fate.killer.is_some() || has_all_models {
            known.note(&ground.names, &fate.mutant, fate.killer.as_deref());
        }
    }
    if has_all_models {
        for listed in ground.unreached(&run.options) {
            judge.unreached(listed)?;
        }
    }
    if !run.options.narrows_mutants() {
        judge.unused();
        known.retain(&ground.names);
    }
    known.write(&remembered)?;
    if run.options.record {
        known.write(&committed)?;
    }
    std::fs::write(run.log(krate), &judge.log)?;
    run.report.mutants.push(judge.row);
    let command = format!("cargo verify mutants --crate {}", krate.short());
    Ok(Some(judge.outcome.repeat(&command)))
}

/// A crate, and what there is to hunt in it.
struct Ground<'a> {
    hunt: Hunt,
    /// The crate's sites that models reach.
    sites: Sites,
    /// The sites that stand in its sources.
    listed: Vec<Listed>,
    names: Names,
    sources: &'a Sources,
}

impl<'a> Ground<'a> {
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
    fn mutants(&self, options: &Options) -> Vec<Mutant> {
        let wanted = self.sites.iter().filter(|(site, _)| options.wants(site));
        wanted.flat_map(|(site, reached)| site::mutants(site, &reached.now)).collect()
    }

    /// Sites in the source at which no model came by, of those that are wanted.
    fn unreached(&self, options: &Options) -> impl Iterator<Item = &Listed> {
        let came_by = |listed: &Site| {
            let place = (&listed.file, listed.line, listed.column);
            self.sites.keys().any(|site| place == (&site.file, site.line, site.column))
        };
        self.listed
            .iter()
            .filter(move |listed| options.wants(&listed.site) && !came_by(&listed.site))
    }

    /// Where models fail as they are: what was recorded of the crate and is weaker now, or gone.
    fn suspects(&self, recorded: &Killers) -> anyhow::Result<Vec<String>> {
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

/// Counts and words.
struct Judge<'a> {
    row: MutantRow,
    outcome: Outcome,
    log: String,
    excuses: Excuses<'a>,
    /// Whether to tell of every mutant, not only of those that fail the step.
    tells_all: bool,
}

impl<'a> Judge<'a> {
    fn new(krate: &Crate, own: &Sites, excuses: Excuses<'a>) -> Self {
        let mut log = String::from("sites and hits\n");
        for (site, reached) in own {
            let hits: u64 = reached.hits.values().sum();
            writeln!(log, "    {site} {}: {hits} by {} models", reached.now, reached.hits.len())
                .expect("a string takes everything");
        }
        log.push_str("mutants\n");
        let row = MutantRow { krate: krate.name.clone(), sites: own.len(), ..MutantRow::default() };
        Self { row, outcome: Outcome::default(), log, excuses, tells_all: false }
    }

    fn broken(&mut self, models: &[String], suspects: &[String]) {
        for model in models {
            self.count(false, &format!("    model {model}: FAILS UNCHANGED, and was left out"));
        }
        if !suspects.is_empty() {
            let head = "    SUSPECTS, by what stood when the killers were last recorded:\n";
            self.outcome.detail.push_str(head);
        }
        for suspect in suspects {
            self.outcome.detail.extend(["    ", suspect, "\n"]);
        }
    }

    fn fate(&mut self, fate: &Fate) -> anyhow::Result<()> {
        let mutant = &fate.mutant;
        let listed = self.excuses.excuse(mutant, fate.killer.as_deref())?;
        let (good, verdict) = match (&mutant.kind, &fate.killer) {
            (Kind::Weakening, Some(model)) => {
                self.row.killed += 1;
                (true, format!("killed by {model}"))
            }
            (Kind::Weakening, None) if listed => {
                self.row.equivalent += 1;
                (true, "listed as equivalent".to_owned())
            }
            (Kind::Weakening, None) => {
                self.row.survived += 1;
                self.row.survivors.push(mutant.to_string());
                (false, "SURVIVED".to_owned())
            }
            (Kind::Adversity, Some(model)) => {
                self.row.not_tolerated += 1;
                self.row.intolerant.push(format!("{mutant}, by {model}"));
                (false, format!("NOT TOLERATED by {model}"))
            }
            (Kind::Adversity, None) => (true, "tolerated".to_owned()),
        };
        match mutant.kind {
            Kind::Weakening => self.row.mutants += 1,
            Kind::Adversity => self.row.adversities += 1,
        }
        let mut line = format!("    {mutant}: {verdict}");
        if !fate.unfinished.is_empty() {
            write!(line, "; not finished in time: {}", fate.unfinished.join(", "))?;
        }
        if fate.untried > 0 {
            write!(line, "; {} costlier models not tried", fate.untried)?;
        }
        writeln!(self.log, "{line}")?;
        self.count(good, &line);
        if good && (self.tells_all || !fate.unfinished.is_empty()) {
            self.outcome.notes.push(line.trim().to_owned());
        }
        Ok(())
    }

    fn unreached(&mut self, listed: &Listed) -> anyhow::Result<()> {
        let Listed { site, operation, .. } = listed;
        let excused = self.excuses.excuse_unreached(site)?;
        let line = format!("    {}:{}:{} {operation}", site.file, site.line, site.column);
        if excused {
            writeln!(self.log, "{line}: no model comes by, as listed")?;
        } else if listed.orders() {
            self.row.unhit += 1;
            self.row
                .never_reached
                .push(format!("{}:{}:{} {operation}", site.file, site.line, site.column));
            let line = format!("{line}: NO MODEL COMES BY");
            writeln!(self.log, "{line}")?;
            self.count(false, &line);
        } else {
            // Nothing there could be weakened, but a reader may want to know.
            writeln!(self.log, "{line}: relaxed, and no model comes by")?;
        }
        Ok(())
    }

    fn unused(&mut self) {
        for entry in self.excuses.unused() {
            let line = format!("    equivalents.toml: {entry}");
            self.log.push_str(&line);
            self.log.push('\n');
            self.count(false, &line);
        }
    }

    fn count(&mut self, good: bool, line: &str) {
        if good {
            self.outcome.passed += 1;
        } else {
            self.outcome.failed += 1;
            self.outcome.detail.push_str(line);
            self.outcome.detail.push('\n');
        }
    }
}
