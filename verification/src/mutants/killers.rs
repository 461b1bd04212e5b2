//! Which model kills which mutant, in `verification/killers/CRATE.tsv`: the family's claim that
//! each ordering has a model that fails without it, written out.
//!
//! It serves four times. A hunt tries the model named here first, which mostly ends it at once; the
//! step `killers` tries nothing else. A model that is named here shows something, twin or not. And
//! where models fail as they are, the sites that stood here stronger, or stood here at all, are
//! the suspects.
//!
//! One line a mutant and model, fields between tabs: file, function, role, the site's number among
//! those of that role in the function, ordering, what it was weakened to, model. Where a mutant has
//! several lines, the later ones are there for what their models show.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::place::Sources;
use super::site::{Kind, Mutant, Site, Sites};

const HEAD: &str = "\
# For each ordering, fence and wake a model that fails without it.
# Written by `cargo verify mutants --record`; file, function, role, number, from, to, model.
";

/// A site by what doesn't move with the lines above it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    file: String,
    function: String,
    role: String,
    /// Among the sites of this role in the function, from 1.
    number: usize,
}

/// The names of some sites.
pub(crate) type Names = BTreeMap<Site, Name>;

/// Names sites.
///
/// # Errors
///
/// When a source can't be read.
pub(crate) fn names<'a>(
    sources: &Sources,
    sites: impl IntoIterator<Item = &'a Site>,
) -> anyhow::Result<Names> {
    let mut numbers: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut names = Names::new();
    // In the order of their places.
    for site in sites {
        let function = sources.place(site)?.function;
        let key = (site.file.clone(), function.clone(), site.role.clone());
        let number = numbers.entry(key).or_default();
        *number += 1;
        let Site { file, role, .. } = site.clone();
        names.insert(site.clone(), Name { file, function, role, number: *number });
    }
    Ok(names)
}

/// From what to what a site was weakened.
type Step = (String, String);

/// What is known of a crate's mutants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Killers(BTreeMap<Name, BTreeMap<Step, Vec<String>>>);

