//! Two sequentially consistent fences: where no thread can put a barrier into all.

use super::{AlreadyDecided, Kind};
use crate::atomic::{Ordering, fence};

#[inline(always)]
pub(super) fn light() {
    // SeqCst: pairs with the fence in `barrier`; the pair is the promise of the module.
    fence(Ordering::SeqCst);
}

pub(super) fn heavy() {
    barrier();
}

/// One barrier, not combined with any other.
#[inline]
pub(super) fn barrier() {
    // SeqCst: pairs with the fence in `light`.
    fence(Ordering::SeqCst);
}

/// Whether a barrier is dear enough to be shared.
#[allow(dead_code, reason = "asked where barriers can be shared")]
pub(super) fn is_shared() -> bool {
    false
}

/// How often the process is a copy of another.
#[allow(dead_code, reason = "asked where barriers can be shared")]
pub(super) fn forks() -> u32 {
    0
}

pub(super) fn kind() -> Kind {
    Kind::Symmetric
}

pub(super) fn describe() -> &'static str {
    "sequentially consistent fences: no barrier of the process in this build"
}

#[allow(clippy::unnecessary_wraps, reason = "the signature is that of the other systems")]
pub(super) fn use_symmetric() -> Result<(), AlreadyDecided> {
    Ok(())
}
