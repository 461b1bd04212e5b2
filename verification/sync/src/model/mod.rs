//! Running models under the explorer. Present only in checking builds.
//!
//! A [`Model`] is a function that plays a small scene with a few threads and returns what it
//! observed. Each runs in a process of its own, since a deadlock may abort: [`main`] is the
//! `main` of a test binary without the standard harness, and starts itself once per model.
//!
//! Under loom every interleaving and every permitted stale read up to the model's preemption
//! bound is explored; under shuttle every sequentially consistent interleaving. A twin is the
//! same scene with a bug put back: it must fail.

pub mod clock;
pub(crate) mod point;
mod run;
pub mod site;
pub(crate) mod sleep;
mod task;
pub mod threads;

pub use clock::advance;
pub use run::{Model, Scene, main};
pub use task::block_on;

use std::sync::atomic::{AtomicBool, Ordering};

static SYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Whether this run explores the symmetric fallback of the asymmetric fences.
pub(crate) fn symmetric_fences() -> bool {
    SYMMETRIC.load(Ordering::Relaxed)
}

/// Called at the start of each execution, inside it.
pub(crate) fn start_execution() {
    crate::wait::reset();
    clock::reset();
    threads::reset();
}
