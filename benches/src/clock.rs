//! The three clocks that a cost is read from.

use std::time::Duration;

fn read(clock: libc::clockid_t) -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the result.
    let result = unsafe { libc::clock_gettime(clock, &raw mut now) };
    assert_eq!(result, 0, "the clock {clock} can't be read");
    let seconds = u64::try_from(now.tv_sec).expect("clocks of a process don't go below zero");
    let nanoseconds = u32::try_from(now.tv_nsec).expect("below a second");
    Duration::new(seconds, nanoseconds)
}

/// Processor time of the calling thread: steady on a shared machine.
pub fn thread_cpu() -> Duration {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time of all threads of the process.
pub fn process_cpu() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Monotonic time.
pub fn wall() -> Duration {
    read(libc::CLOCK_MONOTONIC)
}

/// Measures from its making.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    clock: fn() -> Duration,
    start: Duration,
}

impl Stopwatch {
    /// Starts on one of the clocks above.
    #[must_use]
    pub fn start(clock: fn() -> Duration) -> Self {
        Self { clock, start: clock() }
    }

    /// What has passed, in nanoseconds an operation.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a measurement has fewer digits than an f64")]
    pub fn per(self, operations: u64) -> f64 {
        ((self.clock)() - self.start).as_nanos() as f64 / operations as f64
    }
}
