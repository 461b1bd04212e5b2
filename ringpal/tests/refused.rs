//! A process whose seccomp filter refuses io_uring uses the pool, says why, and passes the suite.
#![allow(clippy::doc_markdown, reason = "io_uring is a name, not code")]
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(any(latchwork_loom, latchwork_shuttle))
))]

mod child;
mod pages;
mod suite;

use child::in_a_child;
use latchwork_ringpal::{BackendChoice, BackendKind, BuildError, Fallback, Ring};

/// `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_JEQ | BPF_K`, `BPF_RET | BPF_K`.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

/// Makes the system calls fail with this code in this thread and those it starts; false if the
/// system takes no filters, as an emulator's.
fn refuse(calls: &[libc::c_long], code: i32) -> bool {
    let mut program = vec![statement(LOAD, 0)];
    for (index, call) in calls.iter().enumerate() {
        let to_refusal = (calls.len() - index) as u8;
        program.push(libc::sock_filter {
            code: JUMP_IF_EQUAL,
            jt: to_refusal,
            jf: 0,
            k: u32::try_from(*call).unwrap(),
        });
    }
    program.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
    program.push(statement(RETURN, libc::SECCOMP_RET_ERRNO | code.cast_unsigned()));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: touches no memory.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(result, 0);
    // SAFETY: `program` and what it points to live during the call.
    let result =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    let refused = result == 0;
    if !refused {
        let error = std::io::Error::last_os_error();
        println!("skipped: this system takes no filters of system calls: {error}");
    }
    refused
}

fn suite_passes_on_the_pool(reason: Fallback) {
    let ring = Ring::new().unwrap();
    assert_eq!(ring.info().backend(), BackendKind::Pool);
    assert_eq!(ring.info().fallback(), Some(reason));
    assert!(ring.info().to_string().contains("thread pool"), "{}", ring.info());
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    suite::everything(&ring, directory.path());
    let demanded = Ring::builder().backend(BackendChoice::IoUring).build();
    assert!(matches!(demanded, Err(BuildError::Refused(same)) if same == reason));
}

const ALL: [libc::c_long; 3] =
    [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

#[test]
fn eperm_uses_the_pool() {
    in_a_child("eperm_uses_the_pool", || {
        if refuse(&ALL, libc::EPERM) {
            suite_passes_on_the_pool(Fallback::NotPermitted);
        }
    });
}

#[test]
fn enosys_uses_the_pool() {
    in_a_child("enosys_uses_the_pool", || {
        if refuse(&ALL, libc::ENOSYS) {
            suite_passes_on_the_pool(Fallback::NotImplemented);
        }
    });
}

/// A filter that knows only the first call to let through.
#[test]
fn late_refusal_uses_the_pool() {
    in_a_child("late_refusal_uses_the_pool", || {
        if refuse(&ALL[1..2], libc::EPERM) {
            suite_passes_on_the_pool(Fallback::NotPermitted);
        }
    });
}
