//! Windows IoRing.
//!
//! - W1: the submission queue holds at least one entry more than the capacity (a request to
//!   cancel, one at a time), and the completion queue at least as many, so that neither is full.
//! - W2: the event is set when the completion queue goes from empty to not empty, and not again
//!   before it was empty. So nobody waits for it who has not drained the queue since. The same
//!   event serves those who wake: it may be set for no reason.
//! - W3: a flush doesn't wait for writes that were submitted before it, and no flag that would make
//!   it is used: the core submits a sync when the writes before it have ended.
//! - W4: the result of an operation comes with its completion; a submission that fails says nothing
//!   of the operations in it, and one that times out has submitted all.
//!
//! IoRing has no vectored operation, no allocation and no zero-fill: the first vector goes as a
//! short transfer, the other two are done on the spot.
//!
//! Sources: Microsoft's documentation of `ioringapi.h`, and the design notes of
//! `windows-ioring-sys`, whose measurements W2 to W4 are.

#[cfg(all(test, target_os = "linux"))]
mod fake;
#[cfg(windows)]
mod load;
mod table;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::fmt;
use core::ptr;

use latchwork_sync::time::Instant;

use super::system::{RawFile, codes, perform};
use super::{Backend, Completion, Outcome, RawOp, Wait, Wake};
use crate::error::Operation;
use crate::info::Fallback;
use table::{
    COMPLETION_QUEUE_TOO_FULL, Capabilities, CreateFlags, Entry, FEATURE_EVENT, FLUSH_ALL,
    FLUSH_DATA, FOR_EVER, Functions, Handle, Info, OPERATIONS, Raw, RingHandle, S_FALSE, S_OK,
    SUBMIT_IN_PROGRESS, Status, VERSION,
};

/// Marks the completions of requests to cancel.
const CANCEL: usize = usize::MAX;

/// In the list of what is queued: an entry of our own.
const OWN_KEY: u32 = u32::MAX;

/// More is moved in several transfers.
const LONGEST: usize = 0x7fff_f000;

/// Codes of Windows that say something to the core.
const ERROR_HANDLE_EOF: i32 = 38;
const ERROR_OPERATION_ABORTED: i32 = 995;
const ERROR_TIMEOUT: i32 = 1460;
/// `STATUS_END_OF_FILE` and `STATUS_CANCELLED`, as an `HRESULT`.
const NT_END_OF_FILE: Status = 0xd000_0011_u32.cast_signed();
const NT_CANCELLED: Status = 0xd000_0120_u32.cast_signed();

/// The code of an error of Windows within a status, or the status itself.
fn code_of(status: Status) -> i32 {
    const FROM_WINDOWS: u32 = 0x8007;
    let bits = status.cast_unsigned();
    if bits >> 16 == FROM_WINDOWS { (bits & 0xffff).cast_signed() } else { status }
}

/// What a completion says. A read at the end of the file is one of no bytes.
fn outcome_of(entry: &Entry) -> Outcome {
    if entry.status >= 0 {
        return Ok(u32::try_from(entry.information).unwrap_or(u32::MAX));
    }
    match code_of(entry.status) {
        ERROR_HANDLE_EOF | NT_END_OF_FILE => Ok(0),
        ERROR_OPERATION_ABORTED | NT_CANCELLED => Err(codes::CANCELLED),
        code => Err(code),
    }
}

#[cfg(windows)]
fn handle_of(file: RawFile) -> Handle {
    file.0
}

/// For tests against a table that knows descriptors.
#[cfg(unix)]
fn handle_of(file: RawFile) -> Handle {
    ptr::without_provenance_mut(usize::try_from(file.0).unwrap_or(usize::MAX))
}

/// The event: completions and wakes.
struct Bell {
    functions: Functions,
    event: Handle,
}

// SAFETY: an event may be set and waited for from any thread.
unsafe impl Send for Bell {}
// SAFETY: as above.
unsafe impl Sync for Bell {}

impl Bell {
    fn new(functions: Functions) -> Result<Self, Fallback> {
        // SAFETY: no attributes, no name; reset by the wait that it ends; not set.
        let event = unsafe { (functions.create_event)(ptr::null(), 0, 0, ptr::null()) };
        if event.is_null() {
            return Err(Fallback::OutOfMemory);
        }
        Ok(Self { functions, event })
    }

    fn wait(&self, milliseconds: u32) {
        // SAFETY: the event is open.
        unsafe { (self.functions.wait)(self.event, milliseconds) };
    }
}

