//! Mutants that no model can find, each with the argument why, in `verification/equivalents.toml`.
//!
//! An entry names its site by what a reader of the source sees: the file, the function, a piece of
//! the statement, the role and the change. It must still be there, and it must still be needed.

use std::path::Path;

use anyhow::{Context as _, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::Deserialize;

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

/// The entries for one crate, and which of them were used.
#[derive(Debug)]
pub(crate) struct Excuses<'a> {
    root: &'a Path,
    equivalent: Vec<(&'a Equivalent, bool)>,
    unreached: Vec<(&'a Unreached, bool)>,
}

impl Equivalents {
    /// The entries for files below a directory.
    pub(crate) fn below<'a>(&'a self, root: &'a Path, directory: &str) -> Excuses<'a> {
        let inside = |file: &str| file.starts_with(directory);
        let equivalent = self.equivalent.iter().filter(|entry| inside(&entry.file));
        let unreached = self.unreached.iter().filter(|entry| inside(&entry.file));
        Excuses {
            root,
            equivalent: equivalent.map(|entry| (entry, false)).collect(),
            unreached: unreached.map(|entry| (entry, false)).collect(),
        }
    }
}

impl Excuses<'_> {
    /// Whether a mutant is listed.
    pub(crate) fn excuse(&mut self, mutant: &Mutant) -> anyhow::Result<bool> {
        let place = Place::of(self.root, &mutant.site)?;
        let mut excused = false;
        for (entry, used) in &mut self.equivalent {
            let same = entry.role == mutant.site.role
                && entry.from == mutant.from
                && entry.to == mutant.to
                && place.is(&mutant.site.file, &entry.file, &entry.function, &entry.snippet);
            *used |= same;
            excused |= same;
        }
        Ok(excused)
    }

    /// Whether a site that no model reaches is listed.
    pub(crate) fn excuse_unreached(&mut self, site: &Site) -> anyhow::Result<bool> {
        let place = Place::of(self.root, site)?;
        let mut excused = false;
        for (entry, used) in &mut self.unreached {
            let same = place.is(&site.file, &entry.file, &entry.function, &entry.snippet);
            *used |= same;
            excused |= same;
        }
        Ok(excused)
    }

    /// What was listed and excused nothing: the site is gone, or a model finds the mutant.
    pub(crate) fn unused(&self) -> Vec<String> {
        let equivalent = self.equivalent.iter().filter(|(_, used)| !used).map(|(entry, _)| {
            let Equivalent { file, function, snippet, role, from, to, .. } = entry;
            format!("{file}, fn {function}, `{snippet}`, {role} {from} -> {to}")
        });
        let unreached = self.unreached.iter().filter(|(_, used)| !used).map(|(entry, _)| {
            let Unreached { file, function, snippet, .. } = entry;
            format!("{file}, fn {function}, `{snippet}`, unreached")
        });
        equivalent.chain(unreached).collect()
    }
}

/// What stands at a site.
struct Place {
    function: String,
    /// The statement, without white space.
    statement: String,
}

impl Place {
    fn of(root: &Path, site: &Site) -> anyhow::Result<Self> {
        let path = root.join(&site.file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("can't read {}", path.display()))?;
        Ok(Self::in_text(&text, site.line))
    }

    fn in_text(text: &str, line: usize) -> Self {
        let function = text
            .parse::<TokenStream>()
            .ok()
            .and_then(|tokens| innermost_function(tokens, line))
            .unwrap_or_default();
        Self { function, statement: statement(text, line) }
    }

    fn is(&self, file: &str, its_file: &str, function: &str, snippet: &str) -> bool {
        file == its_file
            && self.function == function
            && self.statement.contains(&without_space(snippet))
    }
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The lines around one, from behind the line that ends the statement before to the one that ends
/// this.
fn statement(text: &str, line: usize) -> String {
    let lines: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let ends = |line: &str| line.trim_end().ends_with([';', '{', '}']);
    let at = line.saturating_sub(1).min(lines.len().saturating_sub(1));
    let start = (0..at).rev().find(|line| ends(lines[*line])).map_or(0, |line| line + 1);
    let end = (at..lines.len()).find(|line| ends(lines[*line])).unwrap_or(at);
    without_space(&lines[start..=end].join(""))
}

/// The name of the innermost function whose body holds the line.
fn innermost_function(tokens: TokenStream, line: usize) -> Option<String> {
    let mut name = None;
    let mut is_name = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if is_name => {
                name = Some(word.to_string());
                is_name = false;
            }
            TokenTree::Ident(word) => is_name = word == "fn",
            TokenTree::Group(group) => {
                let holds =
                    group.span_open().start().line <= line && line <= group.span_close().end().line;
                let is_body = group.delimiter() == Delimiter::Brace;
                if holds {
                    let inner = innermost_function(group.stream(), line);
                    if inner.is_some() {
                        return inner;
                    }
                    if is_body && name.is_some() {
                        return name;
                    }
                }
                if is_body {
                    name = None;
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => name = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl S {\n    fn pop(&self) {\n        let a = 1;\n        match self\n            .head\n            .load(Acquire) // why\n        {\n            _ => {}\n        }\n    }\n}\n";

    #[test]
    fn a_place_is_its_function_and_its_statement() {
        let place = Place::in_text(TEXT, 6);
        assert_eq!(place.function, "pop");
        assert_eq!(place.statement, "matchself.head.load(Acquire){");
        assert!(place.is("a.rs", "a.rs", "pop", "self.head.load(Acquire)"));
        assert!(!place.is("a.rs", "a.rs", "push", "self.head.load(Acquire)"));
        assert!(!place.is("a.rs", "a.rs", "pop", "let a"));
    }

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
        assert_eq!(all.below(Path::new("/"), "a/src/").unused().len(), 1);
        assert_eq!(all.below(Path::new("/"), "b/src/").unused().len(), 0);
    }
}
