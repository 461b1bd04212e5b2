#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]
#![allow(
    clippy::inline_always,
    reason = "a pin is a few instructions, and its guard must stay in registers"
)]

extern crate alloc;

pub mod engine;
pub mod epoch;
pub mod interval;
mod pointer;
mod retired;
mod scheme;
pub mod snapshot;
mod stats;

pub use engine::Config;
pub use epoch::Epoch;
pub use interval::Interval;
pub use pointer::{Atomic, CompareExchangeError, Owned, Pointer, Shared, Tagged};
pub use retired::{DropObject, Reclaim, Retired};
pub use scheme::{Guard, Handle, Scheme, Section, Shield};
pub use snapshot::Snapshot;
pub use stats::Stats;
