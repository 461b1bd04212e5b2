#![doc = include_str!("../README.md")]

pub mod interleavings;
pub mod program;
pub mod random;
pub mod rc11;
pub mod shapes;
mod shrink;

#[cfg(latchwork_loom)]
pub mod explorer;
