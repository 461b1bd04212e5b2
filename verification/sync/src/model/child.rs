//! A scene in a process of its own, since a deadlock may abort.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::memory;

/// What came of a process.
pub(super) struct Ran {
    pub(super) passed: bool,
    /// Whether it had not ended in its time.
    pub(super) unfinished: bool,
    /// What to say of it if it failed for want of memory.
    pub(super) exceeded: Option<String>,
    pub(super) executions: u64,
    pub(super) observations: u64,
    pub(super) seconds: f32,
    pub(super) output: String,
}

/// How long one model or twin may take, if the environment doesn't say: far more than any needs,
/// so that one that never ends fails by its name.
const LIMIT: Duration = Duration::from_secs(900);

fn limit() -> Duration {
    let Ok(text) = std::env::var("LATCHWORK_LIMIT") else { return LIMIT };
    let seconds = text.parse().unwrap_or_else(|_| panic!("LATCHWORK_LIMIT={text}: not seconds"));
    Duration::from_secs(seconds)
}

/// Runs one scene in a process of its own; `sites` is a file for what it reaches.
pub(super) fn run_child(argument: &str, sites: Option<&Path>) -> Ran {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    command.args(["--run", argument]).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    if let Some(sites) = sites {
        // What an earlier run reached is no matter; where it can't be removed, nor can it be
        // written, which the child tells.
        let _ = std::fs::remove_file(sites);
        command.env("LATCHWORK_SITES", sites);
    }
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the same program can be started again");
    // Both are read while it runs: a full pipe would stop it.
    let stdout = reader(child.stdout.take().expect("it is piped"));
    let stderr = reader(child.stderr.take().expect("it is piped"));
    let limit = limit();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break Some(status),
            None if start.elapsed() > limit => {
                child.kill().expect("a child can be killed");
                child.wait().expect("a killed child ends");
                break None;
            }
            None => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    let stdout = stdout.join().expect("reading panics nowhere");
    let stderr = stderr.join().expect("reading panics nowhere");
    let summary = stdout.lines().rev().find_map(|line| line.strip_prefix("@ "));
    let number = |position| summary?.split(' ').nth(position)?.parse().ok();
    let passed = status.is_some_and(|status| status.success()) && summary.is_some();
    let exceeded = memory::exceeded(&stderr).filter(|_| !passed);
    let end = match (status, &exceeded) {
        (None, _) => format!("did not end in {} s", limit.as_secs()),
        (Some(_), Some(exceeded)) => exceeded.clone(),
        (Some(status), None) => status.to_string(),
    };
    Ran {
        passed,
        unfinished: status.is_none(),
        exceeded,
        executions: number(1).unwrap_or(0),
        observations: number(3).unwrap_or(0),
        seconds: start.elapsed().as_secs_f32(),
        output: format!("{stdout}{stderr}{end}\n"),
    }
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read is kept.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a failed child said, at its end: the messages. A panic that aborts prints its stack
/// whatever the environment says, and the one that explains it stands before that.
pub(super) fn tail(output: &str) -> String {
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        let number = line.split_once(": ").map_or("", |(number, _)| number);
        line == "stack backtrace:"
            || line.starts_with("at ")
            || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let lines: Vec<_> = output.lines().filter(|line| !is_frame(line)).collect();
    lines[lines.len().saturating_sub(30)..].iter().flat_map(|line| ["    ", line, "\n"]).collect()
}
