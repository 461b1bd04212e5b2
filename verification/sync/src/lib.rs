#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", latchwork_loom, latchwork_shuttle)), no_std)]
#![allow(
    clippy::inline_always,
    reason = "the facade is no layer: also an unoptimised build should call the machine directly"
)]

#[cfg(all(latchwork_loom, latchwork_shuttle))]
compile_error!("choose one engine: `--cfg latchwork_loom` or `--cfg latchwork_shuttle`");

mod engine;

pub mod alloc;
pub mod asym;
pub mod atomic;
pub mod backoff;
pub mod cell;
pub mod hint;
pub mod metrics;

#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub mod event;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub mod lock;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub mod thread;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub mod time;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub mod wait;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub mod model;

pub use backoff::Backoff;
pub use crossbeam_utils::CachePadded;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub use event::Event;

/// Declares functions that are `const` on the real machine and plain under a checker, whose cells
/// register themselves when they are made.
///
/// ```
/// use latchwork_sync::{atomic::AtomicU32, const_fn};
///
/// struct Counter(AtomicU32);
/// impl Counter {
///     const_fn! {
///         /// A counter at zero.
///         pub fn new() -> Self { Self(AtomicU32::new(0)) }
///     }
/// }
/// # #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
/// static COUNTER: Counter = Counter::new();
/// ```
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
    ($(#[$meta:meta])* $vis:vis unsafe fn $($rest:tt)*) => { $(#[$meta])* $vis const unsafe fn $($rest)* };
}

/// Declares functions that are `const` on the real machine and plain under a checker.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
    ($(#[$meta:meta])* $vis:vis unsafe fn $($rest:tt)*) => { $(#[$meta])* $vis unsafe fn $($rest)* };
}
