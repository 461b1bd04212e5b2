//! A system that refuses, or lies: filters of system calls for the program under test.

use std::os::unix::process::CommandExt;
use std::process::Command;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

const fn answer(error: u16) -> u32 {
    libc::SECCOMP_RET_ERRNO | error as u32
}

const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

/// Loads a word of what the filter sees: 0 is the system call's number.
const fn load(at: u32) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at)
}

/// Skips so many instructions if the word is, or isn't, this number.
fn if_is(call: libc::c_long, then: u8, or_else: u8) -> libc::sock_filter {
    let call = u32::try_from(call).expect("small");
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, then, or_else, call)
}

const fn end(with: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET, 0, 0, with)
}

fn filtered<const N: usize>(command: &mut Command, filter: [libc::sock_filter; N]) -> &mut Command {
    let install = move || {
        let program = libc::sock_fprog { len: N as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: no memory is involved.
        let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        if result != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let program = std::ptr::from_ref(&program);
        // SAFETY: the program and its filter live until the call returns; the kernel copies them.
        let result =
            unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, program) };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the closure makes system calls on its own stack only.
    unsafe { command.pre_exec(install) }
}

/// Answers `io_uring_setup` with an error, as container runtimes do.
pub(crate) fn refuse_io_uring(command: &mut Command, error: u16) -> &mut Command {
    let filter = [load(0), if_is(libc::SYS_io_uring_setup, 0, 1), end(answer(error)), end(ALLOW)];
    filtered(command, filter)
}

// Number, architecture and instruction take 16 bytes; then come the arguments.
const THIRD_ARGUMENT: u32 = 16 + 2 * 8;

/// Goes on if the file is to be opened past the page cache, else skips so many instructions.
fn if_direct(then: u8, or_else: u8) -> libc::sock_filter {
    let direct = u32::try_from(libc::O_DIRECT).expect("a flag");
    instruction(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, then, or_else, direct)
}

fn invalid() -> u32 {
    answer(u16::try_from(libc::EINVAL).expect("small"))
}

/// No file is opened past the page cache, as on some file systems: so a sync has all to lose.
pub(crate) fn refuse_direct(command: &mut Command) -> &mut Command {
    let filter = [
        load(0),
        if_is(libc::SYS_openat, 0, 2),
        load(THIRD_ARGUMENT),
        if_direct(1, 0),
        end(ALLOW),
        end(invalid()),
    ];
    filtered(command, filter)
}

/// Every sync says that it succeeded, and did nothing; and no file is opened past the page cache.
pub(crate) fn lose_syncs(command: &mut Command) -> &mut Command {
    let filter = [
        load(0),
        if_is(libc::SYS_openat, 2, 0),
        if_is(libc::SYS_fsync, 4, 0),
        if_is(libc::SYS_fdatasync, 3, 2),
        load(THIRD_ARGUMENT),
        if_direct(2, 0),
        end(ALLOW),
        end(answer(0)),
        end(invalid()),
    ];
    filtered(command, filter)
}
