//! A kernel that refuses `membarrier`, as a sandbox has it: the fallback, and a report of it.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(any(latchwork_loom, latchwork_shuttle, latchwork_tsan))
))]

use latchwork_sync::asym::{self, Barriers, Kind};
use latchwork_sync::atomic::Ordering;

/// Makes `membarrier` fail with `error` from here on, for the calling thread and its children;
/// false if the system takes no filters, as an emulator's.
fn refuse_membarrier(error: i32) -> bool {
    const NUMBER: u32 = 0; // where `seccomp_data` has the number of the call
    let statement = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let mut filter = [
        statement(load, 0, 0, NUMBER),
        statement(equal, 0, 1, libc::SYS_membarrier as u32),
        statement(answer, 0, 0, libc::SECCOMP_RET_ERRNO | error.cast_unsigned()),
        statement(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: takes integers only.
    let confined = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: `program` and its filter live through the call, which copies them.
    let filtered =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    (confined, filtered) == (0, 0)
}

/// What the child of a fork ends with.
const RIGHT: i32 = 0;
const WRONG: i32 = 1;
const NO_FILTERS: i32 = 2;

fn in_the_child(error: i32) -> i32 {
    if !refuse_membarrier(error) {
        return NO_FILTERS;
    }
    asym::light();
    asym::heavy();
    let barriers = Barriers::new();
    barriers.complete(barriers.next());
    let right = asym::kind() == Kind::Symmetric
        && asym::describe().contains("refuses")
        && barriers.ended(Ordering::Acquire) == 1
        && asym::use_symmetric().is_ok();
    if right { RIGHT } else { WRONG }
}

#[test]
fn refused_before_first_use_is_a_fallback() {
    for error in [libc::EPERM, libc::ENOSYS] {
        // SAFETY: the child doesn't touch what other threads of the test runner hold, except
        // through allocation, which is ready in the child of a fork on Linux.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            // A panic that left this thread, the child's only one, would end it well.
            let code = std::panic::catch_unwind(|| in_the_child(error)).unwrap_or(WRONG);
            // SAFETY: ends the child without running the parent's destructors.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place for the child's status.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        assert!(libc::WIFEXITED(status), "{status:x}");
        if libc::WEXITSTATUS(status) == NO_FILTERS {
            return println!("skipped: this system takes no filters of system calls");
        }
        assert_eq!(libc::WEXITSTATUS(status), RIGHT);
    }
}
