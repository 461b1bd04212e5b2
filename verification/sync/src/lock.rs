//! Reference counts and blocking locks for cold paths, the engine's own under a checker.

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use crate::engine::sync::{Arc, Condvar, Mutex, MutexGuard};
