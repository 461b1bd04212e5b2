#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]
#![allow(
    clippy::inline_always,
    reason = "a pin is a few instructions, and its guard must stay in registers"
)]

extern crate alloc;

#[cfg(all(
    any(feature = "crossbeam-epoch", feature = "haphazard"),
    not(any(latchwork_loom, latchwork_shuttle)),
))]
pub mod adapters;

/// Whether a known bug is put back, spelled without its number in normal builds.
macro_rules! has_fault {
    ($name:ident) => {{
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        {
            $crate::faults::has($crate::faults::$name)
        }
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        {
            false
        }
    }};
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[doc(hidden)]
pub mod biased;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod biased;
pub mod engine;
pub mod epoch;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[doc(hidden)]
pub mod faults;
pub mod hazard;
mod home;
pub mod interval;
pub mod leak;
mod orphans;
mod pointer;
mod records;
mod retired;
mod scheme;
pub mod snapshot;
mod stats;
pub mod structures;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use engine::Stalled;
pub use engine::{Budget, Config};
pub use epoch::Epoch;
pub use hazard::Hazard;
pub use interval::Interval;
pub use leak::Leak;
pub use pointer::{Atomic, CompareExchangeError, Owned, Pointer, Shared, Tagged};
pub use retired::{DropObject, Reclaim, Retired};
pub use scheme::{Guard, Handle, Scheme, Section, Shield};
pub use snapshot::Snapshot;
pub use stats::Stats;
