#![doc = include_str!("../README.md")]

pub mod biased;
mod holder;
pub mod policy;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub mod probe;
pub mod raw;
#[doc(hidden)]
pub mod registry;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod guards;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod lock;
#[cfg(all(feature = "lock_api_04", not(any(latchwork_loom, latchwork_shuttle))))]
mod lock_api_04;
#[cfg(all(feature = "std-api", not(any(latchwork_loom, latchwork_shuttle))))]
pub mod std_api;

pub use holder::{Access, Holder, Site};
pub use policy::{Bounded, PhaseFair, Policy, ReaderPriority, WriterPriority};
pub use raw::{GaveUp, Patient};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use guards::*;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use lock::RawRwLock;
