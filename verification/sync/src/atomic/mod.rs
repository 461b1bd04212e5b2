//! Atomics and fences: `core`'s on the real machine, the explorer's under a checker.
//!
//! Under a checker each type is a thin `#[track_caller]` wrapper that reports its call site, so
//! that one run can list every ordering in use and another can weaken one of them (see
//! `model::site`).

pub use core::sync::atomic::{Ordering, compiler_fence};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use real as imp;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use checked as imp;

pub use imp::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16,
    AtomicU32, AtomicUsize, fence,
};
#[cfg(target_has_atomic = "64")]
pub use imp::{AtomicI64, AtomicU64};

#[cfg(feature = "pair")]
mod pair;
#[cfg(feature = "pair")]
pub use pair::AtomicPair;

#[cfg(feature = "typed")]
mod typed;
#[cfg(feature = "typed")]
pub use typed::{Atomic, NoUninit};

/// Access to an atomic that the caller has for itself: no ordering, no atomic instruction.
///
/// ```
/// use latchwork_sync::atomic::{AtomicU64, AtomicMut};
///
/// let mut word = AtomicU64::new(1);
/// let before = word.load_mut();
/// word.store_mut(before + 1);
/// assert_eq!(word.load_mut(), 2);
/// ```
pub trait AtomicMut {
    /// What the atomic holds.
    type Value;

    /// Reads the value.
    fn load_mut(&mut self) -> Self::Value;

    /// Replaces the value.
    fn store_mut(&mut self, value: Self::Value);
}
