//! Which process a ring belongs to.
//!
//! A child of `fork` has a copy of the ring's memory but none of its threads, and shares the
//! kernel's queues with its parent. So it must not touch them: a handler that the system runs in
//! every child changes a number, and a ring that was built under another number refuses.

/// The process, told apart from those it was forked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth(u32);

impl Birth {
    /// This process.
    pub(crate) fn here() -> Self {
        imp::watch();
        Self(imp::generation())
    }

    /// Whether it is still this process.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        self.0 == imp::generation()
    }
}

#[cfg(unix)]
mod imp {
    use latchwork_sync::atomic::{AtomicU32, Ordering};

    static GENERATION: AtomicU32 = AtomicU32::new(0);

    extern "C" fn in_the_child() {
        // Relaxed: a child of `fork` has one thread. An atomic addition is all that a handler may
        // do anyway.
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn watch() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            // SAFETY: the handler only adds to a number. Without memory for one more handler the
            // system says no, and forks go unnoticed.
            unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
        });
    }

    #[inline]
    pub(super) fn generation() -> u32 {
        // Relaxed: changed before the child's one thread goes on.
        GENERATION.load(Ordering::Relaxed)
    }
}

#[cfg(not(unix))]
mod imp {
    pub(super) fn watch() {}

    #[inline]
    pub(super) fn generation() -> u32 {
        0
    }
}
