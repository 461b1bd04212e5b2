//! Models of the schemes. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/mod.rs"]
mod models;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    models::run()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