impl Killers {
    /// Reads a file; nothing is known where there is none.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Self {
        let mut killers = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<_> = line.split('\t').collect();
            // A line that can't be read costs a hunt its hint, and no more.
            let [file, function, role, number, from, to, model] = fields[..] else { continue };
            let Ok(number) = number.parse() else { continue };
            let name =
                Name { file: file.into(), function: function.into(), role: role.into(), number };
            let steps = killers.0.entry(name).or_default();
            steps.entry((from.into(), to.into())).or_default().push(model.into());
        }
        killers
    }

    /// Writes a file.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = HEAD.to_owned();
        for (Name { file, function, role, number }, steps) in &self.0 {
            let lines =
                steps.iter().flat_map(|(step, models)| models.iter().map(move |m| (step, m)));
            for ((from, to), model) in lines {
                writeln!(text, "{file}\t{function}\t{role}\t{number}\t{from}\t{to}\t{model}")?;
            }
        }
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
    }

    /// The models that are known to kill a mutant, the one to try first at the front.
    pub(crate) fn of(&self, names: &Names, mutant: &Mutant) -> &[String] {
        let steps = names.get(&mutant.site).and_then(|name| self.0.get(name));
        let models =
            steps.and_then(|steps| steps.get(&(mutant.from.clone(), mutant.to.to_owned())));
        models.map_or(&[], Vec::as_slice)
    }

    /// Adds what another knows, which counts more.
    pub(crate) fn extend(&mut self, other: Self) {
        for (name, steps) in other.0 {
            let mine = self.0.entry(name).or_default();
            for (step, mut models) in steps {
                let mut before = mine.remove(&step).unwrap_or_default();
                before.retain(|model| !models.contains(model));
                models.extend(before);
                mine.insert(step, models);
            }
        }
    }

    /// Notes a model that killed a mutant, and those that passed in spite of it.
    pub(crate) fn note(
        &mut self,
        names: &Names,
        mutant: &Mutant,
        killer: Option<&str>,
        passed: &[String],
    ) {
        // One that every model must pass has no killer.
        if mutant.kind == Kind::Adversity {
            return;
        }
        let Some(name) = names.get(&mutant.site) else { return };
        let step = (mutant.from.clone(), mutant.to.to_owned());
        let steps = self.0.entry(name.clone()).or_default();
        let models = steps.entry(step).or_default();
        models.retain(|model| !passed.contains(model));
        if let Some(killer) = killer
            && !models.iter().any(|model| model == killer)
        {
            models.push(killer.to_owned());
        }
        steps.retain(|_, models| !models.is_empty());
        self.0.retain(|_, steps| !steps.is_empty());
    }

    /// For each model the mutants that it kills, of these.
    pub(crate) fn by_model<'a>(
        &self,
        names: &Names,
        mutants: &'a [Mutant],
    ) -> BTreeMap<String, Vec<&'a Mutant>> {
        let mut found: BTreeMap<String, Vec<&Mutant>> = BTreeMap::new();
        for mutant in mutants {
            for model in self.of(names, mutant) {
                found.entry(model.clone()).or_default().push(mutant);
            }
        }
        found
    }

    /// Forgets the sites that are not among these, or not as strong as they were.
    pub(crate) fn retain(&mut self, sites: &Sites, names: &Names) {
        let now: BTreeMap<_, _> = names
            .iter()
            .filter_map(|(site, name)| Some((name, sites.get(site)?.now.as_str())))
            .collect();
        self.0.retain(|name, steps| {
            steps.retain(|(from, _), _| now.get(name) == Some(&from.as_str()));
            !steps.is_empty()
        });
    }

    /// What stood in the sources when this was written and does so no more, in functions that a
    /// model still comes by: orderings that are weaker now, and operations that are gone.
    pub(crate) fn weakened_since(&self, sites: &Sites, names: &Names) -> Vec<String> {
        let now: BTreeMap<_, _> = names
            .iter()
            .filter_map(|(site, name)| Some((name, (site, sites.get(site)?.now.as_str()))))
            .collect();
        let is_visited = |name: &Name| {
            now.keys().any(|known| known.file == name.file && known.function == name.function)
        };
        let mut found = Vec::new();
        for (name, steps) in &self.0 {
            let Some((from, _)) = steps.keys().next() else { continue };
            let Name { file, function, role, number } = name;
            match now.get(name) {
                Some((_, now)) if now == from => {}
                Some((site, now)) => {
                    found.push(format!("{site} in fn {function} was {from} and is {now}"));
                }
                None if is_visited(name) => {
                    let which = format!("{role} number {number} of fn {function}");
                    found.push(format!("{file}: the {which} ({from}) is gone, or never reached"));
                }
                None => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::site::{self, Reached};
    use super::*;

    const TEXT: &str =
        "a.rs\tpop\tload\t1\tAcquire\tRelaxed\tm\na.rs\tpop\twake\t1\tKept\tDropped\tn\n";

    fn site(role: &str, line: usize) -> Site {
        Site { file: "a.rs".into(), line, column: 1, role: role.into() }
    }

    fn name(role: &str) -> Name {
        Name { file: "a.rs".into(), function: "pop".into(), role: role.into(), number: 1 }
    }

    #[test]
    fn what_is_read_is_found_again() {
        let killers = Killers::parse(TEXT);
        let names = Names::from([(site("load", 7), name("load"))]);
        let mutant = &site::mutants(&site("load", 7), "Acquire")[0];
        assert_eq!(killers.of(&names, mutant), ["m"]);
        let mut other = killers.clone();
        other.note(&names, mutant, None, &["m".to_owned()]);
        assert!(other.of(&names, mutant).is_empty());
        other.extend(killers.clone());
        assert_eq!(other, killers);
        let reached = site::Reached { now: "Acquire".into(), ..site::Reached::default() };
        other.retain(&Sites::from([(site("load", 7), reached)]), &names);
        assert_ne!(other, killers);
        assert_eq!(other.of(&names, mutant), ["m"]);
    }

    #[test]
    fn a_mutant_may_have_several_killers() {
        let mut killers = Killers::parse(TEXT);
        let names = Names::from([(site("load", 7), name("load"))]);
        let mutants = site::mutants(&site("load", 7), "Acquire");
        killers.note(&names, &mutants[0], Some("other"), &[]);
        assert_eq!(killers.of(&names, &mutants[0]), ["m", "other"]);
        let by_model = killers.by_model(&names, &mutants);
        assert_eq!(by_model["other"], by_model["m"]);
        killers.note(&names, &mutants[0], Some("other"), &["m".to_owned()]);
        assert_eq!(killers.of(&names, &mutants[0]), ["other"]);
    }

    #[test]
    fn what_was_weakened_or_removed_by_hand_is_named() {
        let killers = Killers::parse(TEXT);
        let reached = |now: &str| Reached { now: now.into(), ..Reached::default() };
        let sites = Sites::from([(site("load", 7), reached("Relaxed"))]);
        let names = Names::from([(site("load", 7), name("load"))]);
        let found = killers.weakened_since(&sites, &names);
        assert_eq!(found[0], "a.rs:7:1 load in fn pop was Acquire and is Relaxed");
        assert!(found[1].contains("wake number 1 of fn pop"), "{found:?}");
        assert!(killers.weakened_since(&Sites::new(), &Names::new()).is_empty());
    }
}
