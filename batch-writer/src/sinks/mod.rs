//! Sinks for tests and measurements.

mod fault;
mod memory;
mod null;

pub use fault::{Fault, Point, Trigger};
pub use memory::Memory;
pub use null::Null;
