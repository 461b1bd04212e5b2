//! Threads: the system's, or the explorer's.
//!
//! Under a checker every thread of a model must be started through [`spawn`] or [`spawn_named`],
//! which number it.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real {
    pub use std::thread::{JoinHandle, spawn, yield_now};
    pub use std::thread_local;

    /// Starts a thread with a name.
    ///
    /// # Errors
    ///
    /// When the system can't start another thread.
    ///
    /// # Panics
    ///
    /// When `name` holds a NUL byte.
    pub fn spawn_named<F, T>(name: &str, body: F) -> std::io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        std::thread::Builder::new().name(name.into()).spawn(body)
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use real::{JoinHandle, spawn, spawn_named, thread_local, yield_now};

#[cfg(latchwork_loom)]
pub use loom::thread_local;
#[cfg(latchwork_shuttle)]
pub use shuttle::thread_local;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use crate::model::threads::{JoinHandle, spawn, spawn_named, yield_now};
