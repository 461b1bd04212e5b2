//! A step that the explorer orders against the others at the same point, and that orders no
//! memory.

/// A meeting point of steps.
///
/// Under loom it is a condition variable on which nobody waits: notifying it is an operation
/// that the explorer schedules and that, unlike a read-modify-write, no fence can turn into
/// synchronisation.
#[cfg(latchwork_loom)]
pub(crate) struct Point(loom::sync::Condvar);

#[cfg(latchwork_loom)]
impl Point {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    #[track_caller]
    pub(crate) fn step(&self) {
        self.0.notify_one();
    }
}

/// A meeting point of steps; shuttle knows no memory orders to keep out.
#[cfg(latchwork_shuttle)]
pub(crate) struct Point(shuttle::sync::atomic::AtomicUsize);

#[cfg(latchwork_shuttle)]
impl Point {
    pub(crate) fn new() -> Self {
        Self(shuttle::sync::atomic::AtomicUsize::new(0))
    }

    pub(crate) fn step(&self) {
        self.0.fetch_add(0, core::sync::atomic::Ordering::Relaxed);
    }
}
