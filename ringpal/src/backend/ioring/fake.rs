//! A table of functions that behave as IoRing is known to: a thread a ring completes operations in
//! an order of chance, in part, and late; the event is set on the way from empty to not empty alone.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ffi::c_void;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::{Arc, Condvar, Mutex};
use latchwork_sync::thread::{JoinHandle, spawn};
use latchwork_sync::time::Duration;

use super::table::{
    COMPLETION_QUEUE_TOO_FULL, Capabilities, CreateFlags, Entry, FEATURE_EVENT, Functions, Handle,
    Info, Raw, RingHandle, S_FALSE, S_OK, Status, VERSION,
};

const ERROR_TIMEOUT: u32 = 1460;
const ERROR_NOT_FOUND: u32 = 1168;
const STATUS_CANCELLED: u32 = 0xd000_0120;

fn windows(code: u32) -> Status {
    (0x8007_0000 | code).cast_signed()
}

fn last_error() -> Status {
    windows(match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EBADF) => 5,
        Some(libc::ENOSPC) => 112,
        _ => 87,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Read,
    Write,
    Flush,
    Cancel { target: usize },
}

#[derive(Clone, Copy)]
struct Op {
    kind: Kind,
    file: i32,
    address: usize,
    length: u32,
    offset: u64,
    user_data: usize,
}

struct State {
    built: Vec<Op>,
    taken: Vec<Op>,
    completed: VecDeque<Entry>,
    event: usize,
    dice: u64,
    closing: bool,
}

impl State {
    fn below(&mut self, bound: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) as usize % bound
    }

    fn complete(&mut self, user_data: usize, status: Status, information: usize) {
        let was_empty = self.completed.is_empty();
        self.completed.push_back(Entry { user_data, status, information });
        // Set at the edge; and now and then for no reason.
        if was_empty || self.below(20) == 0 {
            signal_event(self.event);
        }
    }
}

struct Ring {
    state: Mutex<State>,
    changed: Condvar,
    entries: (u32, u32),
}

impl Ring {
    /// The kernel's side.
    fn work(&self) {
        let mut state = self.state.lock().unwrap();
        loop {
            if state.taken.is_empty() {
                if state.closing {
                    return;
                }
                state = self.changed.wait(state).unwrap();
                continue;
            }
            let count = state.taken.len();
            let at = state.below(count);
            let op = state.taken.swap_remove(at);
            if let Kind::Cancel { target } = op.kind {
                let found = state.taken.iter().position(|other| other.user_data == target);
                let status = match found {
                    Some(at) => {
                        state.taken.swap_remove(at);
                        state.complete(target, STATUS_CANCELLED.cast_signed(), 0);
                        S_OK
                    }
                    None => windows(ERROR_NOT_FOUND),
                };
                state.complete(op.user_data, status, 0);
                continue;
            }
            // Those of unbuffered files end at blocks, which are whole pages here.
            let short = op.length > 1 && !is_direct(op.file) && state.below(4) == 0;
            let length =
                if short { 1 + state.below(op.length as usize - 1) } else { op.length as usize };
            drop(state);
            let (status, information) = perform(&op, length);
            state = self.state.lock().unwrap();
            state.complete(op.user_data, status, information);
            assert!(state.completed.len() <= self.entries.1 as usize, "W1");
        }
    }
}

fn is_direct(file: i32) -> bool {
    // SAFETY: asks for flags; touches no memory.
    let flags = unsafe { libc::fcntl(file, libc::F_GETFL) };
    flags & libc::O_DIRECT != 0
}

fn perform(op: &Op, length: usize) -> (Status, usize) {
    let address = core::ptr::with_exposed_provenance_mut::<c_void>(op.address);
    let offset = op.offset.cast_signed();
    let result = match op.kind {
        // SAFETY: the backend's caller keeps the memory until the completion.
        Kind::Read => unsafe { libc::pread(op.file, address, length, offset) },
        // SAFETY: as above.
        Kind::Write => unsafe { libc::pwrite(op.file, address, length, offset) },
        // SAFETY: touches no memory.
        Kind::Flush => unsafe { libc::fsync(op.file) as isize },
        Kind::Cancel { .. } => 0,
    };
    match (usize::try_from(result), op.kind) {
        (Ok(0), Kind::Read) => (windows(38), 0),
        (Ok(done), _) => (S_OK, done),
        (Err(_), _) => (last_error(), 0),
    }
}

