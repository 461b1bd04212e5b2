//! Checks of the checker; the README lists the steps. On the real machine there is nothing to run.

#[cfg(latchwork_loom)]
#[path = "loom/steps.rs"]
mod steps;

#[cfg(latchwork_loom)]
fn main() -> std::process::ExitCode {
    steps::main()
}

#[cfg(not(latchwork_loom))]
fn main() {
    println!("skipped: the checker is checked under `--cfg latchwork_loom`");
}
