//! `membarrier(2)`.

/// Registers the process for the expedited private barrier; false where the kernel has none or a
/// filter refuses it.
pub(super) fn register() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0
        // A filter could let the registration pass and refuse the barrier: try it once.
        && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0
}

/// A full barrier on every processor that runs a thread of this process.
///
/// # Panics
///
/// When the kernel refuses a barrier that it has granted before: the readers' fences would be
/// void, and going on unsound.
pub(super) fn barrier() {
    let result = membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    assert!(
        result == 0,
        "membarrier was granted and is now refused ({}): a seccomp filter must not be tightened \
         after the first use",
        std::io::Error::last_os_error()
    );
}

fn membarrier(command: libc::c_int) -> libc::c_long {
    // SAFETY: membarrier takes three integers and touches no memory of the caller's.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
}