impl Wake for Bell {
    fn wake(&self) {
        // SAFETY: the event is open.
        unsafe { (self.functions.signal)(self.event) };
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: opened in `new`, closed once, after the ring that would set it.
        unsafe { (self.functions.close_handle)(self.event) };
    }
}

/// One IoRing.
pub(crate) struct IoRing {
    functions: Functions,
    ring: RingHandle,
    /// Dropped after the ring is closed.
    bell: Arc<Bell>,
    capacity: u32,
    /// Keys of what was built and not submitted, oldest first.
    queued: Vec<u32>,
    /// Of which file each operation is.
    files: Vec<Handle>,
    done: Vec<Completion>,
    to_cancel: Vec<u32>,
    cancelling: bool,
}

// SAFETY: the ring is used by one thread at a time, the driver.
unsafe impl Send for IoRing {}

impl IoRing {
    /// A ring of the system's.
    #[cfg(windows)]
    pub(crate) fn new(depth: u32) -> Result<Self, Fallback> {
        // SAFETY: the system's own functions.
        unsafe { Self::over(load::functions()?, depth) }
    }

    /// A ring over these functions, for so many operations in flight where they allow it.
    ///
    /// # Safety
    ///
    /// The functions do what those of the same names do.
    unsafe fn over(functions: Functions, depth: u32) -> Result<Self, Fallback> {
        let refuse = |status: Status| Fallback::Os(code_of(status));
        let mut can = Capabilities::default();
        // SAFETY: a place for the answer.
        let status = unsafe { (functions.query_capabilities)(&raw mut can) };
        if status != S_OK {
            return Err(refuse(status));
        }
        if can.version < VERSION {
            return Err(Fallback::MissingOperation("version 3, with writes and flushes"));
        }
        if can.features & FEATURE_EVENT == 0 {
            return Err(Fallback::MissingOperation("completion event"));
        }
        let bell = Arc::new(Bell::new(functions)?);
        // W1.
        let most = can.submission_queue.min(can.completion_queue / 2).max(2);
        let entries = depth.saturating_add(1).next_power_of_two().min(most);
        let mut ring = ptr::null_mut();
        let flags = CreateFlags::default();
        // SAFETY: a place for the handle.
        let status =
            unsafe { (functions.create)(VERSION, flags, entries, entries * 2, &raw mut ring) };
        if status != S_OK {
            return Err(refuse(status));
        }
        let mut this = Self {
            functions,
            ring,
            bell,
            capacity: 1,
            queued: Vec::new(),
            files: Vec::new(),
            done: Vec::new(),
            to_cancel: Vec::new(),
            cancelling: false,
        };
        this.set_up()?;
        Ok(this)
    }

    fn set_up(&mut self) -> Result<(), Fallback> {
        let (functions, ring) = (self.functions, self.ring);
        for (code, name) in OPERATIONS {
            // SAFETY: the ring is open.
            if unsafe { (functions.is_supported)(ring, code) } == 0 {
                return Err(Fallback::MissingOperation(name));
            }
        }
        let mut info = Info::default();
        // SAFETY: the ring is open, and a place for the answer.
        let status = unsafe { (functions.info)(ring, &raw mut info) };
        if status != S_OK {
            return Err(Fallback::Os(code_of(status)));
        }
        // SAFETY: the ring is open, and the event stays so longer.
        let status = unsafe { (functions.set_event)(ring, self.bell.event) };
        if status != S_OK {
            return Err(Fallback::Os(code_of(status)));
        }
        self.capacity = info.submission_queue.min(info.completion_queue).saturating_sub(1).max(1);
        self.queued.reserve(self.capacity as usize + 1);
        self.files.resize(self.capacity as usize, ptr::null_mut());
        Ok(())
    }

    /// Builds the entry of an operation that IoRing has.
    fn build(&mut self, op: &RawOp, key: u32) -> Status {
        let file = Raw::of(handle_of(op.file));
        let vector = op.first_buffer();
        let buffer = Raw::of(vector.address.cast::<c_void>());
        let length = vector.length.min(LONGEST) as u32;
        let (ring, key) = (self.ring, key as usize);
        match op.operation {
            // SAFETY: the ring is open; file and memory stay until the completion.
            Operation::Read => unsafe {
                (self.functions.read)(ring, file, buffer, length, op.offset, key, 0)
            },
            // SAFETY: as above.
            Operation::Write | Operation::Zero => unsafe {
                (self.functions.write)(ring, file, buffer, length, op.offset, 0, key, 0)
            },
            Operation::SyncData | Operation::SyncAll => {
                let all = op.operation == Operation::SyncAll;
                let mode = if all { FLUSH_ALL } else { FLUSH_DATA };
                // SAFETY: as above. W3.
                unsafe { (self.functions.flush)(ring, file, mode, key, 0) }
            }
            Operation::Allocate | Operation::Nop => S_OK,
        }
    }

