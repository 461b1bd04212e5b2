#![doc = include_str!("../README.md")]
//! # The parts
//!
//! - [`BatchWriter`]: what submitters call; [`DedicatedWriter`]: the same with a thread of its own,
//!   for tasks too ([`Submission`]); [`Options`] sets it up, [`Metrics`] tell how it goes.
//! - [`Sink`], [`Batch`]: what a store implements.
//! - [`sinks`]: sinks for tests and measurements; [`log`]: a segmented file log.
//!
//! # The protocol
//!
//! One word (`head.rs`) is both the role's lock and the inbox of those who want something of its
//! holder, so that every race is decided by one exchange: taking the role against queueing,
//! queueing against giving the role back, closing and poisoning against both. A queued submitter
//! waits on a word of its own (`node.rs`), a task by the rules of `task.rs`. The holder's duties are
//! in `tenure/`; the dedicated thread's life is in `dedicated.rs`; syncs that go on without the
//! role are in `flights.rs`.
//!
//! - I1: one holder at a time.
//! - I2: an operation is executed exactly once if its outcome is an output or `Unknown`, and never
//!   if it is refused, withdrawn, or full.
//! - I3: operations are executed in the order of the exchanges that queued them.
//! - I4: a node is not touched after its owner may have left.
//! - I5: when everybody has left, the role is free and the queue is empty.
//! - I6: once poisoned, nothing is written, and nobody is told of success but those whose batch
//!   was synced before; whoever has seen the failure is refused from then on. Where syncs go on
//!   without the role, a leader may write before it sees the failure; its batch is `Unknown`.
//! - I7: nothing is executed after the close.
//!
//! Each is asserted by the models in `tests/loom.rs`. Sources: flat combining (Hendler et al.,
//! 2010) and CC-Synch's bounded hand-over (Fatourou and Kallimanis, 2012) for the role; `LevelDB`'s
//! and `RocksDB`'s writer queues for group commit; `PostgreSQL`'s `commit_siblings` for the wait,
//! here adaptive.

mod answers;
mod batch;
mod core;
mod dedicated;
mod error;
mod fifo;
mod flaws;
mod flight;
mod flights;
mod head;
mod holder;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub mod log;
mod metrics;
mod muster;
mod node;
mod options;
mod room;
#[cfg_attr(
    any(latchwork_loom, latchwork_shuttle),
    allow(dead_code, reason = "under a checker nobody waits")
)]
mod siblings;
mod sink;
pub mod sinks;
mod store;
mod submission;
mod task;
mod tenure;
mod writer;

pub use batch::{Batch, commit, write};
pub use dedicated::DedicatedWriter;
pub use error::{Cause, Poison, SubmitError, TurnError};
pub use latchwork_sync::metrics::Histogram;
pub use metrics::{Latencies, Metrics};
pub use options::Options;
pub use sink::{DetachedSync, Sink, WriteFailure};
pub use submission::Submission;
pub use writer::BatchWriter;

/// The inside, for models. Present only in checking builds.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub mod checked {
    pub use crate::core::Core;
    pub use crate::flaws::{Flaws, Sound};
}
