//! Standard libraries, built from source for other targets or with other flags.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Compiler;
use crate::command::{Invocation, tail};

/// What kind of standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What it takes to check types.
    Types,
    /// The same of `core` and `alloc` alone: whoever names `std` fails.
    TypesWithoutStd,
    /// Whole, to link with.
    Whole,
    /// Whole, with every access reported to the thread sanitizer.
    Thread,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::TypesWithoutStd => "types-without-std",
            Self::Whole => "whole",
            Self::Thread => "thread",
        }
    }

    /// The crates, by their directories, with their features.
    fn crates(self) -> &'static [(&'static str, &'static str)] {
        if self == Self::TypesWithoutStd {
            return &[("alloc", "compiler-builtins-mem")];
        }
        // `test` and `proc_macro` for the crates' own tests.
        &[("std", "panic-unwind"), ("panic_abort", ""), ("proc_macro", ""), ("test", "")]
    }
}

impl Compiler {
    /// A system root with the standard library for a target; for `--sysroot`. The linker is for
    /// whole libraries of foreign targets, whose shared half is linked, though not used.
    ///
    /// # Errors
    ///
    /// When it doesn't build.
    pub(crate) fn standard(
        &self,
        target: &str,
        kind: Kind,
        linker: Option<&Path>,
        log: &Path,
    ) -> anyhow::Result<PathBuf> {
        let name = format!("{target}-{}", kind.name());
        let package = self.built.join(&name);
        let root = package.join("root");
        let complete = package.join("complete");
        if std::fs::read_to_string(&complete).is_ok_and(|version| version == self.version) {
            return Ok(root);
        }
        let _ = std::fs::remove_dir_all(&package);
        std::fs::create_dir_all(package.join("src"))?;
        std::fs::write(package.join("src/lib.rs"), "#![feature(no_core)]\n#![no_core]\n")?;
        std::fs::write(package.join("Cargo.toml"), self.manifest(kind))?;
        std::fs::copy(self.library.join("Cargo.lock"), package.join("Cargo.lock"))?;
        let mut command = self.build(target, kind, &package);
        if let Some(linker) = linker {
            command = command.env(&variable(target, "LINKER"), linker.to_string_lossy());
        }
        let finished = command.run(log)?;
        if !finished.success {
            bail!("the standard library for {target}:\n{}", tail(&finished.output, 30));
        }
        let libraries = root.join("lib/rustlib").join(target).join("lib");
        collect(&package.join("target").join(target).join("release/deps"), &libraries)?;
        std::fs::remove_dir_all(package.join("target"))?;
        std::fs::write(complete, &self.version)?;
        Ok(root)
    }

    /// A package that depends on the library's crates, as nobody else could.
    fn manifest(&self, kind: Kind) -> String {
        let path = |part: &str| {
            // A JSON string is a TOML string too.
            serde_json::Value::from(self.library.join(part).to_string_lossy().into_owned())
        };
        let mut text = String::from(
            "[package]\nname = \"standard\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[dependencies]\n",
        );
        for (name, features) in kind.crates() {
            let features: Vec<_> = features.split_terminator(' ').collect();
            writeln!(text, "{name} = {{ path = {}, features = {features:?} }}", path(name))
                .expect("a string takes everything");
        }
        text.push_str("\n[patch.crates-io]\n");
        for part in ["core", "alloc", "std"] {
            if part == "std" && kind == Kind::TypesWithoutStd {
                continue;
            }
            let name = format!("rustc-std-workspace-{part}");
            writeln!(text, "{name} = {{ path = {} }}", path(&name))
                .expect("a string takes everything");
        }
        text
    }

    fn build(&self, target: &str, kind: Kind, package: &Path) -> Invocation {
        let vendored =
            serde_json::Value::from(self.library.join("vendor").to_string_lossy().into_owned());
        let how = match kind {
            Kind::Types | Kind::TypesWithoutStd => "check",
            Kind::Whole | Kind::Thread => "build",
        };
        let mut flags = "-Zforce-unstable-if-unmarked".to_owned();
        if kind == Kind::Thread {
            flags.push_str(" -Zsanitizer=thread");
        }
        Invocation::cargo(package, [how, "--offline", "--release", "--target", target])
            .args(["--config", "source.crates-io.replace-with='vendored'"])
            .args(["--config", &format!("source.vendored.directory={vendored}")])
            .env("RUSTC", self.rustc.to_string_lossy())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            .env("CARGO_TARGET_DIR", package.join("target").to_string_lossy())
            .env("__CARGO_DEFAULT_LIB_METADATA", "latchwork")
    }
}

/// Cargo's variable for something of a target.
pub(crate) fn variable(target: &str, what: &str) -> String {
    format!("CARGO_TARGET_{}_{what}", target.to_uppercase().replace('-', "_"))
}

/// Moves the libraries, but that of our own package, to where the compiler looks for them.
fn collect(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let library = [".rlib", ".rmeta"].iter().any(|end| name.ends_with(end));
        if library && !name.starts_with("libstandard-") {
            std::fs::rename(entry.path(), to.join(&*name))?;
        }
    }
    Ok(())
}
