//! What a structure tells about itself: counts and histograms that cost a plain load and store.
//!
//! A count orders nothing, so all accesses are Relaxed. Where one thread at a time writes (the
//! holder of a lock or a role, whose word orders the writers), [`Count::add`] needs no locked
//! instruction; where many do, there is [`Count::add_shared`]. One count is written in one way
//! only: the two don't mix.
//!
//! Under a checker nothing is counted and every count reads 0: a count would be one more step of
//! its thread in every schedule, and no algorithm may decide anything by one.

mod count;
mod histogram;

pub use count::Count;
pub use histogram::{Histogram, Recorder};
