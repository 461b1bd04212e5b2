#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]

extern crate alloc;

pub mod intrusive;
mod mailbox;

pub use mailbox::{Drain, Mailbox};
