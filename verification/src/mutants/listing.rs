//! Which sites each model reaches, kept for as long as the program stays the same.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::site::{self, Sites};
use crate::counts::ModelLine;

/// What a run of a model, as it is, told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// Whether the model passed.
    pub(crate) passed: bool,
    /// How long it took.
    pub(crate) took: Duration,
    /// The sites, as the facade writes them.
    pub(crate) sites: String,
}

/// The listings of a program's models.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listings {
    /// Of the program's bytes.
    program: u64,
    /// By the models' names.
    pub(crate) models: BTreeMap<String, Listing>,
}

impl Listings {
    /// Keeps what the models told that the step `loom` has run.
    ///
    /// # Errors
    ///
    /// When a file can't be read or written.
    pub(crate) fn add(
        program: &Path,
        directory: &Path,
        lines: &[ModelLine],
    ) -> anyhow::Result<Self> {
        let mut listings = Self::of(program, directory)?;
        for line in lines.iter().filter(|line| line.passed) {
            let sites = std::fs::read_to_string(file_of(directory, &line.name))?;
            let took = Duration::try_from_secs_f64(line.seconds)?;
            listings.models.insert(line.name.clone(), Listing { passed: line.passed, took, sites });
        }
        listings.keep(directory)?;
        Ok(listings)
    }

    /// The sites that models reach.
    pub(crate) fn sites(&self) -> Sites {
        let mut sites = Sites::new();
        for (number, listing) in self.models.values().enumerate() {
            site::add(&mut sites, number, &listing.sites);
        }
        sites
    }

    /// Those of this program that were kept; none if they are of another.
    ///
    /// # Errors
    ///
    /// When the program can't be read.
    pub(crate) fn of(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(program).with_context(|| format!("can't read {}", program.display()))?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let hash = hasher.finish();
        let known = std::fs::read(directory.join(KEPT))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        let same = known.filter(|known: &Self| known.program == hash);
        Ok(same.unwrap_or(Self { program: hash, models: BTreeMap::new() }))
    }

    /// Keeps those of models that passed; the others are worth another look.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub(crate) fn keep(&self, directory: &Path) -> anyhow::Result<()> {
        let kept = directory.join(KEPT);
        let passed = self.models.iter().filter(|(_, listing)| listing.passed);
        let models = passed.map(|(name, listing)| (name.clone(), listing.clone())).collect();
        let text = serde_json::to_string(&Self { program: self.program, models })?;
        std::fs::write(&kept, text).with_context(|| format!("can't write {}", kept.display()))
    }
}

/// The file in which the listings of a crate's program are kept.
const KEPT: &str = "listings.json";

/// The file into which a model writes the sites that it reaches.
pub(crate) fn file_of(directory: &Path, model: &str) -> PathBuf {
    directory.join(format!("{model}.sites"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_of_another_program_are_not_used() {
        let directory =
            std::env::temp_dir().join(format!("latchwork-listing-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let program = directory.join("program");
        std::fs::write(&program, "one").unwrap();
        let mut listings = Listings::of(&program, &directory).unwrap();
        let listing = Listing { passed: true, took: Duration::ZERO, sites: "x\n".into() };
        listings.models.insert("m".into(), listing);
        listings.keep(&directory).unwrap();
        assert_eq!(Listings::of(&program, &directory).unwrap(), listings);
        std::fs::write(&program, "two").unwrap();
        assert!(Listings::of(&program, &directory).unwrap().models.is_empty());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
