//! The step that weakens each site and demands that a model fails for it.

use std::fmt::Write as _;
use std::time::Duration;

use super::engine::Engine;
use super::ground::{Ground, has_mutants, recorded};
use super::{Run, bounds};
use crate::corrected_loom::CorrectedLoom;
use crate::mutants::equivalents::{self, Equivalents, Excuses};
use crate::mutants::hunt::{Fate, Quarry};
use crate::mutants::killers::Killers;
use crate::mutants::listed::Listed;
use crate::mutants::place::Sources;
use crate::mutants::site::{Kind, Sites};
use crate::options::Aim;
use crate::report::{MutantRow, Outcome};
use crate::workspace::Crate;

/// How long the models may take, unchanged, that a mutant is tried on of which nothing else is
/// expected: one that is listed as equivalent, or one that every model must pass. With `--long`
/// there is no end to it.
const EFFORT: Duration = Duration::from_secs(2);

/// Hunts the mutants of each crate, or looks at the bounds of its models.
pub(crate) fn run(run: &mut Run) {
    let Some((engine, equivalents)) = prepare(run) else { return };
    if run.options.aim == Aim::Bounds {
        run.each_crate(|run, krate| bounds::check(run, krate, &engine));
        return;
    }
    run.each_crate(|run, krate| check(run, krate, &engine, &equivalents));
    if run.options.narrows_mutants() && run.report.mutants.iter().all(|row| row.mutants == 0) {
        let nothing =
            "    no mutant of these crates is at such a site and reached by such a model\n";
        run.check("what was asked for", |_| Ok(Some(Outcome::fail(nothing))));
    }
}

/// The corrected loom, and the list of equivalents, which names no file in vain.
pub(super) fn prepare(run: &mut Run) -> Option<(Engine, Equivalents)> {
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
    prepared
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
    let sources = Sources::below(&root);
    let ground = match Ground::of(run, krate, engine, &sources)? {
        Ok(ground) => ground,
        Err(outcome) => return Ok(Some(outcome)),
    };

    let committed = recorded(run, krate);
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
            killers: known.of(&ground.names, mutant),
            effort: (is_short && !run.options.long).then_some(EFFORT),
        });
    }
    // Some of the models say nothing about what the others find or reach, some of the mutants
    // nothing about which excuses the others need.
    let has_all_models = run.options.models.is_empty();
    for fate in &ground.hunt.all(&ground.sites, &quarries)? {
        judge.fate(fate)?;
        known.note(&ground.names, &fate.mutant, fate.killer.as_deref(), &fate.passed);
    }
    if run.options.aim == Aim::Record {
        ground.remove_what_is_wrong(&mutants, &mut known)?;
        ground.record_a_kill_of_each(&mutants, &mut known)?;
    }
    if has_all_models {
        for listed in ground.unreached(&run.options) {
            judge.unreached(listed)?;
        }
    }
    if !run.options.narrows_mutants() {
        judge.unused();
        known.retain(&ground.sites, &ground.names);
    }
    known.write(&remembered)?;
    if run.options.aim == Aim::Record {
        known.write(&committed)?;
    }
    let command = format!("cargo verify mutants --crate {}", krate.short());
    Ok(Some(judge.end(run, krate)?.repeat(&command)))
}

/// Counts and words.
pub(super) struct Judge<'a> {
    row: MutantRow,
    outcome: Outcome,
    log: String,
    /// What is listed as equivalent.
    pub(super) excuses: Excuses<'a>,
    /// Whether to tell of every mutant, not only of those that fail the step.
    tells_all: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(krate: &Crate, own: &Sites, excuses: Excuses<'a>) -> Self {
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

    pub(super) fn broken(&mut self, models: &[String], suspects: &[String]) {
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

    pub(super) fn fate(&mut self, fate: &Fate) -> anyhow::Result<()> {
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

    pub(super) fn unreached(&mut self, listed: &Listed) -> anyhow::Result<()> {
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

    pub(super) fn unused(&mut self) {
        for entry in self.excuses.unused() {
            let line = format!("    equivalents.toml: {entry}");
            self.log.push_str(&line);
            self.log.push('\n');
            self.count(false, &line);
        }
    }

    pub(super) fn note(&mut self, line: String) {
        self.outcome.notes.push(line);
    }

    /// Keeps the log and the row of the report.
    pub(super) fn end(self, run: &mut Run, krate: &Crate) -> anyhow::Result<Outcome> {
        std::fs::write(run.log(krate), &self.log)?;
        run.report.mutants.push(self.row);
        Ok(self.outcome)
    }

    pub(super) fn count(&mut self, good: bool, line: &str) {
        if good {
            self.outcome.passed += 1;
        } else {
            self.outcome.failed += 1;
            self.outcome.detail.push_str(line);
            self.outcome.detail.push('\n');
        }
    }
}