/// A ring with its thread, at the address that is its handle.
struct Owner {
    ring: Arc<Ring>,
    thread: JoinHandle<()>,
}

/// # Safety
///
/// The handle is of a ring that was created and not closed.
unsafe fn ring<'open>(handle: RingHandle) -> &'open Ring {
    // SAFETY: by contract.
    unsafe { &(*handle.cast::<Owner>()).ring }
}

/// # Safety
///
/// As for [`ring`].
unsafe fn build(handle: RingHandle, op: Op) -> Status {
    // SAFETY: by contract.
    let ring = unsafe { ring(handle) };
    let mut state = ring.state.lock().unwrap();
    assert!(state.built.len() < ring.entries.0 as usize, "W1");
    state.built.push(op);
    S_OK
}

fn descriptor(file: Raw) -> i32 {
    i32::try_from(file.address.addr()).expect("a descriptor")
}

unsafe extern "system" fn query_capabilities(into: *mut Capabilities) -> Status {
    let can = Capabilities {
        version: VERSION,
        submission_queue: 4096,
        completion_queue: 8192,
        features: FEATURE_EVENT,
    };
    // SAFETY: the caller's place.
    unsafe { into.write(can) };
    S_OK
}

unsafe extern "system" fn create(
    version: i32,
    _: CreateFlags,
    submissions: u32,
    completions: u32,
    into: *mut RingHandle,
) -> Status {
    static SEED: AtomicU64 = AtomicU64::new(1);
    assert_eq!(version, VERSION);
    let state = State {
        built: Vec::new(),
        taken: Vec::new(),
        completed: VecDeque::new(),
        event: 0,
        dice: SEED.fetch_add(1, Ordering::Relaxed),
        closing: false,
    };
    let ring = Arc::new(Ring {
        state: Mutex::new(state),
        changed: Condvar::new(),
        entries: (submissions, completions),
    });
    let kernel = Arc::clone(&ring);
    let owner = Owner { ring, thread: spawn(move || kernel.work()) };
    // SAFETY: the caller's place.
    unsafe { into.write(Box::into_raw(Box::new(owner)).cast()) };
    S_OK
}

unsafe extern "system" fn info(handle: RingHandle, into: *mut Info) -> Status {
    // SAFETY: the caller's ring.
    let (submission_queue, completion_queue) = unsafe { ring(handle) }.entries;
    let told = Info { version: VERSION, submission_queue, completion_queue, ..Info::default() };
    // SAFETY: the caller's place.
    unsafe { into.write(told) };
    S_OK
}

unsafe extern "system" fn is_supported(_: RingHandle, _: i32) -> i32 {
    1
}

unsafe extern "system" fn read(
    handle: RingHandle,
    file: Raw,
    buffer: Raw,
    length: u32,
    offset: u64,
    user_data: usize,
    flags: i32,
) -> Status {
    assert_eq!(flags, 0);
    let (file, address) = (descriptor(file), buffer.address.expose_provenance());
    // SAFETY: the caller's ring.
    unsafe { build(handle, Op { kind: Kind::Read, file, address, length, offset, user_data }) }
}

unsafe extern "system" fn write(
    handle: RingHandle,
    file: Raw,
    buffer: Raw,
    length: u32,
    offset: u64,
    write_flags: i32,
    user_data: usize,
    flags: i32,
) -> Status {
    assert_eq!((write_flags, flags), (0, 0));
    let (file, address) = (descriptor(file), buffer.address.expose_provenance());
    // SAFETY: the caller's ring.
    unsafe { build(handle, Op { kind: Kind::Write, file, address, length, offset, user_data }) }
}

unsafe extern "system" fn flush(
    handle: RingHandle,
    file: Raw,
    mode: i32,
    user_data: usize,
    flags: i32,
) -> Status {
    assert!((0..2).contains(&mode) && flags == 0);
    let file = descriptor(file);
    let op = Op { kind: Kind::Flush, file, address: 0, length: 0, offset: 0, user_data };
    // SAFETY: the caller's ring.
    unsafe { build(handle, op) }
}

