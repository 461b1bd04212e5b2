//! The choice between the process's barrier and the symmetric fallback.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering, compiler_fence, fence};

use super::{AlreadyDecided, Barriers, Kind};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

const UNDECIDED: u8 = 0;
const ASYMMETRIC: u8 = 1;
const REFUSED: u8 = 2;
const CHOSEN: u8 = 3;

/// The decision: leaves `UNDECIDED` once.
static DECISION: AtomicU8 = AtomicU8::new(UNDECIDED);

/// How often the process has become a copy of another since the decision.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The numbering behind [`heavy`].
static BARRIERS: Barriers = Barriers::new();

#[inline(always)]
pub(super) fn light() {
    // Relaxed: a thread that still reads UNDECIDED takes the slow path, which fences.
    if DECISION.load(Ordering::Relaxed) == ASYMMETRIC {
        compiler_fence(Ordering::SeqCst);
    } else {
        light_slow();
    }
}

#[cold]
#[inline(never)]
fn light_slow() {
    decide();
    // SeqCst: pairs with the fence in `barrier`. Also right when the decision was for the
    // process's barrier: a full fence is stronger than `light`.
    fence(Ordering::SeqCst);
}

pub(super) fn heavy() {
    BARRIERS.run();
}

/// One barrier, not combined with any other.
pub(super) fn barrier() {
    // SeqCst: pairs with the fence in `light_slow`, which lights use before they have seen the
    // decision, or for good if it was against the process's barrier.
    fence(Ordering::SeqCst);
    if is_shared() {
        system::barrier();
        compiler_fence(Ordering::SeqCst);
    }
}

/// Whether a barrier is dear enough to be shared.
pub(super) fn is_shared() -> bool {
    decide() == ASYMMETRIC
}

/// How often the process is a copy of another.
pub(super) fn forks() -> u32 {
    // Relaxed: changes only while the process has one thread, which reads its own store.
    FORKS.load(Ordering::Relaxed)
}

/// Called in the child of a fork, in its only thread.
#[cfg_attr(windows, allow(dead_code, reason = "Windows has no fork"))]
extern "C" fn forked() {
    // Relaxed: as in `forks`.
    FORKS.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn kind() -> Kind {
    if is_shared() { system::KIND } else { Kind::Symmetric }
}

pub(super) fn describe() -> &'static str {
    match decide() {
        ASYMMETRIC => system::NAME,
        CHOSEN => "sequentially consistent fences, as chosen",
        _ => "sequentially consistent fences: the system refuses the process's barrier",
    }
}

pub(super) fn use_symmetric() -> Result<(), AlreadyDecided> {
    match settle(CHOSEN) {
        ASYMMETRIC => Err(AlreadyDecided { kind: system::KIND }),
        _ => Ok(()),
    }
}

#[inline]
fn decide() -> u8 {
    // Relaxed: the decision is about the process, not about anything in memory.
    match DECISION.load(Ordering::Relaxed) {
        UNDECIDED => decide_first(),
        decision => decision,
    }
}

#[cold]
fn decide_first() -> u8 {
    let opted_out = std::env::var_os("LATCHWORK_ASYM").is_some_and(|value| value == "symmetric");
    settle(match opted_out {
        true => CHOSEN,
        // Registering twice is harmless.
        false if system::register() => ASYMMETRIC,
        false => REFUSED,
    })
}

/// The first to decide wins, so that no thread ever sees two answers.
fn settle(wish: u8) -> u8 {
    // Relaxed: as in `decide`. A thread that acts on the decision acts through the kernel.
    match DECISION.compare_exchange(UNDECIDED, wish, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => wish,
        Err(decided) => decided,
    }
}
