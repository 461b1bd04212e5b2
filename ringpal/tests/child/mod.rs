//! Tests that change their process, in a process of their own.

use std::process::Command;

/// Which test the child runs.
const CHILD: &str = "RINGPAL_CHILD";

/// Runs `inside` in a child that runs the test `name` of this file alone.
pub(crate) fn in_a_child(name: &str, inside: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some_and(|child| child == name) {
        return inside();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    if let Some(skipped) = said.lines().find(|line| line.starts_with("skipped")) {
        println!("{skipped}");
    }
}
