//! Other targets: their types are checked with a standard library that is built for it, and with
//! `--long` the tests run, emulated, where the target has another word, byte order or instruction
//! set. Emulation keeps the host's memory model: it tests widths and `cfg`s, not orderings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Run;
use super::cargo::{excerpt, of_tests};
use crate::counts;
use crate::debian::{self, Compiler, Kind, variable};
use crate::report::Outcome;
use crate::workspace::Crate;

/// Targets of which the types are checked: the systems that have code of their own in some crate,
/// one that has hardly any, and one that has none.
const CHECKED: [(&str, Kind); 6] = [
    ("x86_64-pc-windows-gnu", Kind::Types),
    ("x86_64-pc-windows-msvc", Kind::Types),
    ("aarch64-apple-darwin", Kind::Types),
    ("x86_64-unknown-freebsd", Kind::Types),
    ("wasm32-unknown-unknown", Kind::Types),
    ("x86_64-unknown-none", Kind::TypesWithoutStd),
];

/// Targets on which tests run.
const EMULATED: [Emulated; 3] = [
    Emulated {
        target: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
        debian: "arm64",
        emulator: "qemu-aarch64",
    },
    Emulated {
        target: "i686-unknown-linux-gnu",
        gnu: "i686-linux-gnu",
        debian: "i386",
        emulator: "qemu-i386",
    },
    Emulated {
        target: "s390x-unknown-linux-gnu",
        gnu: "s390x-linux-gnu",
        debian: "s390x",
        emulator: "qemu-s390x",
    },
];

/// How long the build and the tests of a crate may take, so that one that hangs fails by its name.
const EMULATED_LIMIT: Duration = Duration::from_secs(3600);

struct Emulated {
    target: &'static str,
    /// The prefix of its C compiler.
    gnu: &'static str,
    /// What Debian calls the architecture.
    debian: &'static str,
    emulator: &'static str,
}

/// Checks types, and runs tests with `--long`.
pub(crate) fn run(run: &mut Run) {
    let compiler = match Compiler::get(&run.workspace) {
        Ok(compiler) => compiler,
        Err(reason) => {
            run.check("every target", |_| Ok(Some(Outcome::skip(reason))));
            return;
        }
    };
    for (target, kind) in CHECKED {
        if !run.options.wants_target(target) {
            continue;
        }
        run.check(target, |run| types(run, &compiler, target, kind));
    }
    if !run.options.long {
        let reason = "tests under emulation only with --long";
        run.check("aarch64, i686, s390x", |_| Ok(Some(Outcome::skip(reason))));
        return;
    }
    for emulated in EMULATED {
        if !run.options.wants_target(emulated.target) {
            continue;
        }
        run.check(emulated.target, |run| emulate(run, &compiler, &emulated));
    }
}

/// The crates that a step looks at on a target.
fn subjects(run: &Run, without_std: bool) -> Vec<Crate> {
    let product = run.crates.iter().filter(|krate| krate.is_product());
    let fits = |krate: &&Crate| !without_std || krate.features.iter().any(|name| name == "std");
    product.filter(fits).cloned().collect()
}

fn log(run: &Run, target: &str, what: &str) -> PathBuf {
    run.workspace.target.join("logs").join(format!("targets-{target}-{what}.log"))
}

