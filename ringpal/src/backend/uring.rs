//! Linux io_uring.
//!
//! - U1: the submission queue holds at least one entry more than the capacity (the poll of the
//!   wake descriptor), and the completion queue twice as much, so that neither is ever full. A
//!   request to cancel waits for room, and for those before it to have ended.
//! - U2: the wake descriptor is polled by a multishot poll whenever somebody waits in the kernel;
//!   it is never read, each write gives one completion.
//! - U3: no entry is linked or drained: a link would run the writes one by one and cancel the rest
//!   at a short one; a drained entry under deferred task work may never wake a wait for more than
//!   one completion. For the same reason a wait is always for one.
//!
//! Task work is deferred only where the ring's thread is the one issuer. A ring that submitters
//! drive as well must not use cooperative task work either: the completions of what a submitter
//! has left in flight would wait for its next system call.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use io_uring::{IoUring, Probe, cqueue, opcode, squeue, types};

use super::system::{LONGEST, MOST_VECTORS, RawFile, codes, range_mode};
use super::{Backend, Completion, RawOp, Wait, Wake};
use crate::engine::Drive;
use crate::error::Operation;
use crate::info::Fallback;
use latchwork_sync::time::{Duration, Instant};

/// Marks the completions of the poll.
const POLL: u64 = u64::MAX;

/// Marks the completions of requests to cancel.
const CANCEL: u64 = u64::MAX - 1;

/// In the list of what is queued: an entry of our own.
const OWN_KEY: u32 = u32::MAX;

/// The descriptor that ends a wait.
struct Bell(OwnedFd);

impl Bell {
    fn new() -> std::io::Result<Self> {
        // SAFETY: touches no memory.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn poll_entry(&self) -> squeue::Entry {
        opcode::PollAdd::new(types::Fd(self.0.as_raw_fd()), libc::POLLIN as u32)
            .multi(true)
            .build()
            .user_data(POLL)
    }
}

impl Wake for Bell {
    fn wake(&self) {
        let one = 1_u64;
        loop {
            // SAFETY: 8 bytes of a live integer.
            let result = unsafe {
                libc::write(self.0.as_raw_fd(), (&raw const one).cast(), size_of::<u64>())
            };
            // The counter is never read, and its end is 2^64 wakes away: an interrupt is the only
            // error.
            if result >= 0 || last_code() != libc::EINTR {
                return;
            }
        }
    }
}

fn last_code() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

fn code_of(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// How a ring is set up; better modes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    /// One issuer, its task work deferred to its waits (Linux 6.1).
    deferred: bool,
    /// Task work without interrupts (5.19).
    cooperative: bool,
    /// An entry that fails doesn't stop the submission of those after it (5.18).
    submit_all: bool,
}

impl Mode {
    const fn of(deferred: bool, cooperative: bool, submit_all: bool) -> Self {
        Self { deferred, cooperative, submit_all }
    }

    fn candidates(drive: Drive) -> &'static [Self] {
        const THREAD: &[Mode] = &[
            Mode::of(true, false, true),
            Mode::of(false, true, true),
            Mode::of(false, false, true),
            Mode::of(false, false, false),
        ];
        match drive {
            Drive::Thread => THREAD,
            Drive::Submitter => &THREAD[2..],
        }
    }

    fn build(self, entries: u32) -> std::io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder.setup_clamp();
        if self.deferred {
            // Disabled until its thread has enabled it, and so become its issuer.
            builder.setup_single_issuer().setup_defer_taskrun().setup_r_disabled();
        }
        if self.cooperative {
            builder.setup_coop_taskrun();
        }
        if self.submit_all {
            builder.setup_submit_all();
        }
        builder.build(entries)
    }

    fn flags(self) -> Vec<&'static str> {
        let named = [
            (self.deferred, "SINGLE_ISSUER"),
            (self.deferred, "DEFER_TASKRUN"),
            (self.cooperative, "COOP_TASKRUN"),
            (self.submit_all, "SUBMIT_ALL"),
        ];
        named.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
    }
}

/// One io_uring.
pub(crate) struct Uring {
    ring: IoUring,
    bell: Arc<Bell>,
    mode: Mode,
    capacity: u32,
    polled: bool,
    /// Keys of what the kernel has not taken yet, oldest first.
    queued: Vec<u32>,
    /// Operations to cancel, when there is room.
    to_cancel: Vec<u32>,
    /// Whether a request to cancel is in the kernel.
    cancelling: bool,
}

