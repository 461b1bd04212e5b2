//! Models of the lock: every pair of its operations, the triples that need three threads, and the
//! defects that such locks have had, put back one by one.
//!
//! A preemption bound is the least under which the model still shows its twins, the mutants that it
//! is a recorded killer of, and everything that shuttle sees; `cargo verify mutants --bounds` holds
//! it to that. Without a bound are those whose every interleaving is explored in a second.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/scene.rs"]
mod scene;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/cancel.rs"]
mod cancel;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/exclusion.rs"]
mod exclusion;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/patience.rs"]
mod patience;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/upgrade.rs"]
mod upgrade;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/biased.rs"]
mod biased;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/cool_down.rs"]
mod cool_down;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/limits.rs"]
mod limits;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/mixes.rs"]
mod mixes;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/registry.rs"]
mod registry;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    let models = [
        exclusion::models(),
        cancel::models(),
        patience::models(),
        cool_down::models(),
        upgrade::models(),
        limits::models(),
        registry::models(),
        biased::models(),
        mixes::models(),
    ];
    latchwork_sync::model::main(&models.concat())
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
