//! A Rust compiler that can build the standard library from source, and what goes with it, from
//! Debian's packages, unpacked below the target directory: nothing is installed.
//!
//! Debian's `rustc-web` comes with its library's source (`rust-web-src`) and everything that the
//! library depends on, so that a standard library for any target, instrumented or not, needs no
//! network but Debian's.

mod packages;
mod standard;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

pub(crate) use packages::unpack;
pub(crate) use standard::{Kind, variable};

use crate::command::Invocation;
use crate::workspace::Workspace;

/// The oldest compiler that builds every crate.
const OLDEST: u32 = 95;

/// Debian's compiler.
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// What starts it.
    pub(crate) rustc: PathBuf,
    /// The target that it runs on.
    pub(crate) host: String,
    /// Its version, in full.
    version: String,
    /// The directory of the standard library's source.
    library: PathBuf,
    /// Where standard libraries are built.
    built: PathBuf,
}

impl Compiler {
    /// Unpacks it, where it isn't unpacked already.
    ///
    /// # Errors
    ///
    /// Why it can't be had, for a line of the report.
    pub(crate) fn get(workspace: &Workspace) -> Result<Self, String> {
        let root =
            unpack(workspace, "rust", &["rustc-web", "libstd-rust-web-dev", "rust-web-src"])?;
        let reason = |error: anyhow::Error| format!("Debian's compiler: {error:#}");
        let rustc = wrapper(&root).map_err(reason)?;
        let text = Invocation::new(&rustc, &root)
            .args(["--version", "--verbose"])
            .output()
            .map_err(reason)?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|rest| rest.trim().to_owned())
                .with_context(|| format!("its version names no {name}"))
        };
        let release = field("release:").map_err(reason)?;
        if minor(&release).is_none_or(|minor| minor < OLDEST) {
            return Err(format!("Debian's compiler is {release}; the crates need 1.{OLDEST}"));
        }
        Ok(Self {
            host: field("host:").map_err(reason)?,
            library: library(&root).map_err(reason)?,
            built: workspace.target.join("debian").join("std"),
            version: text,
            rustc,
        })
    }

    /// The main version of its LLVM, which the runtimes of sanitizers must have too.
    ///
    /// # Errors
    ///
    /// When it doesn't say.
    pub(crate) fn llvm(&self) -> anyhow::Result<&str> {
        let line = self.version.lines().find_map(|line| line.strip_prefix("LLVM version: "));
        line.and_then(|version| version.split('.').next()).context("it names no version of LLVM")
    }

    /// Cargo with this compiler and one of its standard libraries, in a target directory of its
    /// own. The features that a stable compiler locks are open.
    ///
    /// # Errors
    ///
    /// When a path can't stand in `RUSTFLAGS`.
    pub(crate) fn cargo<'a>(
        &self,
        workspace: &Workspace,
        arguments: impl IntoIterator<Item = &'a str>,
        root: &Path,
        flags: &str,
    ) -> anyhow::Result<Invocation> {
        let root = root.to_string_lossy();
        ensure!(!root.contains(' '), "{root} has a space in it, which RUSTFLAGS can't have");
        Ok(Invocation::cargo(&workspace.root, arguments)
            .env("RUSTC", self.rustc.to_string_lossy())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("--sysroot={root} {flags}"))
            .env("CARGO_TARGET_DIR", workspace.target.join("targets").to_string_lossy()))
    }
}

/// A script that starts the compiler with its own libraries.
fn wrapper(root: &Path) -> anyhow::Result<PathBuf> {
    let libraries = std::fs::read_dir(root.join("usr/lib"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .context("the packages hold no libraries")?;
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        libraries.display(),
        root.join("usr/bin/rustc").display()
    );
    let path = root.join("rustc");
    if std::fs::read_to_string(&path).is_ok_and(|there| there == script) {
        return Ok(path);
    }
    write_program(&path, &script)?;
    Ok(path)
}

/// Writes a script that can be started.
///
/// # Errors
///
/// When it can't be written.
pub(crate) fn write_program(path: &Path, script: &str) -> anyhow::Result<()> {
    std::fs::write(path, script).with_context(|| format!("can't write {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn library(root: &Path) -> anyhow::Result<PathBuf> {
    std::fs::read_dir(root.join("usr/src"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("library"))
        .find(|path| path.join("std/Cargo.toml").is_file())
        .context("the packages hold no source of the standard library")
}

/// The second number of `1.96.0`.
fn minor(release: &str) -> Option<u32> {
    release.split('.').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_second_number() {
        assert_eq!(minor("1.96.0"), Some(96));
        assert_eq!(minor("1.100.0-nightly"), Some(100));
        assert_eq!(minor("none"), None);
    }
}