fn types(
    run: &Run,
    compiler: &Compiler,
    target: &str,
    kind: Kind,
) -> anyhow::Result<Option<Outcome>> {
    let crates = subjects(run, kind == Kind::TypesWithoutStd);
    if crates.is_empty() {
        return Ok(None);
    }
    let root = compiler.standard(target, kind, None, &log(run, target, "std"))?;
    let arguments = ["check", "--locked", "--target", target];
    let mut command = compiler.cargo(&run.workspace, arguments, &root, "--deny=warnings")?;
    for krate in &crates {
        command = command.args(["--package", &krate.name]);
    }
    if kind == Kind::TypesWithoutStd {
        command = command.arg("--no-default-features");
        for krate in &crates {
            for feature in krate.features.iter().filter(|name| !brings_std(krate, name)) {
                command = command.args(["--features", &format!("{}/{feature}", krate.name)]);
            }
        }
    } else {
        command = command.arg("--all-features");
        // Nobody runs tests without an operating system.
        if run.options.long && !target.starts_with("wasm32") {
            command = command.arg("--all-targets");
        }
    }
    let finished = command.run(&log(run, target, "check"))?;
    let outcome = if finished.success {
        Outcome { passed: crates.len(), ..Outcome::default() }
    } else {
        Outcome::fail(excerpt(&finished))
    };
    Ok(Some(outcome.repeat(&command)))
}

fn brings_std(krate: &Crate, feature: &String) -> bool {
    feature == "default" || krate.std_features.contains(feature)
}

fn emulate(run: &Run, compiler: &Compiler, emulated: &Emulated) -> anyhow::Result<Option<Outcome>> {
    let &Emulated { target, gnu, debian, emulator } = emulated;
    let c = [&*format!("gcc-{gnu}"), &*format!("libc6-dev-{debian}-cross")];
    let system = match debian::unpack(&run.workspace, debian, &c) {
        Ok(system) => system,
        Err(reason) => return Ok(Some(Outcome::skip(reason))),
    };
    let emulators = match debian::unpack(&run.workspace, "qemu", &["qemu-user-static"]) {
        Ok(emulators) => emulators,
        Err(reason) => return Ok(Some(Outcome::skip(reason))),
    };
    let linker = linker(&system, gnu)?;
    let runner = format!(
        "{} -L {}",
        emulators.join(format!("usr/bin/{emulator}-static")).display(),
        system.join(format!("usr/{gnu}")).display()
    );
    let root = compiler.standard(target, Kind::Whole, Some(&linker), &log(run, target, "std"))?;
    let mut sum = Outcome::default();
    for krate in subjects(run, false) {
        if krate.directory.is_empty() {
            // They start the example themselves, and confine it with filters of system calls.
            sum.add(Outcome::skip("the umbrella's tests need programs of the host's own kind"));
            continue;
        }
        let command = compiler
            .cargo(&run.workspace, ["test", "--locked", "--target", target], &root, "")?
            .args(["--no-fail-fast", "--all-features", "--lib", "--tests"])
            .args(["--package", &krate.name])
            .env(&variable(target, "LINKER"), linker.to_string_lossy())
            .env(&variable(target, "RUNNER"), &runner)
            // For tests that start themselves once more.
            .env("LATCHWORK_EMULATOR", &runner)
            // What tests leave out they say.
            .args(["--", "--show-output"]);
        let finished = command.run_within(&log(run, target, krate.short()), EMULATED_LIMIT)?;
        let mut outcome = of_tests(&finished);
        let left_out = counts::left_out(&finished.output);
        outcome.skipped.extend(left_out.iter().map(|why| format!("{}: {why}", krate.short())));
        sum.add(outcome.repeat(&command));
    }
    Ok(Some(sum))
}

/// A script that links with the unpacked C compiler and C library.
fn linker(system: &Path, gnu: &str) -> anyhow::Result<PathBuf> {
    let path = system.join("linker");
    let script = format!(
        "#!/bin/sh\nPATH='{bin}':\"$PATH\" LD_LIBRARY_PATH='{lib}' \
         exec '{bin}/{gnu}-gcc' --sysroot='{system}' -B'{system}/usr/{gnu}/lib' \"$@\"\n",
        bin = system.join("usr/bin").display(),
        lib = system.join("usr/lib/x86_64-linux-gnu").display(),
        system = system.display(),
    );
    debian::write_program(&path, &script)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_named_once() {
        let mut names: Vec<_> = CHECKED.iter().map(|(name, _)| *name).collect();
        names.extend(EMULATED.iter().map(|emulated| emulated.target));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