impl Uring {
    /// A ring for at least `depth` operations in flight, where the kernel allows.
    pub(crate) fn new(depth: u32, drive: Drive) -> Result<Self, Fallback> {
        try_out()?;
        let bell = Bell::new().map_err(|error| Fallback::from_code(code_of(&error)))?;
        // U1.
        let entries = depth.saturating_add(1).next_power_of_two();
        let mut code = libc::EINVAL;
        for mode in Mode::candidates(drive) {
            match mode.build(entries) {
                Ok(ring) => {
                    let capacity = ring.params().sq_entries() - 1;
                    debug_assert!(ring.params().cq_entries() >= 2 * capacity);
                    return Ok(Self {
                        ring,
                        bell: Arc::new(bell),
                        mode: *mode,
                        capacity,
                        polled: false,
                        queued: Vec::with_capacity(capacity as usize + 1),
                        to_cancel: Vec::new(),
                        cancelling: false,
                    });
                }
                Err(error) => code = code_of(&error),
            }
            // A kernel that doesn't know a flag says so; anything else is a refusal.
            if code != libc::EINVAL {
                break;
            }
        }
        Err(Fallback::from_code(code))
    }

    /// The kernel's names of the modes in use.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        self.mode.flags()
    }

    fn queue(&mut self, entry: &squeue::Entry, key: u32) {
        // SAFETY: `push`'s caller keeps file and memory until the completion; the poll's
        // descriptor lives as long as the ring.
        let pushed = unsafe { self.ring.submission().push(entry) };
        pushed.expect("U1: the submission queue has room for the capacity and the poll");
        self.queued.push(key);
    }

    fn keep_polled(&mut self) {
        if !self.polled {
            self.polled = true;
            let entry = self.bell.poll_entry();
            self.queue(&entry, OWN_KEY);
        }
    }

    /// One request to cancel at a time, so that the completion queue has room for its answer (U1).
    #[cold]
    fn send_cancel(&mut self) {
        if !self.cancelling
            && !self.ring.submission().is_full()
            && let Some(key) = self.to_cancel.pop()
        {
            self.cancelling = true;
            let entry = opcode::AsyncCancel::new(u64::from(key)).build().user_data(CANCEL);
            self.queue(&entry, OWN_KEY);
        }
    }
}

/// A round trip on a small ring, since a filter may allow the set-up and refuse the rest.
fn try_out() -> Result<(), Fallback> {
    let refuse = |error: std::io::Error| Fallback::from_code(code_of(&error));
    let mut ring = IoUring::new(4).map_err(refuse)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(refuse)?;
    let needed = [
        (opcode::Write::CODE, "write"),
        (opcode::Read::CODE, "read"),
        (opcode::Fsync::CODE, "fsync"),
        (opcode::PollAdd::CODE, "poll"),
        (opcode::Nop::CODE, "nop"),
        (opcode::Writev::CODE, "vectored write"),
        (opcode::Readv::CODE, "vectored read"),
        (opcode::Fallocate::CODE, "fallocate"),
        (opcode::AsyncCancel::CODE, "cancel"),
    ];
    if let Some((_, name)) = needed.iter().find(|(code, _)| !probe.is_supported(*code)) {
        return Err(Fallback::MissingOperation(name));
    }
    if !ring.params().is_feature_nodrop() {
        return Err(Fallback::MissingOperation("lossless completion queue"));
    }
    let bell = Bell::new().map_err(refuse)?;
    // SAFETY: the descriptor outlives the ring's use below.
    unsafe { ring.submission().push(&bell.poll_entry()) }.expect("a new ring has room");
    ring.submit().map_err(refuse)?;
    bell.wake();
    let mut told = None;
    while told.is_none() {
        match ring.submit_and_wait(1) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(refuse(error));
            }
            _ => told = ring.completion().next(),
        }
    }
    match told {
        Some(entry) if entry.result() >= 0 && cqueue::more(entry.flags()) => Ok(()),
        _ => Err(Fallback::MissingOperation("multishot poll")),
    }
}

fn entry(op: &RawOp) -> squeue::Entry {
    let RawFile(fd) = op.file;
    let file = types::Fd(fd);
    if op.vectors > 1 {
        return vectored(op, file);
    }
    if op.vectors == 1 || op.address.is_null() || op.operation == Operation::Zero {
        return rare(op, file);
    }
    let length = op.length.min(LONGEST) as u32;
    match op.operation {
        Operation::Write => {
            opcode::Write::new(file, op.address.cast_const(), length).offset(op.offset).build()
        }
        _ => opcode::Read::new(file, op.address, length).offset(op.offset).build(),
    }
}

