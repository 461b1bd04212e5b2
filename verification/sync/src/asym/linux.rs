//! `membarrier(2)`.

use super::{Kind, forked};

pub(super) const KIND: Kind = Kind::Membarrier;
pub(super) const NAME: &str = "membarrier, private and expedited";

/// Registers the process for the expedited private barrier; false where the kernel has none or a
/// filter refuses it.
pub(super) fn register() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
        // A filter could let the registration pass and refuse the barrier: try it once.
        && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        && watch_forks()
}

/// Lets every child of a fork know that it is one.
fn watch_forks() -> bool {
    // SAFETY: `forked` is an `extern "C"` function that lives as long as the process and only
    // adds to an atomic, which is allowed in the child of a process with threads.
    unsafe { libc::pthread_atfork(None, None, Some(forked)) == 0 }
}

/// A full barrier on every processor that runs a thread of this process.
pub(super) fn barrier() {
    // A kernel may forget the registration in the child of a fork.
    let done = membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        || (membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
            && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED));
    assert!(
        done,
        "membarrier was granted and is now refused ({}): a filter of system calls must not be \
         tightened after the first use of asymmetric fences; LATCHWORK_ASYM=symmetric does without",
        std::io::Error::last_os_error()
    );
}

fn membarrier(command: libc::c_int) -> bool {
    const NO_FLAGS: libc::c_uint = 0;
    const NO_CPU: libc::c_int = 0;
    // SAFETY: membarrier takes three integers and touches no memory of the caller's.
    unsafe { libc::syscall(libc::SYS_membarrier, command, NO_FLAGS, NO_CPU) == 0 }
}
