//! Exponential back-off for retry and wait loops.

/// Exponential back-off; `crossbeam-utils`' own on the real machine, a yield under a checker.
///
/// Progress: a step never blocks. Cost: `spin` is at most 64 pause hints.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use crossbeam_utils::Backoff;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use checked::Backoff;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked {
    /// Back-off under a checker: every step yields, and the spinning phase is one step long.
    #[derive(Debug, Default)]
    pub struct Backoff {
        stepped: core::cell::Cell<bool>,
    }

    impl Backoff {
        /// A fresh back-off.
        pub fn new() -> Self {
            Self::default()
        }

        /// Starts over.
        pub fn reset(&self) {
            self.stepped.set(false);
        }

        /// Backs off in a lock-free loop. Doesn't yield: retrying needs no other thread's step.
        pub fn spin(&self) {
            self.stepped.set(true);
        }

        /// Backs off while waiting for another thread.
        pub fn snooze(&self) {
            self.stepped.set(true);
            crate::engine::thread::yield_now();
        }

        /// Whether it is time to block.
        pub fn is_completed(&self) -> bool {
            self.stepped.get()
        }
    }
}
