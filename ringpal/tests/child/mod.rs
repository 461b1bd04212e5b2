//! Tests that change their process, in a process of their own.

use std::process::Command;

/// Which test the child runs.
const CHILD: &str = "RINGPAL_CHILD";

/// The command line of the emulator, if there is one.
const EMULATOR: &str = "LATCHWORK_EMULATOR";

/// Runs `inside` in a child that runs the test `name` of this file alone.
pub(crate) fn in_a_child(name: &str, inside: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some_and(|child| child == name) {
        return inside();
    }
    let output = this_program()
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    // On a line with the test's name.
    if let Some((_, reason)) = said.lines().find_map(|line| line.split_once("skipped: ")) {
        println!("skipped: {reason}");
    }
}

/// Whether an emulator runs this program, which does for a system what it knows of it.
#[allow(dead_code, reason = "not every test is for the whole system")]
pub(crate) fn is_emulated() -> bool {
    std::env::var_os(EMULATOR).is_some()
}

/// This program once more; by the emulator that it may be run by, which is named by words.
fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let Ok(emulator) = std::env::var(EMULATOR) else { return Command::new(program) };
    let mut words = emulator.split_whitespace();
    let mut command = Command::new(words.next().expect("the emulator's path"));
    command.args(words).arg(program);
    command
}
