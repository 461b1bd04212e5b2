//! Models. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/mailbox.rs"]
mod mailbox;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/marked.rs"]
mod marked;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/pool.rs"]
mod pool;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/stack.rs"]
mod stack;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/waiting.rs"]
mod waiting;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    let models: Vec<_> =
        [mailbox::models(), marked::models(), pool::models(), stack::models(), waiting::models()]
            .concat();
    latchwork_sync::model::main(&models)
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
