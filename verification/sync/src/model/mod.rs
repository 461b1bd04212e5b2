//! Running models under the explorer. Present only in checking builds.
//!
//! A [`Model`] is a function that plays a small scene with a few threads and returns what it
//! observed. Each runs in a process of its own, since a deadlock may abort: [`main`] is the
//! `main` of a test binary without the standard harness, and starts itself once per model.
//!
//! Under loom every interleaving and every permitted stale read up to the model's preemption
//! bound is explored; under shuttle every sequentially consistent interleaving. A twin is the
//! same scene with a bug put back: it must fail.

mod child;
pub mod clock;
mod memory;
pub(crate) mod point;
mod run;
#[cfg(latchwork_shuttle)]
pub mod schedules;
pub mod site;
pub(crate) mod sleep;
mod task;
pub mod threads;
mod verdict;

pub use clock::advance;
pub use run::{Model, Scene, main};
pub use task::block_on;

use std::sync::atomic::{AtomicBool, Ordering};

static SYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Whether this run explores the symmetric fallback of the asymmetric fences.
pub(crate) fn symmetric_fences() -> bool {
    SYMMETRIC.load(Ordering::Relaxed)
}

/// Makes anew what the facade keeps for one execution: the clock, the waiters, the numbers of the
/// threads. [`main`] and the module `schedules` do so by themselves; a test that gives a scene to a runner
/// of the explorer's calls it first thing inside the scene.
///
/// Without it a scene that waits, asks the time or starts threads finds what the last one left, or
/// nothing.
pub fn start_execution() {
    crate::wait::reset();
    clock::reset();
    threads::reset();
}
