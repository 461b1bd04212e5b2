//! The harness held to its word: each scene here is wrong in one way, and must fail for that.
//!
//! Without arguments the program starts itself once for each; with arguments it is a file of models
//! like any other. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "harness/scenes.rs"]
mod scenes;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    scenes::main()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
