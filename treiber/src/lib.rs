#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]

extern crate alloc;

mod array_stack;
mod handle;
mod inline_stack;
pub mod intrusive;
mod lists;
mod mailbox;
#[doc(hidden)]
pub mod narrow;
mod stack;
mod storage;
mod surface;

pub use array_stack::ArrayStack;
pub use handle::{Handle, Slotted};
pub use inline_stack::InlineStack;
pub use mailbox::{Drain, Mailbox};
pub use stack::Stack;
pub use surface::{IntoIter, TakeAll};
