//! Published bugs as models. Without arguments: all of them, and a table. With arguments: as any
//! file of models. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/all.rs"]
mod all;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    all::main()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {
    println!("skipped: models run under `--cfg latchwork_loom` or `--cfg latchwork_shuttle`");
}
