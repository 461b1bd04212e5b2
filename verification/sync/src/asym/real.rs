//! The choice between `membarrier` and the symmetric fallback.

use core::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

use super::Kind;

const UNDECIDED: u8 = 0;
const MEMBARRIER: u8 = 1;
const SYMMETRIC: u8 = 2;

static KIND: AtomicU8 = AtomicU8::new(UNDECIDED);

/// The fence of the many.
///
/// Cost: a load, a predicted branch and no fence where `membarrier` works.
#[inline(always)]
pub fn light() {
    // Relaxed: a thread that still reads UNDECIDED takes the slow path, which fences.
    if KIND.load(Ordering::Relaxed) == MEMBARRIER {
        compiler_fence(Ordering::SeqCst);
    } else {
        light_slow();
    }
}

#[cold]
#[inline(never)]
fn light_slow() {
    decide();
    // Also right when the decision was for membarrier: a full fence is stronger than `light`.
    fence(Ordering::SeqCst);
}

/// The fence of the few: orders every [`light`] of every thread of this process.
///
/// Cost: a system call of some hundred nanoseconds where `membarrier` works, else a fence.
pub fn heavy() {
    match decide() {
        #[cfg(all(feature = "std", target_os = "linux"))]
        MEMBARRIER => {
            fence(Ordering::SeqCst);
            super::linux::barrier();
            fence(Ordering::SeqCst);
        }
        _ => fence(Ordering::SeqCst),
    }
}

/// How the fences of this process work; decides it if nothing has used them yet.
pub fn kind() -> Kind {
    if decide() == MEMBARRIER { Kind::Membarrier } else { Kind::Symmetric }
}

#[inline]
fn decide() -> u8 {
    match KIND.load(Ordering::Acquire) {
        UNDECIDED => decide_first(),
        kind => kind,
    }
}

#[cold]
fn decide_first() -> u8 {
    #[cfg(all(feature = "std", target_os = "linux"))]
    let kind = if super::linux::register() { MEMBARRIER } else { SYMMETRIC };
    #[cfg(not(all(feature = "std", target_os = "linux")))]
    let kind = SYMMETRIC;
    // The first to decide wins, so that no thread ever sees two answers. Registering twice is
    // harmless.
    match KIND.compare_exchange(UNDECIDED, kind, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => kind,
        Err(decided) => decided,
    }
}
