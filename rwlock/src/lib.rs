#![doc = include_str!("../README.md")]

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

pub use holder::{Access, Holder, Site};
pub use policy::{Bounded, PhaseFair, Policy, ReaderPriority, WriterPriority};
pub use raw::{GaveUp, Patient};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use guards::*;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use lock::RawRwLock;
