//! Sites that models reached, and how each can be weakened.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;

/// A call of an atomic operation, a fence, a wait or a wake.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    /// The file, relative to the workspace's root.
    pub(crate) file: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its column, from 1.
    pub(crate) column: usize,
    /// What part of the operation is meant.
    pub(crate) role: String,
}

/// Where sites are looked for: a file, named by the end of its path, and perhaps one of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    file: String,
    line: Option<usize>,
}

impl Filter {
    /// Whether it is in this file.
    pub(crate) fn is_in(&self, file: &str) -> bool {
        Path::new(file).ends_with(&self.file)
    }

    /// Whether a site is there.
    pub(crate) fn holds(&self, site: &Site) -> bool {
        self.is_in(&site.file) && self.line.is_none_or(|line| line == site.line)
    }
}

/// `FILE` or `FILE:LINE`.
impl FromStr for Filter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let Some((file, line)) = text.rsplit_once(':') else {
            return Ok(Self { file: text.to_owned(), line: None });
        };
        match line.parse() {
            Ok(line) => Ok(Self { file: file.to_owned(), line: Some(line) }),
            Err(_) => bail!("{text}: expected FILE or FILE:LINE"),
        }
    }
}

/// What is known of a site after the listing runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Its ordering, or `Kept`.
    pub(crate) now: String,
    /// How often each model came by, by the model's number.
    pub(crate) hits: BTreeMap<usize, u64>,
}

/// Every site with what is known of it.
pub(crate) type Sites = BTreeMap<Site, Reached>;

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{} {}", self.file, self.line, self.column, self.role)
    }
}

/// Adds what one model's listing run wrote: file, line, column, role, ordering and hits, between
/// tabs.
pub(crate) fn add(sites: &mut Sites, model: usize, listing: &str) {
    for line in listing.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [file, line, column, role, now, hits] = fields[..] else { continue };
        let (Ok(line), Ok(column), Ok(hits)) = (line.parse(), column.parse(), hits.parse::<u64>())
        else {
            continue;
        };
        let site = Site { file: file.to_owned(), line, column, role: role.to_owned() };
        let reached = sites.entry(site).or_default();
        now.clone_into(&mut reached.now);
        *reached.hits.entry(model).or_default() += hits;
    }
}

/// What a mutant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A model must fail.
    Weakening,
    /// Every model must still pass: what happens here may happen on any machine.
    Adversity,
}

/// A site with one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// Where.
    pub(crate) site: Site,
    /// From what.
    pub(crate) from: String,
    /// To what.
    pub(crate) to: &'static str,
    /// What must come of it.
    pub(crate) kind: Kind,
}

impl Mutant {
    /// As `LATCHWORK_MUTANT` wants it.
    pub(crate) fn variable(&self) -> String {
        let Site { file, line, column, role } = &self.site;
        format!("{file}:{line}:{column}:{role}:{}", self.to)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.site, self.from, self.to)
    }
}

/// Every change of a site by one step.
pub(crate) fn mutants(site: &Site, now: &str) -> Vec<Mutant> {
    let weaker: &[&'static str] = match (site.role.as_str(), now) {
        ("light" | "heavy" | "wake" | "set" | "timer", _) => &["Dropped"],
        ("weak", _) => &["Fails"],
        ("wait", _) => &["Spurious"],
        ("load" | "failure", "SeqCst") => &["Acquire"],
        ("store", "SeqCst") => &["Release"],
        (_, "SeqCst") => &["AcqRel"],
        (_, "AcqRel") => &["Acquire", "Release"],
        (_, "Acquire" | "Release") => &["Relaxed"],
        _ => &[],
    };
    let adverse = ["weak", "wait"].contains(&site.role.as_str());
    let kind = if adverse { Kind::Adversity } else { Kind::Weakening };
    weaker.iter().map(|to| Mutant { site: site.clone(), from: now.to_owned(), to, kind }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(role: &str) -> Site {
        Site { file: "a/src/lib.rs".into(), line: 3, column: 7, role: role.into() }
    }

    #[test]
    fn listings_of_several_models_are_joined() {
        let mut sites = Sites::new();
        add(&mut sites, 0, "a/src/lib.rs\t3\t7\tload\tAcquire\t2\nnonsense\n");
        add(&mut sites, 1, "a/src/lib.rs\t3\t7\tload\tAcquire\t5\n");
        let reached = &sites[&site("load")];
        assert_eq!(reached.now, "Acquire");
        assert_eq!(reached.hits, BTreeMap::from([(0, 2), (1, 5)]));
    }

    #[test]
    fn a_file_is_named_by_the_end_of_its_path() {
        let filter = |text: &str| text.parse::<Filter>().unwrap();
        assert!(filter("src/lib.rs").holds(&site("load")));
        assert!(filter("a/src/lib.rs:3").holds(&site("load")));
        assert!(!filter("lib.rs:4").holds(&site("load")));
        assert!(!filter("ib.rs").holds(&site("load")));
    }

    #[test]
    fn a_ladder_is_taken_by_one_step() {
        let to = |role, now| -> Vec<_> {
            mutants(&site(role), now).iter().map(|mutant| mutant.to).collect()
        };
        assert_eq!(to("success", "AcqRel"), ["Acquire", "Release"]);
        assert_eq!(to("fence", "SeqCst"), ["AcqRel"]);
        assert_eq!(to("load", "SeqCst"), ["Acquire"]);
        assert_eq!(to("load", "Relaxed"), [""; 0]);
        assert_eq!(to("wake", "Kept"), ["Dropped"]);
    }

    #[test]
    fn a_mutant_is_named_as_the_facade_reads_it() {
        let mutant = &mutants(&site("store"), "Release")[0];
        assert_eq!(mutant.variable(), "a/src/lib.rs:3:7:store:Relaxed");
        assert_eq!(mutants(&site("weak"), "Kept")[0].kind, Kind::Adversity);
    }
}
