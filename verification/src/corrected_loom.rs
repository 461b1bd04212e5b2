//! The corrected loom: a patched copy of the registry's source in the target directory, put in
//! place of the original by cargo's `paths`, which leaves the lock file as it is.
//!
//! Loom 0.7.2 remembers one last access per atomic, so that a thread's own load hides another
//! thread's from its later store: whole interleavings are never explored. `paths` demands the same
//! name, version and dependencies, which the patch doesn't touch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::command::Invocation;
use crate::workspace::Workspace;

/// The version that the patch is against.
const VERSION: &str = "0.7.2";

/// The corrected source.
#[derive(Clone, Debug)]
pub(crate) struct CorrectedLoom {
    directory: PathBuf,
}

impl CorrectedLoom {
    /// Makes the copy, or brings it up to date; a file that is right is not written again, so
    /// that cargo doesn't build it again.
    ///
    /// # Errors
    ///
    /// When the source isn't there, the patch doesn't fit, or the copy can't be written.
    pub(crate) fn prepare(workspace: &Workspace) -> anyhow::Result<Self> {
        let source = source_of_loom(workspace)?;
        let patch = workspace.root.join("verification").join(format!("loom-{VERSION}.patch"));
        let patch = std::fs::read_to_string(&patch)
            .with_context(|| format!("can't read {}", patch.display()))?;
        let mut files = BTreeMap::new();
        read_files(&source, Path::new(""), &mut files)?;
        apply(&patch, &mut files)?;
        let directory = workspace.target.join(format!("loom-{VERSION}-corrected"));
        write_files(&directory, &files)?;
        Ok(Self { directory })
    }

    /// The option that makes cargo use it.
    pub(crate) fn option(&self) -> [String; 2] {
        // A JSON string is a TOML string too.
        let path = Value::from(self.directory.to_string_lossy().into_owned());
        ["--config".to_owned(), format!("paths=[{path}]")]
    }

    /// Whether the messages of a build say that loom came from the copy.
    ///
    /// # Errors
    ///
    /// When it came from elsewhere.
    pub(crate) fn was_built(&self, messages: &[Value]) -> anyhow::Result<()> {
        let manifest = messages
            .iter()
            .filter(|message| message["reason"] == "compiler-artifact")
            .filter(|message| message["target"]["name"] == "loom")
            .filter(|message| message["target"]["kind"][0] == "lib")
            .find_map(|message| message["manifest_path"].as_str());
        match manifest {
            Some(path) if Path::new(path).starts_with(&self.directory) => Ok(()),
            Some(path) => bail!("the override is not in force: loom was built from {path}"),
            None => bail!("the override is not in force: loom was not built at all"),
        }
    }
}

fn source_of_loom(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    // This also fetches it where it isn't there; cargo checks it against the lock file.
    let text =
        Invocation::cargo(&workspace.root, ["metadata", "--locked", "--format-version", "1"])
            .output()?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages
        .iter()
        .find(|package| package["name"] == "loom" && package["version"] == VERSION)
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_owned)
        .with_context(|| format!("the lock file has no loom {VERSION}"))
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn read_files(root: &Path, inside: &Path, files: &mut Files) -> anyhow::Result<()> {
    let directory = root.join(inside);
    let entries = std::fs::read_dir(&directory)
        .with_context(|| format!("can't read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read_files(root, &name, files)?;
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Applies a patch over several files. A hunk that doesn't fit is an error, and so is a file that
/// isn't there.
fn apply(patch: &str, files: &mut Files) -> anyhow::Result<()> {
    for part in one_file_each(patch) {
        let patch = diffy::Patch::from_str(&part)?;
        let name = patch.modified().context("a patch without a file's name")?;
        let file = files
            .get_mut(Path::new(name))
            .with_context(|| format!("the patch changes {name}, which isn't there"))?;
        let text = std::str::from_utf8(file)?;
        let patched =
            diffy::apply(text, &patch).with_context(|| format!("the patch does not fit {name}"))?;
        *file = patched.into_bytes();
    }
    Ok(())
}

/// Splits where a file's two header lines stand. Empty lines between the files belong to none;
/// an empty line of context starts with a space.
fn one_file_each(patch: &str) -> Vec<String> {
    let lines: Vec<_> = patch.split_inclusive('\n').collect();
    let mut parts: Vec<String> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let next = lines.get(number + 1);
        if line.starts_with("--- ") && next.is_some_and(|next| next.starts_with("+++ ")) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(if *line == "\n" { "" } else { line });
        }
    }
    parts
}

fn write_files(directory: &Path, files: &Files) -> anyhow::Result<()> {
    let mut there = BTreeMap::new();
    if directory.is_dir() {
        read_files(directory, Path::new(""), &mut there)?;
    }
    for name in there.keys().filter(|name| !files.contains_key(*name)) {
        std::fs::remove_file(directory.join(name))?;
    }
    for (name, content) in files.iter().filter(|(name, content)| there.get(*name) != Some(content))
    {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "--- a.rs\n+++ a.rs\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\n\
        --- b.rs\n+++ b.rs\n@@ -1 +1 @@\n--- not a header\n+x\n";

    fn files(contents: &[(&str, &str)]) -> Files {
        contents.iter().map(|(name, text)| (name.into(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_patch_changes_each_of_its_files() {
        let mut before = files(&[("a.rs", "one\ntwo\n"), ("b.rs", "-- not a header\n"), ("c", "")]);
        apply(PATCH, &mut before).unwrap();
        assert_eq!(before, files(&[("a.rs", "one\n2\n"), ("b.rs", "x\n"), ("c", "")]));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let mut other = files(&[("a.rs", "one\nthree\n"), ("b.rs", "")]);
        let error = apply(PATCH, &mut other).unwrap_err();
        assert!(error.to_string().contains("does not fit a.rs"), "{error}");
        let error = apply(PATCH, &mut files(&[])).unwrap_err();
        assert!(error.to_string().contains("isn't there"), "{error}");
    }

    #[test]
    fn another_loom_is_noticed() {
        let loom = CorrectedLoom { directory: "/t/loom".into() };
        let artifact = |path: &str| {
            vec![serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": path,
                "target": {"name": "loom", "kind": ["lib"]},
            })]
        };
        assert!(loom.was_built(&artifact("/t/loom/Cargo.toml")).is_ok());
        assert!(loom.was_built(&artifact("/registry/loom-0.7.2/Cargo.toml")).is_err());
        assert!(loom.was_built(&[]).is_err());
    }
}
