//! Instructions of an operation in user space: this program runs itself under callgrind, with two
//! numbers of batches, and the difference is the batches' alone.

use std::process::Command;

use io_uring::IoUring;
use latchwork_benches::{Row, Versus};
use latchwork_ringpal::{BackendChoice, Ring};

use super::{BATCH, GROUP, raw_nops};

/// Says what the program shall do instead of measuring, and how often.
const TASK: &str = "LATCHWORK_COUNTED_NOPS";

/// Does what a run under callgrind was started for, and ends the program.
pub(super) fn answer() {
    let Ok(task) = std::env::var(TASK) else { return };
    let Some((what, batches)) = task.split_once(' ') else { return };
    let batches: usize = batches.parse().expect("a number");
    if what == "ours" {
        let ring = Ring::builder().backend(BackendChoice::IoUring).build().expect("a ring");
        (0..batches).for_each(|_| ring.nop(BATCH).expect("a ring at work"));
    } else {
        let mut raw = IoUring::new(256).expect("a ring");
        (0..batches).for_each(|_| raw_nops(&mut raw, BATCH));
    }
    std::process::exit(0);
}

/// The instructions of a whole run.
fn count(what: &str, batches: usize) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg("ringpal/instr_32")
        .env(TASK, format!("{what} {batches}"))
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    match (output.status.success(), collected) {
        (true, Some(count)) => Ok(count),
        _ => Err(format!("callgrind: {}", said.lines().last().unwrap_or("no answer"))),
    }
}

fn per_operation(what: &str) -> Result<f64, String> {
    const FEW: usize = 100;
    const MANY: usize = 1_100;
    let difference = count(what, MANY)? - count(what, FEW)?;
    Ok(difference / ((MANY - FEW) * BATCH) as f64)
}

pub(super) fn row(versus: &mut Versus) {
    match (per_operation("ours"), per_operation("raw")) {
        (Ok(ours), Ok(raw)) => versus.push(Row {
            group: GROUP.into(),
            row: "instr_32".into(),
            peer: Some("io-uring".into()),
            unit: "instructions/op".into(),
            ours,
            theirs: Some(raw),
            ratio: Some(ours / raw),
            rounds: 1,
            spread: 0.0,
        }),
        (Err(reason), _) | (_, Err(reason)) => println!("{GROUP}/instr_32 skipped: {reason}"),
    }
}
