#![doc = include_str!("../README.md")]

#[cfg(feature = "batch-writer")]
pub use latchwork_batch_writer as batch_writer;
#[cfg(feature = "reclaim")]
pub use latchwork_reclaim as reclaim;
#[cfg(feature = "ringpal")]
pub use latchwork_ringpal as ringpal;
#[cfg(feature = "rwlock")]
pub use latchwork_rwlock as rwlock;
#[cfg(feature = "sync")]
pub use latchwork_sync as sync;
#[cfg(feature = "treiber")]
pub use latchwork_treiber as treiber;
