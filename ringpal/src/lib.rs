#![doc = include_str!("../README.md")]
#![allow(clippy::doc_markdown, reason = "io_uring is a name, not code")]
// A model has its own kernel.
#![cfg_attr(any(latchwork_loom, latchwork_shuttle), allow(dead_code, unreachable_pub))]

extern crate alloc;

// For the suite of the tests beside the sources.
#[cfg(all(test, target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
extern crate self as latchwork_ringpal;

#[cfg(all(test, target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
#[path = "../tests/pages/mod.rs"]
mod pages;
#[cfg(all(test, target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]
#[path = "../tests/suite/mod.rs"]
#[allow(dead_code, reason = "a part of it is for other backends")]
mod suite;

mod align;
mod backend;
mod engine;
mod error;
mod metrics;
mod page;
mod transfer;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub mod access;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod builder;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod file;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod fork;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod info;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod inline;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub mod owned;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod ring;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use access::{
    AccessKind, BufferedFile, DirectFile, DirectSyncFile, MappedFile, Misaligned, Opening,
    WriteThroughFile,
};
pub use align::{AlignError, AlignedBuf, Alignment};
#[cfg(all(feature = "simulate", not(any(latchwork_loom, latchwork_shuttle))))]
pub use backend::simulated::Simulation;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use builder::{BackendChoice, BuildError, Builder};
pub use engine::Drive;
pub use error::{BatchError, Cause, OpError, Operation};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use file::{File, OpenOptions, Policy};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use info::{BackendKind, Fallback, RingInfo};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use metrics::{Histogram, Latencies, Metrics};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use owned::{Completed, Pending, ReadBuf, Requests, WriteBuf};
pub use page::{PageRead, PageWrite};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use ring::Ring;

/// The inside, for models. Present only in checking builds.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub mod checked {
    pub use crate::backend::pool::Pool;
    #[cfg(feature = "simulate")]
    pub use crate::backend::simulated::{Simulated, Simulation};
    pub use crate::backend::{Backend, Completion, Outcome, RawFile, RawOp, Wait, Wake};
    pub use crate::engine::{Core, Ended, Failure, Flaws, Refused, Sound, Started, Target, Work};
    pub use crate::error::{Cause, Operation};
}
