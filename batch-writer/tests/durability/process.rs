//! A process that writes and tells, watched by another.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use latchwork_batch_writer::{BatchWriter, SubmitError};
use latchwork_sync::atomic::{AtomicU64, Ordering};

use crate::files::{Place, check, open};

const DIRECTORY: &str = "LATCHWORK_DURABILITY_DIRECTORY";

/// Not a test of its own: the process that the tests below start. Four threads write as fast as
/// they can, and tell each number once it is acknowledged.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let (log, found) = open(Path::new(&directory)).expect("the log opens");
    let next = AtomicU64::new(found.last().map_or(0, |last| last + 1));
    let writer = BatchWriter::new(log);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    // Relaxed: only a number to be drawn once.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let told = match writer.submit(crate::files::record(number)) {
                        Ok(_) => format!("@ {number}\n"),
                        Err(SubmitError::Unknown(_)) => "@ unknown\n".to_owned(),
                        Err(SubmitError::Poisoned(..)) => return,
                        Err(error) => format!("@ {error}\n"),
                    };
                    // One write a line, past the test harness; who reads may be gone.
                    let _ = std::io::stdout().lock().write_all(told.as_bytes());
                }
            });
        }
    });
    let _ = std::io::stdout().lock().write_all(b"@ poisoned\n");
}

/// Starts `program` with these arguments in front of the child's, and reads what it tells until
/// `enough` were acknowledged, or it ends. Returns the numbers, and the last words.
fn run(directory: &Path, wrapper: &[&str], enough: usize) -> (BTreeSet<u64>, Vec<String>) {
    let own = std::env::current_exe().expect("a running program has a path");
    let own = own.to_str().expect("its path is text");
    let arguments = [own, "--exact", "process::child", "--nocapture", "--test-threads=1"];
    // Where this program is one of another machine.
    let emulator = std::env::var("LATCHWORK_EMULATOR").unwrap_or_default();
    let emulator = emulator.split_whitespace();
    let line: Vec<&str> = wrapper.iter().copied().chain(emulator).chain(arguments).collect();
    let mut child = Command::new(line[0])
        .args(&line[1..])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (mut acknowledged, mut words) = (BTreeSet::new(), Vec::new());
    for line in output.lines() {
        let line = line.expect("the child writes text");
        // The harness may have written something on the same line before.
        let Some((_, told)) = line.split_once("@ ") else { continue };
        match told.parse() {
            Ok(number) => drop(acknowledged.insert(number)),
            Err(_) => words.push(told.to_owned()),
        }
        if acknowledged.len() >= enough {
            break;
        }
    }
    let _ = child.kill();
    child.wait().expect("a killed child can be waited for");
    (acknowledged, words)
}

#[test]
fn what_a_killed_process_acknowledged_is_there() {
    let place = Place::new();
    let mut acknowledged = BTreeSet::new();
    for round in 1..=10 {
        acknowledged.extend(run(&place.0, &[], 20 * round).0);
        check(&place.0, &acknowledged);
    }
    assert!(acknowledged.len() >= 1000);
}

#[test]
fn a_sync_that_fails_acknowledges_nothing_more() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    for from in [5, 6, 20, 41] {
        let place = Place::new();
        let inject = format!("inject=fdatasync:error=EIO:when={from}+");
        let strace =
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
        let (acknowledged, words) = run(&place.0, &strace, usize::MAX);
        if words.is_empty() && acknowledged.is_empty() {
            println!("skipped: strace can't trace here");
            return;
        }
        // Either a batch was in the failed sync, or the making of a segment failed, which leaves
        // the log as it was, and then the batch after it.
        assert_eq!(words.last().map(String::as_str), Some("poisoned"), "{words:?}");
        assert!(words.iter().any(|word| word == "unknown"), "{words:?}");
        check(&place.0, &acknowledged);
    }
}
