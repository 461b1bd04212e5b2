//! Mutants that no model can find, each with the argument why, in `verification/equivalents.toml`.
//!
//! An entry names its site by what a reader of the source sees: the file, the function, a piece of
//! the statement, the role and the change. It must still be there, and it must still be needed.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::place::{Place, Sources};
use super::site::{Mutant, Site};

/// What the file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Equivalents {
    /// Mutants that change nothing that a model could see.
    #[serde(default)]
    equivalent: Vec<Equivalent>,
    /// Sites that no model reaches.
    #[serde(default)]
    unreached: Vec<Unreached>,
}

/// A mutant that no model can find.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Equivalent {
    file: String,
    function: String,
    snippet: String,
    role: String,
    from: String,
    to: String,
    argument: String,
}

/// A site that no model reaches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unreached {
    file: String,
    function: String,
    snippet: String,
    argument: String,
}

/// Reads the file.
///
/// # Errors
///
/// When it can't be read, isn't of its form, or an entry gives no argument.
pub(crate) fn read(root: &Path) -> anyhow::Result<Equivalents> {
    let path = root.join("verification/equivalents.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> anyhow::Result<Equivalents> {
    let all: Equivalents = toml::from_str(text)?;
    let arguments = all.equivalent.iter().map(|entry| (&entry.argument, &entry.file));
    let arguments =
        arguments.chain(all.unreached.iter().map(|entry| (&entry.argument, &entry.file)));
    for (argument, file) in arguments {
        if argument.split_whitespace().count() < 5 {
            bail!("an entry for {file} gives no argument that a reader could judge");
        }
    }
    Ok(all)
}

/// What became of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Use {
    /// It fits nothing: its site is gone.
    #[default]
    None,
    /// It fits a mutant that this model finds.
    Found(String),
    /// It is needed.
    Needed,
}

/// The entries for one crate, and what became of them.
#[derive(Debug)]
pub(crate) struct Excuses<'a> {
    sources: &'a Sources,
    equivalent: Vec<(&'a Equivalent, Use)>,
    unreached: Vec<(&'a Unreached, Use)>,
}

impl Equivalents {
    /// The entries for files below a directory.
    pub(crate) fn below<'a>(&'a self, sources: &'a Sources, directory: &str) -> Excuses<'a> {
        let inside = |file: &str| file.starts_with(directory);
        let equivalent = self.equivalent.iter().filter(|entry| inside(&entry.file));
        let unreached = self.unreached.iter().filter(|entry| inside(&entry.file));
        Excuses {
            sources,
            equivalent: equivalent.map(|entry| (entry, Use::None)).collect(),
            unreached: unreached.map(|entry| (entry, Use::None)).collect(),
        }
    }

    /// Files that entries name and that lie below none of some directories.
    pub(crate) fn outside<'a>(
        &'a self,
        directories: &'a [String],
    ) -> impl Iterator<Item = &'a str> {
        let files = self.equivalent.iter().map(|entry| entry.file.as_str());
        let files = files.chain(self.unreached.iter().map(|entry| entry.file.as_str()));
        files.filter(|file| !directories.iter().any(|directory| file.starts_with(directory)))
    }
}

impl Equivalent {
    fn is_for(&self, mutant: &Mutant, place: &Place) -> bool {
        self.role == mutant.site.role
            && self.from == mutant.from
            && self.to == mutant.to
            && self.file == mutant.site.file
            && place.is(&self.function, &self.snippet)
    }
}

impl Excuses<'_> {
    /// Whether a mutant is listed.
    pub(crate) fn lists(&self, mutant: &Mutant) -> anyhow::Result<bool> {
        let place = self.sources.place(&mutant.site)?;
        Ok(self.equivalent.iter().any(|(entry, _)| entry.is_for(mutant, &place)))
    }

    /// Notes that a mutant survived, or which model found it; whether it is listed.
    pub(crate) fn excuse(&mut self, mutant: &Mutant, killer: Option<&str>) -> anyhow::Result<bool> {
        let place = self.sources.place(&mutant.site)?;
        let mut listed = false;
        for (entry, used) in &mut self.equivalent {
            if entry.is_for(mutant, &place) {
                listed = true;
                match killer {
                    None => *used = Use::Needed,
                    Some(model) if *used == Use::None => *used = Use::Found(model.to_owned()),
                    Some(_) => {}
                }
            }
        }
        Ok(listed)
    }

    /// Whether a site that no model reaches is listed.
    pub(crate) fn excuse_unreached(&mut self, site: &Site) -> anyhow::Result<bool> {
        let place = self.sources.place(site)?;
        let mut excused = false;
        for (entry, used) in &mut self.unreached {
            if entry.file == site.file && place.is(&entry.function, &entry.snippet) {
                *used = Use::Needed;
                excused = true;
            }
        }
        Ok(excused)
    }

    /// What was listed and excused nothing, and why.
    pub(crate) fn unused(&self) -> Vec<String> {
        let why = |used: &Use| match used {
            Use::Needed => None,
            Use::Found(model) => Some(format!("NOT NEEDED: {model} finds it")),
            Use::None => Some("NOT NEEDED: there is no such site, or not so any more".to_owned()),
        };
        let equivalent = self.equivalent.iter().filter_map(|(entry, used)| {
            let Equivalent { file, function, snippet, role, from, to, .. } = entry;
            let why = why(used)?;
            Some(format!("{file}, fn {function}, `{snippet}`, {role} {from} -> {to}: {why}"))
        });
        let unreached = self.unreached.iter().filter_map(|(entry, used)| {
            let Unreached { file, function, snippet, .. } = entry;
            Some(format!("{file}, fn {function}, `{snippet}`, unreached: {}", why(used)?))
        });
        equivalent.chain(unreached).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_needs_an_argument() {
        let entry = |argument: &str| {
            format!(
                "[[equivalent]]\nfile = 'a.rs'\nfunction = 'pop'\nsnippet = 'x'\nrole = 'load'\n\
                 from = 'Acquire'\nto = 'Relaxed'\nargument = '{argument}'\n"
            )
        };
        assert!(parse(&entry("fine")).is_err());
        assert!(parse(&entry("the value is compared and never followed")).is_ok());
        assert!(parse("[[equivalents]]\n").is_err());
    }

    #[test]
    fn an_entry_that_excuses_nothing_is_told() {
        let all = parse(
            "[[unreached]]\nfile = 'a/src/a.rs'\nfunction = 'gone'\nsnippet = 'x'\n\
             argument = 'it was there once upon a time'\n",
        )
        .unwrap();
        let sources = Sources::below(Path::new("/"));
        assert_eq!(all.below(&sources, "a/src/").unused().len(), 1);
        assert_eq!(all.below(&sources, "b/src/").unused().len(), 0);
        assert_eq!(all.outside(&["b/src/".to_owned()]).collect::<Vec<_>>(), ["a/src/a.rs"]);
    }
}
