//! The explorers: building a crate's programs with one of them in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Run;
use crate::command::{Finished, Invocation};
use crate::corrected_loom::CorrectedLoom;
use crate::workspace::Crate;

/// The profile that models are built with: fast, and with every assertion.
const PROFILE: &str = "models";

/// An explorer of schedules.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// Weak memory, exhaustive.
    Loom(CorrectedLoom),
    /// Weak memory, without the correction: what a user of the checking build has.
    StockLoom,
    /// Sequential consistency, exhaustive or random.
    Shuttle,
}

impl Engine {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Loom(_) | Self::StockLoom => "loom",
            Self::Shuttle => "shuttle",
        }
    }

    /// Where it builds.
    fn directory(&self) -> &'static str {
        if matches!(self, Self::StockLoom) { "stock" } else { self.name() }
    }

    /// A cargo command for this engine: its own flags and its own target directory.
    fn cargo(&self, run: &Run, arguments: &[&str]) -> Invocation {
        let target = run.workspace.target.join(self.directory());
        let command = Invocation::cargo(&run.workspace.root, arguments.iter().copied())
            .args(["--locked", "--all-features", "--profile", PROFILE])
            .env("RUSTFLAGS", format!("--cfg latchwork_{}", self.name()))
            .env("CARGO_TARGET_DIR", target.to_string_lossy());
        match self {
            Self::Loom(loom) => command.args(loom.option()),
            Self::StockLoom | Self::Shuttle => command,
        }
    }

    /// Builds a crate's test program, and proves that it has the right engine in it.
    ///
    /// # Errors
    ///
    /// When the build fails, with what the compiler said.
    pub(crate) fn build(
        &self,
        run: &Run,
        krate: &Crate,
        test: &str,
    ) -> anyhow::Result<Result<Built, Finished>> {
        let log = run.log(krate);
        let messages = log.with_extension("json");
        let finished = self
            .cargo(run, &["test", "--no-run", "--message-format", "json-render-diagnostics"])
            .args(["--package", &krate.name, "--test", test])
            .run_apart(&messages, &log)?;
        if !finished.success {
            return Ok(Err(finished));
        }
        let messages: Vec<Value> = std::fs::read_to_string(&messages)?
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if let Self::Loom(loom) = self {
            loom.was_built(&messages)?;
        }
        let program = messages
            .iter()
            .filter(|message| message["target"]["name"] == test)
            .find_map(|message| message["executable"].as_str())
            .context("cargo built no test program")?;
        let sources = sources_of(&messages, &run.workspace.root, &krate.path("src/"))?;
        Ok(Ok(Built { program: program.into(), sources }))
    }

    /// Plays load against load-then-exchange in the program itself. Loom without its correction sees
    /// one outcome of two, and everything that it would say of the models would be worth little.
    pub(crate) fn control(&self, run: &Run, program: &Path) -> anyhow::Result<()> {
        if !matches!(self, Self::Loom(_)) {
            return Ok(());
        }
        let said = Invocation::new(program, &run.workspace.root).args(["--control"]).output()?;
        if said.is_empty() || said.trim() == "@ control 0 1" {
            // A program without models has nothing to control either.
            Ok(())
        } else {
            bail!("the corrected loom is not in force: the control saw only {:?}", said.trim())
        }
    }

    /// The command that builds and runs a crate's models.
    pub(crate) fn repeat(&self, run: &Run, krate: &Crate, test: &str) -> Invocation {
        self.cargo(run, &["test"]).args(["--package", &krate.name, "--test", test])
    }
}

/// What a build made.
#[derive(Debug)]
pub(crate) struct Built {
    /// The test program.
    pub(crate) program: PathBuf,
    /// The files of the crate's library that were compiled, relative to the root.
    pub(crate) sources: BTreeSet<String>,
}

/// The files below a directory that the library was made of, as the compiler wrote them down
/// beside it.
fn sources_of(
    messages: &[Value],
    root: &Path,
    directory: &str,
) -> anyhow::Result<BTreeSet<String>> {
    let mut sources = BTreeSet::new();
    let libraries = messages
        .iter()
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["kind"][0] == "lib")
        .filter(|message| {
            let source = message["target"]["src_path"].as_str().map(Path::new);
            source.is_some_and(|path| path.starts_with(root.join(directory)))
        });
    for library in libraries {
        let Some(file) = library["filenames"][0].as_str().map(Path::new) else { continue };
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.strip_prefix("lib").unwrap_or(&stem);
        let listing = file.with_file_name(format!("{name}.d"));
        let text = std::fs::read_to_string(&listing)
            .with_context(|| format!("can't read {}", listing.display()))?;
        sources.extend(sources_in(&text, directory));
    }
    Ok(sources)
}

/// Each source has a line of its own in such a listing, which ends with a colon.
fn sources_in(listing: &str, directory: &str) -> Vec<String> {
    let lines = listing.lines().filter_map(|line| line.strip_suffix(':'));
    let names = lines.map(|name| name.replace('\\', "/"));
    names.filter(|name| name.starts_with(directory) && is_rust(name)).collect()
}

fn is_rust(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_names_the_librarys_sources() {
        let listing = "/t/x.d: a/src/lib.rs a/src/../README.md\n\na/src/lib.rs:\n\
            a/src/../README.md:\nb/src/lib.rs:\n\n# env-dep:X=1\n";
        assert_eq!(sources_in(listing, "a/src/"), ["a/src/lib.rs"]);
    }
}
