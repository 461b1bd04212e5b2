//! Models of the facade's own protocols. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/asym.rs"]
mod asym;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/atomics.rs"]
mod atomics;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/event.rs"]
mod event;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/naive.rs"]
mod naive;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/shared.rs"]
mod shared;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/wait.rs"]
mod wait;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    let mut models = atomics::models();
    models.extend(wait::models());
    models.extend(event::models());
    models.extend(asym::models());
    latchwork_sync::model::main(&models)
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