fn vectored(op: &RawOp, file: types::Fd) -> squeue::Entry {
    let (vectors, count) = (op.first_vector().cast::<libc::iovec>(), op.vectors.min(MOST_VECTORS));
    match op.operation {
        Operation::Write => opcode::Writev::new(file, vectors, count).offset(op.offset).build(),
        _ => opcode::Readv::new(file, vectors, count).offset(op.offset).build(),
    }
}

/// Operations with no buffer, or with one that must be looked up.
fn rare(op: &RawOp, file: types::Fd) -> squeue::Entry {
    let vector = op.first_buffer();
    let length = vector.length.min(LONGEST) as u32;
    match op.operation {
        Operation::Allocate => range(op, file),
        Operation::Zero if op.address.is_null() => range(op, file),
        Operation::Write | Operation::Zero => {
            opcode::Write::new(file, vector.address, length).offset(op.offset).build()
        }
        Operation::Read => {
            opcode::Read::new(file, vector.address, length).offset(op.offset).build()
        }
        Operation::SyncData => opcode::Fsync::new(file).flags(types::FsyncFlags::DATASYNC).build(),
        Operation::SyncAll => opcode::Fsync::new(file).build(),
        Operation::Nop => opcode::Nop::new().build(),
    }
}

fn range(op: &RawOp, file: types::Fd) -> squeue::Entry {
    opcode::Fallocate::new(file, op.length as u64)
        .offset(op.offset)
        .mode(range_mode(op.operation))
        .build()
}

/// How long until `deadline`, at least a nanosecond, since none at all is no wait.
fn time_until(deadline: Instant) -> types::Timespec {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
    types::Timespec::from(left)
}

// SAFETY: the kernel completes every entry that it has taken exactly once, and `abandon` those
// that it has not; dropping happens when nothing but the poll is in flight.
unsafe impl Backend for Uring {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn start(&mut self) -> Result<(), i32> {
        if self.mode.deferred {
            self.ring.submitter().register_enable_rings().map_err(|error| code_of(&error))?;
        }
        Ok(())
    }

    #[inline]
    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        self.queue(&entry(op).user_data(u64::from(key)), key);
    }

    fn cancel(&mut self, key: u32) {
        self.to_cancel.push(key);
    }

    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        self.keep_polled();
        if !self.to_cancel.is_empty() {
            self.send_cancel();
        }
        // What is there already needs no wait; nor may a wait keep a request to cancel back.
        let held_back = !self.to_cancel.is_empty() && !self.cancelling;
        let wait = if self.ring.completion().is_empty() && !held_back { wait } else { Wait::No };
        if self.queued.is_empty() && wait == Wait::No {
            return Ok(());
        }
        let submitted = match wait {
            Wait::No => self.ring.submit(),
            Wait::Forever => self.ring.submit_and_wait(1),
            Wait::Until(deadline) => {
                let time = time_until(deadline);
                self.ring.submitter().submit_with_args(1, &types::SubmitArgs::new().timespec(&time))
            }
        };
        match submitted {
            Ok(taken) if taken >= self.queued.len() => self.queued.clear(),
            Ok(taken) => drop(self.queued.drain(..taken)),
            Err(error) => match code_of(&error) {
                // Interrupted, out of memory for the moment, completions to be reaped first.
                libc::EINTR | libc::EAGAIN | libc::EBUSY | libc::ETIME => {}
                code => return Err(code),
            },
        }
        Ok(())
    }

    #[inline]
    fn reap(&mut self, into: &mut Vec<Completion>) {
        let mut polled = self.polled;
        for entry in self.ring.completion() {
            if entry.user_data() == POLL {
                // The poll ends when the thread that armed it does.
                polled = cqueue::more(entry.flags());
                continue;
            }
            if entry.user_data() == CANCEL {
                self.cancelling = false;
                continue;
            }
            let result = entry.result();
            let outcome = u32::try_from(result).map_err(|_| -result);
            let key = entry.user_data() as u32;
            if !self.to_cancel.is_empty() {
                self.to_cancel.retain(|other| *other != key);
            }
            into.push(Completion { key, outcome });
        }
        self.polled = polled;
    }

    fn abandon(&mut self, into: &mut Vec<Completion>) {
        let keys = self.queued.drain(..).filter(|key| *key != OWN_KEY);
        into.extend(keys.map(|key| Completion { key, outcome: Err(codes::CANCELLED) }));
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::<Bell>::clone(&self.bell)
    }
}

impl fmt::Debug for Uring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uring").field("mode", &self.mode).finish_non_exhaustive()
    }
}
