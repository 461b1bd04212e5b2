//! Instructions of an operation in user space: this program runs itself under callgrind, with two
//! numbers of batches, and the difference is the batches' alone.

use std::process::Command;

use latchwork_benches::{Row, Versus};
use latchwork_ringpal::{BackendChoice, Ring};

use super::{BATCH, GROUP};

/// How many batches the program shall do instead of measuring.
const TASK: &str = "LATCHWORK_COUNTED_NOPS";

/// Does what a run under callgrind was started for, and ends the program.
pub(super) fn answer() {
    let Ok(batches) = std::env::var(TASK) else { return };
    let batches: usize = batches.parse().expect("a number");
    let ring = Ring::builder().backend(BackendChoice::IoUring).build().expect("a ring");
    (0..batches).for_each(|_| ring.nop(BATCH).expect("a ring at work"));
    std::process::exit(0);
}

/// The instructions of a whole run.
fn count(batches: usize) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg("ringpal/instr_32")
        .env(TASK, batches.to_string())
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

#[allow(clippy::cast_precision_loss, reason = "some thousands")]
fn per_operation() -> Result<f64, String> {
    const FEW: usize = 100;
    const MANY: usize = 1_100;
    let difference = count(MANY)? - count(FEW)?;
    Ok(difference / ((MANY - FEW) * BATCH) as f64)
}

pub(super) fn row(versus: &mut Versus) {
    match per_operation() {
        Ok(ours) => versus.push(Row {
            group: GROUP.into(),
            row: "instr_32".into(),
            peer: None,
            unit: "instructions/op".into(),
            ours,
            theirs: None,
            ratio: None,
            rounds: 1,
            spread: 0.0,
        }),
        Err(reason) => println!("{GROUP}/instr_32 skipped: {reason}"),
    }
}
