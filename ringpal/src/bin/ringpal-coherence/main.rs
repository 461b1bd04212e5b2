//! Does a memory map of a file show what was written to the file?
//!
//! ```text
//! cargo run --release -p latchwork-ringpal --bin ringpal-coherence -- --seconds 10 --dir DIR
//! ```
//!
//! Ends with 0 where nothing was stale, 1 where something was, 2 where it could not run.

// A checking build has no files.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod tool;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() -> std::process::ExitCode {
    tool::main()
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() {}