    /// One request to cancel at a time (W1).
    fn send_cancel(&mut self) {
        if self.cancelling {
            return;
        }
        let Some(key) = self.to_cancel.pop() else { return };
        let file = Raw::of(self.files[key as usize]);
        // SAFETY: the ring is open; a key that is not in flight any more cancels nothing.
        let status = unsafe { (self.functions.cancel)(self.ring, file, key as usize, CANCEL) };
        if status == S_OK {
            self.cancelling = true;
            self.queued.push(OWN_KEY);
        }
    }

    /// Moves every completion to `done` (W2).
    fn drain(&mut self) {
        loop {
            let mut entry = Entry::default();
            // SAFETY: the ring is open, and a place for the entry.
            let status = unsafe { (self.functions.pop)(self.ring, &raw mut entry) };
            if status == S_FALSE || status < 0 {
                return;
            }
            if entry.user_data == CANCEL {
                self.cancelling = false;
                continue;
            }
            let key = entry.user_data as u32;
            self.to_cancel.retain(|other| *other != key);
            self.done.push(Completion { key, outcome: outcome_of(&entry) });
        }
    }

    fn submit_queued(&mut self) -> Result<(), i32> {
        let mut taken = 0;
        // SAFETY: the ring is open; not waiting.
        let status = unsafe { (self.functions.submit)(self.ring, 0, 0, &raw mut taken) };
        if status >= 0 || code_of(status) == ERROR_TIMEOUT {
            // W4: success and a timeout alike have submitted all.
            self.queued.clear();
            return Ok(());
        }
        match status {
            // For now: there are completions to be drained first.
            SUBMIT_IN_PROGRESS | COMPLETION_QUEUE_TOO_FULL => {
                self.queued.drain(..self.queued.len().min(taken as usize));
                Ok(())
            }
            status => Err(code_of(status)),
        }
    }
}

/// In whole milliseconds, rounded up, so that a deadline has passed when the wait ends.
fn milliseconds_until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(FOR_EVER - 1).min(FOR_EVER - 1)
}

// SAFETY: each entry that was submitted gives one completion, `abandon` gives those of the others,
// which are never submitted afterwards; the core drops a ring when nothing is in flight.
unsafe impl Backend for IoRing {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        let by_the_file_system = op.operation == Operation::Zero && op.address.is_null();
        if by_the_file_system || matches!(op.operation, Operation::Allocate | Operation::Nop) {
            // SAFETY: the caller's promise.
            let outcome = unsafe { perform(op) };
            self.done.push(Completion { key, outcome });
            return;
        }
        self.files[key as usize] = handle_of(op.file);
        match self.build(op, key) {
            S_OK => self.queued.push(key),
            status => self.done.push(Completion { key, outcome: Err(code_of(status)) }),
        }
    }

    fn cancel(&mut self, key: u32) {
        self.to_cancel.push(key);
    }

    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        if !self.to_cancel.is_empty() {
            self.send_cancel();
        }
        let mut result = Ok(());
        if !self.queued.is_empty() {
            result = self.submit_queued();
        }
        self.drain();
        // W2: the queue was empty a moment ago, so the next completion sets the event.
        if result.is_ok() && self.done.is_empty() && self.queued.is_empty() {
            match wait {
                Wait::No => {}
                Wait::Forever => self.bell.wait(FOR_EVER),
                Wait::Until(deadline) => self.bell.wait(milliseconds_until(deadline)),
            }
        }
        result
    }

    fn reap(&mut self, into: &mut Vec<Completion>) {
        self.drain();
        into.append(&mut self.done);
    }

    fn abandon(&mut self, into: &mut Vec<Completion>) {
        let keys = self.queued.drain(..).filter(|key| *key != OWN_KEY);
        into.extend(keys.map(|key| Completion { key, outcome: Err(codes::CANCELLED) }));
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::<Bell>::clone(&self.bell)
    }
}

impl Drop for IoRing {
    fn drop(&mut self) {
        // SAFETY: created in `over`, closed once; nothing is in flight.
        unsafe { (self.functions.close)(self.ring) };
    }
}

impl fmt::Debug for IoRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoRing").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
