//! A program stopped in front of its system calls: each is told to the test, waits, and goes on
//! when the test says so. So a test chooses the moment of a crash, instead of hoping for it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Where the program has the other end, which it doesn't know of.
const LISTENER: i32 = 200;

pub(crate) struct Watch {
    pub(crate) child: Child,
    listener: OwnedFd,
}

/// A call that waits.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) number: libc::c_long,
    pub(crate) arguments: [u64; 6],
    id: u64,
    thread: u32,
}

/// What there is to see.
pub(crate) enum Seen {
    Call(Call),
    /// Nothing, for a moment.
    Nothing,
    /// The program has ended.
    End,
}

impl Watch {
    /// Starts the program, which from now on stops in front of these calls. None, and a line that
    /// says why, where the system can't.
    pub(crate) fn start(command: &mut Command, calls: &[libc::c_long]) -> Option<Self> {
        let filter = filter(calls);
        // SAFETY: between fork and exec the closure makes system calls, and allocates nothing.
        unsafe { command.pre_exec(move || listen(&filter)) };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                println!("skipped: this system lets no test stop a program: {error}");
                return None;
            }
        };
        match fetch(&child) {
            Ok(listener) => Some(Self { child, listener }),
            Err(error) => {
                println!("skipped: this system shows no test its program's files: {error}");
                let mut child = child;
                let _ = child.kill();
                let _ = child.wait();
                None
            }
        }
    }

    pub(crate) fn look(&mut self) -> Seen {
        let mut poll =
            libc::pollfd { fd: self.listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, for the length of the call.
        let ready = unsafe { libc::poll(&raw mut poll, 1, 20) };
        if ready > 0 && poll.revents & libc::POLLIN != 0 {
            // SAFETY: all zeros is a valid value, and what the kernel asks for.
            let mut told: libc::seccomp_notif = unsafe { std::mem::zeroed() };
            let (fd, receive) = (self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV);
            // SAFETY: the kernel writes one such structure.
            if unsafe { libc::ioctl(fd, receive, &raw mut told) } == 0 {
                return Seen::Call(Call {
                    number: libc::c_long::from(told.data.nr),
                    arguments: told.data.args,
                    id: told.id,
                    thread: told.pid,
                });
            }
        }
        let ended = self.child.try_wait().expect("it is our child").is_some();
        if ended { Seen::End } else { Seen::Nothing }
    }

    /// The call is made. One whose thread is gone is forgotten.
    pub(crate) fn let_go(&self, call: Call) {
        let go_on = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let mut answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: go_on };
        let (fd, send) = (self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND);
        // SAFETY: the kernel reads one such structure.
        unsafe { libc::ioctl(fd, send, &raw mut answer) };
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Call {
    /// The path that an argument points to.
    pub(crate) fn path(&self, argument: usize) -> PathBuf {
        let read = || -> io::Result<Vec<u8>> {
            let memory = fs::File::open(format!("/proc/{}/mem", self.thread))?;
            let (mut path, mut at) = (Vec::new(), self.arguments[argument]);
            loop {
                // Not beyond the page, behind which there may be nothing.
                let mut part = vec![0; 256.min(4096 - (at % 4096) as usize)];
                memory.read_exact_at(&mut part, at)?;
                if let Some(end) = part.iter().position(|byte| *byte == 0) {
                    path.extend(&part[..end]);
                    return Ok(path);
                }
                at += part.len() as u64;
                path.append(&mut part);
            }
        };
        OsStr::from_bytes(&read().unwrap_or_default()).into()
    }

    /// The file that an argument, a descriptor, means.
    pub(crate) fn file(&self, argument: usize) -> PathBuf {
        let link = format!("/proc/{}/fd/{}", self.thread, self.arguments[argument]);
        fs::read_link(link).unwrap_or_default()
    }
}

fn filter(calls: &[libc::c_long]) -> Vec<libc::sock_filter> {
    let instruction = |code: u32, jt, k| libc::sock_filter { code: code as u16, jt, jf: 0, k };
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = vec![instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (at, call) in calls.iter().enumerate() {
        let to_the_end = (calls.len() - at) as u8;
        let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        filter.push(instruction(equal, to_the_end, u32::try_from(*call).expect("small")));
    }
    filter.push(instruction(answer, 0, libc::SECCOMP_RET_ALLOW));
    filter.push(instruction(answer, 0, libc::SECCOMP_RET_USER_NOTIF));
    filter
}

/// In the child: from here on the calls are told to whoever has the listener.
fn listen(filter: &[libc::sock_filter]) -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: the program and its filter live until the call returns; the kernel copies them.
    let listener = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    // A copy that survives the exec.
    // SAFETY: no memory is involved.
    if listener < 0 || unsafe { libc::dup2(listener as i32, LISTENER) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The child's listener, as a descriptor of this process.
fn fetch(child: &Child) -> io::Result<OwnedFd> {
    let owned = |descriptor: libc::c_long| {
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else owns.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
    };
    // SAFETY: no memory is involved.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) })?;
    let process = process.as_raw_fd();
    // SAFETY: as above.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, LISTENER, 0) })
}
