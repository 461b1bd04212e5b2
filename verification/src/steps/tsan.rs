//! Tests under `ThreadSanitizer`, with a standard library whose accesses it sees too.
//!
//! It doesn't follow fences, which the facade therefore puts on the accesses around them
//! (`latchwork_tsan`). A race in a program of two threads must be found in every run, and the same
//! program without it must not be blamed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Run;
use super::cargo::excerpt;
use crate::command::{Finished, Invocation};
use crate::counts;
use crate::debian::{self, Compiler, Kind};
use crate::report::Outcome;

/// What kind of machine the sanitizer is known to work on.
const SUPPORTED: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// What it prints of a race.
const FOUND: &str = "WARNING: ThreadSanitizer: data race";

/// Messages between two threads, passed on by the store that the argument names.
const CONTROL: &str = r#"
use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::cell::UnsafeCell;

struct Message { text: UnsafeCell<usize>, ready: AtomicBool, read: AtomicBool }

unsafe impl Sync for Message {}

static MESSAGES: [Message; 100] = [const {
    Message {
        text: UnsafeCell::new(0),
        ready: AtomicBool::new(false),
        read: AtomicBool::new(false),
    }
}; 100];

fn wait_for(flag: &AtomicBool) {
    while !flag.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
}

fn main() {
    let order = match std::env::args().nth(1).as_deref() {
        Some("right") => Ordering::Release,
        _ => Ordering::Relaxed,
    };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (number, message) in MESSAGES.iter().enumerate() {
                message.text.with_mut(|text| unsafe { *text = number });
                message.ready.store(true, order);
                // The sanitizer forgets what a thread did that has ended.
                wait_for(&message.read);
            }
        });
        for (number, message) in MESSAGES.iter().enumerate() {
            wait_for(&message.ready);
            assert_eq!(message.text.with(|text| unsafe { *text }), number);
            message.read.store(true, Ordering::Relaxed);
        }
    });
}
"#;

/// The controls, then unit and integration tests.
pub(crate) fn run(run: &mut Run) {
    let sanitizer = match Sanitizer::get(run) {
        Ok(sanitizer) => sanitizer,
        Err(reason) => {
            run.check("workspace", |_| Ok(Some(Outcome::skip(reason))));
            return;
        }
    };
    let mut works = false;
    run.check("a race, and none", |run| {
        let outcome = sanitizer.controls(run)?;
        works = outcome.failed == 0;
        Ok(Some(outcome))
    });
    if !works {
        // What it says of the crates would be worth nothing.
        return;
    }
    run.each_crate(|run, krate| {
        if !krate.is_product() {
            return Ok(None);
        }
        let command = sanitizer
            .cargo(run, &["test", "--locked"])?
            .args(["--no-fail-fast", "--all-features", "--lib", "--tests"])
            .args(["--package", &krate.name]);
        let finished = command.run(&run.log(krate))?;
        Ok(Some(verdict(&finished).repeat(&command)))
    });
}

fn verdict(finished: &Finished) -> Outcome {
    let mut outcome = counts::of_tests(&finished.output);
    let races = finished.output.matches(FOUND).count();
    if !finished.success || races > 0 {
        outcome.failed = outcome.failed.max(races).max(1);
        let from = finished.output.find(FOUND).unwrap_or(0);
        let first: String = finished.output[from..]
            .lines()
            .take(60)
            .fold(String::new(), |text, line| text + "    " + line + "\n");
        outcome.detail = if races > 0 { first } else { excerpt(finished) };
    } else if outcome.passed == 0 {
        outcome = Outcome::skip("has no tests");
    }
    outcome
}

/// The compiler, and a system root with an instrumented library and the sanitizer's runtime.
struct Sanitizer {
    compiler: Compiler,
    root: PathBuf,
}

impl Sanitizer {
    fn get(run: &Run) -> Result<Self, String> {
        if !SUPPORTED {
            return Err("the packages for it are for Linux on x86-64".into());
        }
        let compiler = Compiler::get(&run.workspace)?;
        let reason = |error: anyhow::Error| format!("{error:#}");
        let package = format!("libclang-rt-{}-dev", compiler.llvm().map_err(reason)?);
        let runtime = debian::unpack(&run.workspace, "tsan", &[&package])?;
        let log = run.workspace.target.join("logs/tsan-std.log");
        let root = compiler.standard(&compiler.host, Kind::Thread, None, &log).map_err(reason)?;
        let sanitizer = Self { compiler, root };
        sanitizer.install(&runtime).map_err(reason)?;
        Ok(sanitizer)
    }

    /// Puts the runtime where the compiler looks for it, under the name for its channel.
    fn install(&self, packages: &Path) -> anyhow::Result<()> {
        let archive = find(packages, "libclang_rt.tsan-x86_64.a")
            .context("the package has no runtime for threads")?;
        let libraries = self.root.join("lib/rustlib").join(&self.compiler.host).join("lib");
        for channel in ["-stable", "-dev", ""] {
            std::fs::copy(&archive, libraries.join(format!("librustc{channel}_rt.tsan.a")))?;
        }
        Ok(())
    }

    fn cargo(&self, run: &Run, arguments: &[&str]) -> anyhow::Result<Invocation> {
        let host = self.compiler.host.as_str();
        let arguments = arguments.iter().copied().chain(["--target", host]);
        let flags = "-Zsanitizer=thread --cfg=latchwork_tsan";
        let target = run.workspace.target.join("tsan");
        Ok(self
            .compiler
            .cargo(&run.workspace, arguments, &self.root, flags)?
            .env("CARGO_TARGET_DIR", target.to_string_lossy()))
    }

    fn controls(&self, run: &Run) -> anyhow::Result<Outcome> {
        let directory = run.workspace.target.join("tsan-control");
        let facade = run.workspace.root.join("verification/sync");
        let facade = serde_json::Value::from(facade.to_string_lossy().into_owned());
        let manifest = format!(
            "[package]\nname = \"control\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[dependencies]\nlatchwork-sync = {{ path = {facade} }}\n"
        );
        std::fs::create_dir_all(directory.join("src"))?;
        std::fs::write(directory.join("Cargo.toml"), manifest)?;
        // The same versions as the workspace's: nothing has to be asked of the registry.
        std::fs::copy(run.workspace.root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
        std::fs::write(directory.join("src/main.rs"), CONTROL)?;
        let manifest = directory.join("Cargo.toml");
        let mut sum = Outcome::default();
        for (argument, racy) in [("right", false), ("wrong", true)] {
            let command = self.cargo(run, &["run", "--quiet"])?.args([
                "--manifest-path",
                &manifest.to_string_lossy(),
                "--",
                argument,
            ]);
            let log = run.workspace.target.join(format!("logs/tsan-control-{argument}.log"));
            let finished = command.run(&log)?;
            let right = finished.success != racy && finished.output.contains(FOUND) == racy;
            let outcome = if right {
                Outcome::pass()
            } else {
                let expected = if racy { "a race was to be found" } else { "there is no race" };
                Outcome::fail(format!("    {expected}:\n{}", excerpt(&finished)))
            };
            sum.add(outcome.repeat(&command));
        }
        Ok(sum)
    }
}

fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let path = entry.path();
        // Links within the packages lead in circles.
        if path.is_symlink() {
            None
        } else if path.is_dir() {
            find(&path, name)
        } else {
            (entry.file_name() == name).then_some(path)
        }
    })
}
