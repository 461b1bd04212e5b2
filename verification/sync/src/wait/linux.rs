//! `FUTEX_WAIT_BITSET` and `FUTEX_WAKE_BITSET`, private to the process.

use core::ptr;

use super::{Address, Class, Waited};
use crate::atomic::AtomicU32;
use crate::time::Instant;

/// The absolute time on the futex's clock at which `deadline` passes; none where it is too far
/// away to be told.
fn absolute(deadline: Instant) -> Option<libc::timespec> {
    // `Instant` doesn't show its value, so the deadline is carried over by what is left of it.
    let left = deadline.saturating_duration_since(Instant::now());
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the result.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    debug_assert_eq!(result, 0, "every Linux has a monotonic clock");
    let mut nanoseconds = now.tv_nsec + libc::c_long::from(left.subsec_nanos().cast_signed());
    let mut seconds = now.tv_sec.checked_add(libc::time_t::try_from(left.as_secs()).ok()?)?;
    if nanoseconds >= 1_000_000_000 {
        nanoseconds -= 1_000_000_000;
        seconds = seconds.checked_add(1)?;
    }
    Some(libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds })
}

pub(super) fn wait(
    word: &AtomicU32,
    expected: u32,
    class: Class,
    deadline: Option<Instant>,
) -> Waited {
    let deadline = deadline.and_then(absolute);
    let timeout = deadline.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the word outlives the call, and `timeout` is null or points to a live timespec.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            ptr::from_ref(word),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            expected,
            timeout,
            ptr::null::<u32>(),
            class.bits(),
        )
    };
    if result == 0 {
        return Waited::Woken;
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Waited::Changed,
        Some(libc::ETIMEDOUT) => Waited::TimedOut,
        Some(libc::EINTR) => Waited::Woken,
        // A filter that refuses futexes would break std's own locks first.
        error => panic!("futex wait failed with error {error:?}"),
    }
}

pub(super) fn wake(address: Address, count: u32, class: Class) -> bool {
    if count == 0 {
        // The kernel would wake one.
        return false;
    }
    // SAFETY: a wake only uses the address as a key; it reads and writes no user memory.
    let woken = unsafe {
        libc::syscall(
            libc::SYS_futex,
            address.0,
            libc::FUTEX_WAKE_BITSET | libc::FUTEX_PRIVATE_FLAG,
            i32::try_from(count).unwrap_or(i32::MAX),
            ptr::null::<libc::timespec>(),
            ptr::null::<u32>(),
            class.bits(),
        )
    };
    woken > 0
}
