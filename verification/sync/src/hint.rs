//! Hints to the processor.

/// Tells the processor that the caller spins; under a checker, lets another thread run.
#[inline(always)]
pub fn spin_loop() {
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    core::hint::spin_loop();
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    crate::engine::thread::yield_now();
}
