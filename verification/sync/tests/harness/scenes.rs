//! The scenes, and what must be said of each.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, main as run_models};
use latchwork_sync::thread;
use latchwork_sync::wait::{Class, wait};

/// A model that is wrong in one way.
struct Wrong {
    model: fn() -> Model,
    name: &'static str,
    /// What the harness must say of it.
    said: &'static str,
    /// Whether shuttle is to notice it too.
    under_shuttle: bool,
}

const ALL: &[Wrong] = &[
    Wrong {
        name: "one_thread",
        model: || Model::new("one_thread", String::new),
        said: "vacuous: 1 executions, at least 2 expected",
        under_shuttle: false,
    },
    Wrong {
        name: "fewer_than_it_says",
        model: || Model::new("fewer_than_it_says", two_threads).least(1_000),
        said: "at least 1000 expected",
        under_shuttle: false,
    },
    Wrong {
        name: "asleep_for_ever",
        model: || Model::new("asleep_for_ever", asleep_for_ever),
        said: "deadlock",
        under_shuttle: true,
    },
    Wrong {
        name: "aborts",
        model: || Model::new("aborts", || std::process::abort()),
        said: "signal: 6",
        under_shuttle: true,
    },
    Wrong {
        name: "ends_early_and_well",
        model: || Model::new("ends_early_and_well", || std::process::exit(0)),
        said: "model ends_early_and_well ... FAILED",
        under_shuttle: true,
    },
    Wrong {
        name: "never_ends",
        model: || Model::new("never_ends", never_ends),
        said: "did not end in 3 s",
        under_shuttle: true,
    },
    Wrong {
        name: "takes_ever_more",
        model: || Model::new("takes_ever_more", takes_ever_more),
        said: "needed more than 256 MiB",
        under_shuttle: true,
    },
    Wrong {
        name: "twin_takes_ever_more",
        model: || Model::new("twin_takes_ever_more", two_threads).twin("all", takes_ever_more),
        said: "twin twin_takes_ever_more/all ... FAILED: needed more than 256 MiB",
        under_shuttle: false,
    },
    Wrong {
        name: "twin_without_a_bug",
        model: || Model::new("twin_without_a_bug", two_threads).twin("none", two_threads),
        said: "twin twin_without_a_bug/none ... FAILED: not found",
        under_shuttle: false,
    },
    Wrong {
        name: "twin_too_short",
        model: || Model::new("twin_too_short", two_threads).twin("one_thread", String::new),
        said: "twin twin_too_short/one_thread ... FAILED: not found",
        under_shuttle: false,
    },
    Wrong {
        name: "twin_too_large",
        model: || Model::new("twin_too_large", two_threads).twin("six_threads", six_threads),
        said: "FAILED: the explorer can't play it: a model has at most 5 threads",
        under_shuttle: false,
    },
    Wrong {
        name: "missed_by_loom",
        model: || Model::new("missed_by_loom", two_threads),
        said: "loom missed sequentially consistent observations: [\"2\"]",
        under_shuttle: false,
    },
    Wrong {
        name: "nothing_to_compare",
        model: || Model::new("nothing_to_compare", two_threads),
        said: "shuttle's observations to compare with are missing",
        under_shuttle: false,
    },
];

/// Who reads 0 or 1.
fn two_threads() -> String {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let child = thread::spawn(move || theirs.store(1, Ordering::Relaxed));
    let seen = word.load(Ordering::Relaxed);
    child.join().unwrap();
    seen.to_string()
}

fn six_threads() -> String {
    let threads = [(); 5].map(|()| thread::spawn(|| ()));
    for thread in threads {
        thread.join().unwrap();
    }
    String::new()
}

fn asleep_for_ever() -> String {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    // Nobody wakes it.
    let sleeper = thread::spawn(move || wait(&theirs, 0, Class::ANY, None));
    format!("{:?}", sleeper.join().unwrap())
}

fn never_ends() -> String {
    loop {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn takes_ever_more() -> String {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        // Where nothing limits it, it ends by itself.
        assert!(kept.len() < 2048, "nothing was in its way");
    }
}

/// Whether the system can limit a model's memory.
const IS_LIMITED: bool = cfg!(target_os = "linux");

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if !arguments.is_empty() {
        let models: Vec<_> = ALL.iter().map(|wrong| (wrong.model)()).collect();
        // No model of this program is meant to pass: it has nothing that could be controlled.
        return if arguments[0] == "--control" { ExitCode::SUCCESS } else { run_models(&models) };
    }
    let (mut passed, mut failed) = (0, 0);
    for wrong in ALL.iter().filter(|wrong| wrong.under_shuttle || cfg!(latchwork_loom)) {
        if !IS_LIMITED && wrong.said.contains("MiB") {
            println!("{:24} skipped: this system doesn't limit memory", wrong.name);
            continue;
        }
        let (success, said) = play(wrong.name);
        if !success && said.contains(wrong.said) {
            passed += 1;
            println!("{:24} fails, as it must: {}", wrong.name, wrong.said);
        } else {
            failed += 1;
            println!("{:24} NOT NOTICED, or not for {:?}\n{said}", wrong.name, wrong.said);
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the harness lets one pass, and all that it says.
fn play(name: &str) -> (bool, String) {
    let observations = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("harness");
    let known = observations.join("shuttle");
    std::fs::create_dir_all(&known).expect("the target directory can be written to");
    // Of these loom sees two, which takes more than one execution.
    std::fs::write(known.join("missed_by_loom.txt"), "0\n1\n2\n").expect("as above");
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command
        .arg(name)
        .env("LATCHWORK_OBSERVATIONS", &observations)
        // Those that end must not be stopped by a machine that is slow.
        .env("LATCHWORK_LIMIT", if name == "never_ends" { "3" } else { "600" })
        .env("LATCHWORK_MEMORY", "256")
        .env_remove("LATCHWORK_BOUND")
        .env_remove("LATCHWORK_MODELS")
        .env_remove("LATCHWORK_LISTINGS")
        .env_remove("LATCHWORK_COMPARE")
        // Limits that would end a search early and well.
        .env("LOOM_MAX_PERMUTATIONS", "1")
        .env("LOOM_MAX_DURATION", "0")
        .stdin(Stdio::null());
    if name == "nothing_to_compare" {
        command.env("LATCHWORK_COMPARE", "1");
    }
    let output = command.output().expect("the same program can be started again");
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (output.status.success(), said.concat())
}
