//! Sleeping at a condition variable, for a backend without a kernel.

use std::sync::PoisonError;

use latchwork_sync::lock::{Condvar, MutexGuard};

use super::Wait;

/// Sleeps until a notification, which may come for no reason; none where the time is up.
pub(super) fn sleep<'lock, T>(
    condition: &Condvar,
    guard: MutexGuard<'lock, T>,
    wait: Wait,
) -> Option<MutexGuard<'lock, T>> {
    let guard = match wait {
        Wait::No => return None,
        // Nothing under these locks panics, so poison would say nothing.
        Wait::Forever => condition.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Wait::Until(deadline) => wait_until(condition, guard, deadline)?,
    };
    Some(guard)
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn wait_until<'lock, T>(
    condition: &Condvar,
    guard: MutexGuard<'lock, T>,
    deadline: latchwork_sync::time::Instant,
) -> Option<MutexGuard<'lock, T>> {
    let left = deadline.saturating_duration_since(latchwork_sync::time::Instant::now());
    if left.is_zero() {
        return None;
    }
    Some(condition.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0)
}

/// The models' operations have no deadlines, and their condition variables no time.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unnecessary_wraps, reason = "the same face as the real one")]
fn wait_until<'lock, T>(
    condition: &Condvar,
    guard: MutexGuard<'lock, T>,
    _: latchwork_sync::time::Instant,
) -> Option<MutexGuard<'lock, T>> {
    Some(condition.wait(guard).unwrap_or_else(PoisonError::into_inner))
}
