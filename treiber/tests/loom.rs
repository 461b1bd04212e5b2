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
#[cfg(all(feature = "reclaim", any(latchwork_loom, latchwork_shuttle)))]
#[path = "loom/reclaim.rs"]
mod reclaim;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/stack.rs"]
mod stack;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/tagged.rs"]
mod tagged;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/waiting.rs"]
mod waiting;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    let models = [
        mailbox::models(),
        marked::models(),
        pool::models(),
        stack::models(),
        tagged::models(),
        waiting::models(),
        #[cfg(feature = "reclaim")]
        reclaim::models(),
    ]
    .concat();
    latchwork_sync::model::main(&models)
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
