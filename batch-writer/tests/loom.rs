//! Models of the protocol. On the real machine there is nothing to run.
//!
//! Every model runs the shipped writer over a sink that asserts the invariants of `lib.rs` (I1 to
//! I7, L1 to L4). A twin is the same scene with one bug put back in the shipped code.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/flying.rs"]
mod flying;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/handing.rs"]
mod handing;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/models.rs"]
mod models;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/probe.rs"]
mod probe;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/tasks.rs"]
mod tasks;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    models::run()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
