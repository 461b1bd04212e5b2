//! Fuzzing: operations in any order, against models, as libFuzzer finds its way through the code,
//! under `AddressSanitizer`. The targets are those of `fuzz/`, which `cargo fuzz` knows too.
//!
//! Each run starts from the committed corpus and what earlier runs here found. A planted bug must
//! be found in every run.

use std::path::{Path, PathBuf};

use super::Run;
use super::sanitizers::nightly_host;
use crate::command::{Finished, Invocation, tail};
use crate::report::Outcome;

/// The targets, with the crate that each looks at.
const TARGETS: [(&str, &str); 6] = [
    ("log", "latchwork-batch-writer"),
    ("pages", "latchwork-ringpal"),
    ("reclaim", "latchwork-reclaim"),
    ("rwlock", "latchwork-rwlock"),
    ("stacks", "latchwork-treiber"),
    ("writer", "latchwork-batch-writer"),
];

/// The target with the planted bug.
const PLANTED: &str = "planted";

/// Seconds a target, and with `--long`.
const SECONDS: [u32; 2] = [8, 180];

/// What cargo-fuzz gives the compiler: the sanitizer, counters, a table of places, comparisons.
const FLAGS: &str = "--cfg=fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// Builds the targets and runs each for a while.
pub(crate) fn run(run: &mut Run) {
    let chosen = |name: &str| run.crates.iter().any(|krate| krate.name == name);
    let targets: Vec<_> =
        TARGETS.iter().filter(|(_, krate)| chosen(krate)).map(|(target, _)| *target).collect();
    if targets.is_empty() {
        return;
    }
    let host = match nightly_host(run) {
        Ok(host) => host,
        Err(reason) => {
            run.check("every target", |_| Ok(Some(Outcome::skip(reason))));
            return;
        }
    };
    let mut programs = None;
    run.check(PLANTED, |run| {
        let built = match build(run, &host)? {
            Ok(directory) => directory,
            Err(outcome) => return Ok(Some(outcome)),
        };
        let outcome = planted(run, &built)?;
        programs = (outcome.failed == 0).then_some(built);
        Ok(Some(outcome))
    });
    let Some(programs) = programs else { return };
    for target in targets {
        run.check(target, |run| fuzz(run, &programs, target).map(Some));
    }
}

fn log(run: &Run, name: &str) -> PathBuf {
    run.workspace.target.join("logs").join(format!("fuzz-{name}.log"))
}

/// The directory of the programs, or why there are none.
fn build(run: &Run, host: &str) -> anyhow::Result<Result<PathBuf, Outcome>> {
    let target = run.workspace.target.join("fuzz");
    let command = Invocation::cargo(&run.workspace.root, ["+nightly", "build", "--release"])
        .args(["--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", host])
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", target.to_string_lossy());
    let finished = command.run(&log(run, "build"))?;
    if finished.success {
        return Ok(Ok(target.join(host).join("release")));
    }
    // libFuzzer itself is C++.
    if finished.output.contains("failed to find tool") {
        return Ok(Err(Outcome::skip("libFuzzer needs a C++ compiler, and there is none")));
    }
    Ok(Err(Outcome::fail(tail(&finished.output, 40)).repeat(&command)))
}

/// The bug that must be found.
fn planted(run: &Run, programs: &Path) -> anyhow::Result<Outcome> {
    let directory = run.workspace.target.join("fuzz").join("found");
    std::fs::create_dir_all(&directory)?;
    let command = Invocation::new(programs.join(PLANTED), &directory).args([
        "-max_total_time=60",
        "-max_len=16",
        "-artifact_prefix=planted-",
    ]);
    let finished = command.run(&log(run, PLANTED))?;
    let found = !finished.success && finished.output.contains("heap-use-after-free");
    let outcome = if found {
        Outcome::pass()
    } else {
        let text = format!("    the planted bug was not found\n{}", tail(&finished.output, 20));
        Outcome::fail(text)
    };
    Ok(outcome.repeat(&command))
}

/// Runs a target from the committed corpus and what was found here before.
fn fuzz(run: &Run, programs: &Path, target: &str) -> anyhow::Result<Outcome> {
    let fuzz = run.workspace.target.join("fuzz");
    let (corpus, found) = (fuzz.join("corpus").join(target), fuzz.join("found"));
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&found)?;
    let seconds = SECONDS[usize::from(run.options.long)];
    let program = programs.join(target);
    let committed = run.workspace.root.join("fuzz/corpus").join(target);
    let command = Invocation::new(&program, &found).args([
        &*corpus.to_string_lossy(),
        &*committed.to_string_lossy(),
        &format!("-max_total_time={seconds}"),
        &format!("-artifact_prefix={target}-"),
        "-max_len=1024",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]);
    let finished = command.run(&log(run, target))?;
    let runs = executions(&finished);
    if finished.success {
        let mut outcome = Outcome::pass();
        outcome.notes.push(format!("{runs} inputs in {seconds} s"));
        return Ok(outcome.repeat(&command));
    }
    let input = finished.output.lines().find_map(|line| line.split("Test unit written to ").nth(1));
    let again = match input {
        Some(input) => Invocation::new(&program, &found).arg(&found.join(input).to_string_lossy()),
        None => command,
    };
    Ok(Outcome::fail(excerpt(&finished)).repeat(&again))
}

/// How many inputs were tried.
fn executions(finished: &Finished) -> u64 {
    let line = finished
        .output
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// From the panic or the sanitizer's report on.
fn excerpt(finished: &Finished) -> String {
    let lines: Vec<_> = finished.output.lines().collect();
    let sign = |line: &&str| line.contains("panicked at") || line.contains("ERROR: ");
    let from = lines.iter().position(sign).unwrap_or(0);
    lines[from..].iter().take(40).flat_map(|line| ["    ", line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_program_and_its_corpus() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        for target in TARGETS.iter().map(|(target, _)| *target).chain([PLANTED]) {
            let program = fuzz.join("targets").join(format!("{target}.rs"));
            assert!(program.is_file(), "{}", program.display());
        }
        for (target, _) in TARGETS {
            assert!(fuzz.join("corpus").join(target).is_dir(), "{target} has no corpus");
        }
        let programs = std::fs::read_dir(fuzz.join("targets")).unwrap().count();
        assert_eq!(programs, TARGETS.len() + 1, "a program that no step runs");
    }

    #[test]
    fn executions_are_read() {
        let finished = Finished {
            success: true,
            status: String::new(),
            output: "Done\nstat::number_of_executed_units: 672651\n".into(),
        };
        assert_eq!(executions(&finished), 672_651);
    }
}
