//! Runs each model and its controls through SPIN, where `spin` and a C compiler are installed.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// A model: its name, settings beyond its defaults, and the mistakes that must fail.
struct Model {
    name: &'static str,
    settings: &'static [&'static str],
    controls: &'static [&'static [&'static str]],
}

const MODELS: [Model; 8] = [
    Model { name: "stack", settings: &["K=4"], controls: &[&["NO_GENERATION"], &["WRAPS", "K=4"]] },
    Model { name: "stack", settings: &["N=3", "K=3"], controls: &[] },
    Model {
        name: "last",
        settings: &[],
        controls: &[&["LEFT_BY_STORE"], &["TAKEN_BY_LOAD"], &["FORGETS"], &["NO_SPARE"]],
    },
    Model { name: "last", settings: &["N=2", "K=5"], controls: &[] },
    Model { name: "mailbox", settings: &[], controls: &[&["STORE_ARMS"], &["NO_WAKE"]] },
    Model { name: "rwlock", settings: &[], controls: &[&["FORGETS"], &["SWALLOWS"]] },
    Model {
        name: "combiner",
        settings: &[],
        controls: &[&["GATEWAY"], &["BLIND_WAIT"], &["KEEPS_ROLE"]],
    },
    Model { name: "combiner", settings: &["S=2", "K=3", "B=1"], controls: &[] },
];

/// What SPIN found.
struct Found {
    errors: usize,
    states: String,
}

/// Generates, compiles and runs the checker of one model.
fn check(model: &Path, defines: &[&str], work: &Path) -> Result<Found, String> {
    std::fs::create_dir_all(work).map_err(|error| error.to_string())?;
    let flags: Vec<_> = defines.iter().map(|define| format!("-D{define}")).collect();
    run(Command::new("spin").args(&flags).arg("-a").arg(model).current_dir(work))?;
    let compile =
        ["-O2", "-w", "-DSAFETY", "-DVECTORSZ=2048", "-DMEMLIM=2048", "-o", "pan", "pan.c"];
    run(Command::new("cc").args(compile).current_dir(work))?;
    let output = run(Command::new(work.join("pan")).args(["-m1000000", "-n"]).current_dir(work))?;
    let errors = number_after(&output, "errors: ").ok_or_else(|| output.clone())?;
    if output.contains("Search not completed") && errors == "0"
        || output.contains("max search depth")
    {
        return Err(format!("the search was cut short\n{output}"));
    }
    let states = output
        .lines()
        .find_map(|line| line.trim().strip_suffix(" states, stored"))
        .unwrap_or("?")
        .to_owned();
    Ok(Found { errors: errors.parse().map_err(|_| output)?, states })
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn number_after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let rest = &text[text.find(label)? + label.len()..];
    Some(&rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())])
}

fn is_there(tool: &str, argument: &str) -> bool {
    Command::new(tool).arg(argument).output().is_ok_and(|output| output.status.success())
}

fn main() -> ExitCode {
    for (tool, argument) in [("spin", "-V"), ("cc", "--version")] {
        if !is_there(tool, argument) {
            println!("skipped: SPIN's models need `{tool}`, which is not installed");
            return ExitCode::SUCCESS;
        }
    }
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spin");
    let (mut passed, mut failed) = (0, 0);
    for model in &MODELS {
        let cases = core::iter::once((model.settings, false))
            .chain(model.controls.iter().map(|control| (*control, true)));
        for (defines, must_fail) in cases {
            let start = Instant::now();
            let file = models.join(model.name).with_extension("pml");
            let name = [&[model.name], defines].concat().join(" ");
            let found = check(&file, defines, &work);
            let seconds = start.elapsed().as_secs_f32();
            let verdict = match &found {
                Ok(found) if (found.errors > 0) == must_fail => {
                    passed += 1;
                    if must_fail { "fails, as it must" } else { "ok" }
                }
                Ok(_) => {
                    failed += 1;
                    if must_fail { "PASSES, a control" } else { "FAILS" }
                }
                Err(error) => {
                    failed += 1;
                    println!("{error}");
                    "FAILED TO RUN"
                }
            };
            let states = found.map_or_else(|_| "?".into(), |found| found.states);
            println!("{name:28} {verdict:20} {states:>12} states {seconds:6.1} s");
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