unsafe extern "system" fn cancel(
    handle: RingHandle,
    file: Raw,
    target: usize,
    user_data: usize,
) -> Status {
    let (kind, file) = (Kind::Cancel { target }, descriptor(file));
    // SAFETY: the caller's ring.
    unsafe { build(handle, Op { kind, file, address: 0, length: 0, offset: 0, user_data }) }
}

unsafe extern "system" fn submit(handle: RingHandle, wait: u32, _: u32, taken: *mut u32) -> Status {
    assert_eq!(wait, 0, "a wait in here could not be ended by a wake");
    // SAFETY: the caller's ring.
    let ring = unsafe { ring(handle) };
    let mut state = ring.state.lock().unwrap();
    let all = state.built.len();
    let (status, count) = match state.below(10) {
        0 => (windows(ERROR_TIMEOUT), all),
        1 => (COMPLETION_QUEUE_TOO_FULL, state.below(all + 1)),
        _ => (S_OK, all),
    };
    let moved: Vec<Op> = state.built.drain(..count).collect();
    state.taken.extend(moved);
    ring.changed.notify_one();
    // SAFETY: the caller's place.
    unsafe { taken.write(count as u32) };
    status
}

unsafe extern "system" fn pop(handle: RingHandle, into: *mut Entry) -> Status {
    // SAFETY: the caller's ring.
    let ring = unsafe { ring(handle) };
    let Some(entry) = ring.state.lock().unwrap().completed.pop_front() else { return S_FALSE };
    // SAFETY: the caller's place.
    unsafe { into.write(entry) };
    S_OK
}

unsafe extern "system" fn set_event(handle: RingHandle, event: Handle) -> Status {
    // SAFETY: the caller's ring.
    unsafe { ring(handle) }.state.lock().unwrap().event = event.expose_provenance();
    S_OK
}

unsafe extern "system" fn close(handle: RingHandle) -> Status {
    // SAFETY: made by `create`, and closed once.
    let owner = unsafe { Box::from_raw(handle.cast::<Owner>()) };
    let mut state = owner.ring.state.lock().unwrap();
    assert!(state.taken.is_empty(), "closed with operations in flight");
    state.closing = true;
    drop(state);
    owner.ring.changed.notify_one();
    owner.thread.join().unwrap();
    S_OK
}

/// An event that its wait resets.
#[derive(Default)]
struct Event {
    set: Mutex<bool>,
    changed: Condvar,
}

fn signal_event(event: usize) {
    let event = core::ptr::with_exposed_provenance::<Event>(event);
    // SAFETY: the ring's event is open as long as the ring is.
    let event = unsafe { &*event };
    *event.set.lock().unwrap() = true;
    event.changed.notify_one();
}

unsafe extern "system" fn create_event(
    _: *const c_void,
    manual: i32,
    set: i32,
    _: *const u16,
) -> Handle {
    assert_eq!((manual, set), (0, 0));
    Box::into_raw(Box::<Event>::default()).cast()
}

unsafe extern "system" fn signal(event: Handle) -> i32 {
    signal_event(event.expose_provenance());
    1
}

unsafe extern "system" fn wait(event: Handle, milliseconds: u32) -> u32 {
    // SAFETY: the caller's event.
    let event = unsafe { &*event.cast::<Event>() };
    let mut set = event.set.lock().unwrap();
    while !*set {
        if milliseconds == u32::MAX {
            set = event.changed.wait(set).unwrap();
            continue;
        }
        let left = Duration::from_millis(u64::from(milliseconds));
        let (after, result) = event.changed.wait_timeout(set, left).unwrap();
        set = after;
        if result.timed_out() {
            return 258;
        }
    }
    *set = false;
    0
}

unsafe extern "system" fn close_handle(event: Handle) -> i32 {
    // SAFETY: made by `create_event`, and closed once.
    drop(unsafe { Box::from_raw(event.cast::<Event>()) });
    1
}

/// The whole table.
pub(super) const FUNCTIONS: Functions = Functions {
    query_capabilities,
    create,
    info,
    is_supported,
    read,
    write,
    flush,
    cancel,
    submit,
    pop,
    set_event,
    close,
    create_event,
    signal,
    wait,
    close_handle,
};
