//! Asymmetric fences: a barrier that costs its many users next to nothing, because its few users
//! pay for both.
//!
//! Where a thread calls [`light`] and another calls [`heavy`], the pair acts as two sequentially
//! consistent fences: either what the first did before its fence is seen by the second after its
//! own, or the other way round. Two lights order nothing between them.
//!
//! On Linux `light` is a compiler fence and `heavy` the expedited `membarrier` of the process;
//! where the kernel refuses it, and on other systems, both are sequentially consistent fences.
//! Which of the two is decided once, before either is first used ([`kind`]).
//!
//! Source: P1202R5 (*Asymmetric fences*); `membarrier(2)`.
//!
//! Progress: `light` is wait-free; `heavy` is a system call that the kernel may serialise.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use real::{heavy, kind, light};

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use checked::{heavy, kind, light};

#[cfg(all(feature = "std", target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
mod linux;

/// How the pair of fences works on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)`; `light` is a compiler fence.
    Membarrier,
    /// Both sides are sequentially consistent fences.
    Symmetric,
    /// The explorer's cell per thread.
    Model,
}
