#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]

extern crate alloc;

mod array_stack;
mod contention;
mod handle;
mod inline_stack;
pub mod intrusive;
#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "public for the sake of a sealed trait's types alone"
)]
mod lists;
mod mailbox;
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "not for use")]
pub mod narrow;
#[cfg(feature = "reclaim")]
mod reclaim_stack;
mod stack;
#[allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "public for the sake of a sealed trait's types alone"
)]
mod storage;
mod surface;
pub mod tagged;

pub use array_stack::ArrayStack;
pub use handle::{Handle, Reference, Slotted};
pub use inline_stack::InlineStack;
pub use mailbox::{Drain, Mailbox};
#[cfg(feature = "reclaim")]
pub use reclaim_stack::{ReclaimStack, Retiring};
pub use stack::Stack;
pub use surface::{IntoIter, TakeAll};
