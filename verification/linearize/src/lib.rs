#![doc = include_str!("../README.md")]

mod check;
mod history;
pub mod objects;
mod play;
mod record;
mod spec;
mod violation;

pub use history::{History, Operation};
pub use play::{lists, play};
pub use record::{Clock, Log};
pub use spec::Spec;
pub use violation::Violation;
