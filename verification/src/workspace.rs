//! The crates of the workspace, as cargo tells them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::command::Invocation;

/// A package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// Its directory below the root, with `/` between the parts; empty for the root package.
    pub(crate) directory: String,
    /// Names of its integration tests.
    pub(crate) tests: Vec<String>,
    /// Whether it has a library.
    pub(crate) library: bool,
    /// Its features.
    pub(crate) features: Vec<String>,
    /// Those of them that bring the standard library in, `std` itself among them.
    pub(crate) std_features: Vec<String>,
    /// Whether it is meant for the registry.
    pub(crate) published: bool,
    /// What of its tests the step `stress` runs longer.
    pub(crate) stress: Stress,
}

/// A crate's `package.metadata.stress`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stress {
    /// Names of integration tests.
    pub(crate) tests: Vec<String>,
    /// Variables that ask them for more than they do by default.
    pub(crate) environment: Vec<(String, String)>,
}

impl Stress {
    fn parse(metadata: &Value) -> Self {
        let stress = &metadata["stress"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tests = stress["tests"].as_array().into_iter().flatten().filter_map(text);
        let variables = stress["environment"].as_object().into_iter().flatten();
        Self {
            tests: tests.collect(),
            environment: variables
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
        }
    }
}

impl Crate {
    /// The directory's own name, or `umbrella`.
    pub(crate) fn short(&self) -> &str {
        match self.directory.rsplit('/').next() {
            None | Some("") => "umbrella",
            Some(name) => name,
        }
    }

    /// Whether a name on the command line means this crate.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.short() == name
    }

    /// A path inside the crate, relative to the root.
    pub(crate) fn path(&self, inside: &str) -> String {
        if self.directory.is_empty() {
            inside.to_owned()
        } else {
            format!("{}/{inside}", self.directory)
        }
    }

    /// Whether it holds the product, and not only checks or benches.
    pub(crate) fn is_product(&self) -> bool {
        self.published && self.library
    }
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The root directory.
    pub(crate) root: PathBuf,
    /// Our part of the target directory.
    pub(crate) target: PathBuf,
    /// The packages, in the manifest's order.
    pub(crate) crates: Vec<Crate>,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    ///
    /// When cargo can't read the workspace.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the package lies in a workspace")?
            .to_owned();
        let text = Invocation::cargo(&root, ["metadata", "--no-deps", "--locked"])
            .args(["--format-version", "1"])
            .output()?;
        Self::parse(&root, &serde_json::from_str(&text)?)
    }

    fn parse(root: &Path, metadata: &Value) -> anyhow::Result<Self> {
        let target = metadata["target_directory"].as_str().context("no target directory")?;
        let packages = metadata["packages"].as_array().context("no packages")?;
        let crates: anyhow::Result<Vec<_>> =
            packages.iter().map(|package| parse_package(root, package)).collect();
        let mut crates = crates?;
        // From the ground up, as the members are listed; cargo sorts them by path.
        let order = ["verification/sync", "treiber", "reclaim", "rwlock", "ringpal"];
        crates.sort_by_key(|krate| {
            let listed = order.iter().position(|directory| *directory == krate.directory);
            (listed.unwrap_or(order.len()), !krate.published, krate.directory.is_empty())
        });
        Ok(Self { root: root.to_owned(), target: Path::new(target).join("verify"), crates })
    }

    /// The crates that the names mean; all for no name.
    ///
    /// # Errors
    ///
    /// On a name that means none.
    pub(crate) fn select(&self, names: &[String]) -> anyhow::Result<Vec<Crate>> {
        for name in names {
            if !self.crates.iter().any(|krate| krate.is_called(name)) {
                let known: Vec<_> = self.crates.iter().map(Crate::short).collect();
                bail!("there is no crate {name:?}; the crates are {}", known.join(", "));
            }
        }
        let chosen =
            |krate: &&Crate| names.is_empty() || names.iter().any(|name| krate.is_called(name));
        Ok(self.crates.iter().filter(chosen).cloned().collect())
    }
}

fn parse_package(root: &Path, package: &Value) -> anyhow::Result<Crate> {
    let name = package["name"].as_str().context("a package without a name")?;
    let manifest = Path::new(package["manifest_path"].as_str().context("no manifest path")?);
    let directory = manifest
        .parent()
        .and_then(|directory| directory.strip_prefix(root).ok())
        .with_context(|| format!("{name} lies outside the workspace"))?;
    let parts: Vec<_> = directory.iter().map(|part| part.to_string_lossy()).collect();
    let targets = package["targets"].as_array().context("a package without targets")?;
    let of_kind = |kind: &str| {
        let is = |target: &&Value| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
        };
        targets
            .iter()
            .filter(is)
            .filter_map(|target| target["name"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let features = package["features"].as_object().context("a package without features")?;
    Ok(Crate {
        name: name.to_owned(),
        directory: parts.join("/"),
        tests: of_kind("test"),
        library: !of_kind("lib").is_empty(),
        features: features.keys().cloned().collect(),
        std_features: std_features(features),
        published: package["publish"].as_array().is_none_or(|list| !list.is_empty()),
        stress: Stress::parse(&package["metadata"]),
    })
}

/// The features that are `std` or switch it on, on their own or by others.
fn std_features(features: &serde_json::Map<String, Value>) -> Vec<String> {
    let mut found: Vec<String> = features.keys().filter(|name| *name == "std").cloned().collect();
    while let Some((name, _)) = features.iter().find(|(name, implied)| {
        let mut implied = implied.as_array().into_iter().flatten().filter_map(Value::as_str);
        !found.contains(name) && implied.any(|other| found.iter().any(|name| name == other))
    }) {
        found.push(name.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_cargos_answer() {
        let metadata = serde_json::json!({
            "target_directory": "/w/target",
            "packages": [{
                "name": "latchwork-sync", "manifest_path": "/w/verification/sync/Cargo.toml",
                "targets": [
                    {"kind": ["lib"], "name": "latchwork_sync"},
                    {"kind": ["test"], "name": "loom"},
                ],
                "features": {
                    "default": ["std"], "std": [], "peer": ["std", "dep:peer"], "more": ["peer"],
                    "pair": [],
                }, "publish": null,
            }, {
                "name": "latchwork", "manifest_path": "/w/Cargo.toml",
                "targets": [], "features": {}, "publish": [],
                "metadata": {"stress": {"tests": ["crash"], "environment": {"CRASHES": "9"}}},
            }],
        });
        let workspace = Workspace::parse(Path::new("/w"), &metadata).unwrap();
        assert_eq!(workspace.target, Path::new("/w/target/verify"));
        let [sync, root] = &workspace.crates[..] else { panic!("{workspace:?}") };
        assert_eq!((sync.short(), sync.path("src")), ("sync", "verification/sync/src".to_owned()));
        assert!(sync.is_product() && sync.tests == ["loom"]);
        let mut with_std = sync.std_features.clone();
        with_std.sort_unstable();
        assert_eq!(with_std, ["default", "more", "peer", "std"]);
        assert_eq!((root.short(), root.path("src")), ("umbrella", "src".to_owned()));
        assert!(!root.is_product());
        let more = ("CRASHES".to_owned(), "9".to_owned());
        assert_eq!(
            (&root.stress.tests[..], &root.stress.environment[..]),
            (&["crash".to_owned()][..], &[more][..])
        );
        assert_eq!(sync.stress, Stress::default());
        assert_eq!(workspace.select(&["sync".to_owned()]).unwrap().len(), 1);
        assert!(workspace.select(&["snyc".to_owned()]).is_err());
    }
}
