#![doc = include_str!("../README.md")]

pub mod policy;
pub mod raw;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod guards;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod lock;

pub use policy::{Bounded, PhaseFair, Policy, ReaderPriority, WriterPriority};
pub use raw::{GaveUp, Patient};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use guards::*;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use lock::RawRwLock;
