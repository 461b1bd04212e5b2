//! The small face of a kernel, real or made up, under the core.
//!
//! A backend belongs to whoever drives the ring: one thread at a time. Only its [`Wake`] is shared.

#![cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "reached by the models alone")
)]

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

mod door;
#[cfg(all(
    target_pointer_width = "64",
    any(windows, all(test, target_os = "linux")),
    not(any(latchwork_loom, latchwork_shuttle))
))]
pub(crate) mod ioring;
pub(crate) mod pool;
#[cfg(feature = "simulate")]
pub(crate) mod simulated;
pub(crate) mod system;
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "loongarch64",
        target_arch = "powerpc64"
    ),
    not(any(latchwork_loom, latchwork_shuttle))
))]
pub(crate) mod uring;

pub use system::RawFile;

use crate::error::Operation;
use latchwork_sync::time::Instant;

/// One operation. Its memory belongs to the backend until its completion was reaped.
#[derive(Clone, Copy, Debug)]
pub struct RawOp {
    /// What is asked.
    pub operation: Operation,
    /// Of which file.
    pub file: RawFile,
    /// First byte of the buffer, written to by a read only; or the first of the vectors. Of an
    /// [`Operation::Zero`]: null to ask the file system, else [`zeros`], to be written.
    pub address: *mut u8,
    /// Bytes left to do; a backend may do fewer.
    pub length: usize,
    /// Where in the file; `offset + length` is below 2^63.
    pub offset: u64,
    /// How many vectors there are at `address`; 0 where that is the buffer itself. The first is
    /// not empty, and a backend may do no more than that one.
    pub vectors: u32,
}

impl RawOp {
    /// An operation without memory.
    pub const fn plain(operation: Operation, file: RawFile) -> Self {
        let address = core::ptr::null_mut();
        Self { operation, file, address, length: 0, offset: 0, vectors: 0 }
    }

    /// Where the vectors are, of an operation that has any.
    #[allow(clippy::cast_ptr_alignment, reason = "it came from a slice of vectors")]
    pub(crate) fn first_vector(&self) -> *mut Vector {
        self.address.cast()
    }

    /// The buffer, or the first of several; of [`zeros`], as many as there are.
    #[cfg_attr(not(any(unix, windows)), allow(dead_code, reason = "no system moves bytes"))]
    pub(crate) fn first_buffer(&self) -> Vector {
        if self.vectors > 0 {
            // SAFETY: by `Backend::push`'s contract, there are so many vectors.
            return unsafe { *self.first_vector() };
        }
        let most = if self.operation == Operation::Zero { ZEROS } else { usize::MAX };
        Vector { address: self.address, length: self.length.min(most) }
    }
}

/// One of the buffers of a vectored operation, as the system's `iovec`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Vector {
    /// First byte.
    pub address: *mut u8,
    /// Bytes.
    pub length: usize,
}

// SAFETY: an address alone; whoever uses it keeps the promises of `Backend::push`.
unsafe impl Send for Vector {}
// SAFETY: as above.
unsafe impl Sync for Vector {}

#[cfg(unix)]
const _: () = {
    assert!(size_of::<Vector>() == size_of::<libc::iovec>());
    assert!(core::mem::offset_of!(Vector, address) == core::mem::offset_of!(libc::iovec, iov_base));
    assert!(core::mem::offset_of!(Vector, length) == core::mem::offset_of!(libc::iovec, iov_len));
};

/// How many zeros are written at once.
const ZEROS: usize = 1 << 16;

/// Zeros at an address that direct writes accept.
pub(crate) fn zeros() -> &'static [u8] {
    #[repr(align(4096))]
    struct Block([u8; ZEROS]);
    static BLOCK: Block = Block([0; ZEROS]);
    &BLOCK.0
}

/// For how long a submission may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until a completion is there or a wake came.
    Forever,
    /// The same, or until this moment.
    Until(Instant),
}

/// How an operation ended: bytes done, or the system's code (positive).
pub type Outcome = Result<u32, i32>;

/// An operation that ended.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// As given to [`Backend::push`].
    pub key: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// Ends the wait of whoever waits in [`Backend::submit`], now or at its next wait.
pub trait Wake: Send + Sync {
    /// As above; may end a wait too many.
    fn wake(&self);
}

/// A kernel.
///
/// # Safety
///
/// Each pushed operation is completed exactly once, by [`Backend::reap`] or
/// [`Backend::abandon`], and its memory is not touched afterwards.
pub unsafe trait Backend: Send {
    /// How many operations may be in flight at most, so that no completion is ever lost.
    fn capacity(&self) -> u32;

    /// Called once by the thread that will drive or help out, before anything else.
    ///
    /// # Errors
    ///
    /// The system's code: the backend is of no use.
    fn start(&mut self) -> Result<(), i32> {
        Ok(())
    }

    /// Takes an operation; the kernel may see it at once or at the next [`Backend::submit`].
    ///
    /// # Safety
    ///
    /// File and memory stay valid, and the memory of a read unaliased, until the completion.
    /// Fewer than [`Backend::capacity`] are in flight.
    unsafe fn push(&mut self, op: &RawOp, key: u32);

    /// Asks the kernel to end an operation that was pushed and not yet reaped. It completes all the
    /// same: cancelled, or as if nobody had asked. May come too late and hit another operation
    /// under the same key, which then completes as cancelled for no reason.
    fn cancel(&mut self, key: u32);

    /// Hands what was pushed to the kernel, then sleeps for `wait`. May return early for no
    /// reason. Interrupts and full queues are no errors.
    ///
    /// # Errors
    ///
    /// The system's code: the backend takes no more operations. Those in flight go on.
    fn submit(&mut self, wait: Wait) -> Result<(), i32>;

    /// Moves the completions that are there to `into`.
    fn reap(&mut self, into: &mut Vec<Completion>);

    /// After an error of [`Backend::submit`]: completes as cancelled what the kernel has not seen.
    fn abandon(&mut self, into: &mut Vec<Completion>);

    /// What ends a wait, from any thread.
    fn waker(&self) -> Arc<dyn Wake>;
}

// SAFETY: as the backend inside.
unsafe impl<B: Backend + ?Sized> Backend for Box<B> {
    fn capacity(&self) -> u32 {
        (**self).capacity()
    }
    fn start(&mut self) -> Result<(), i32> {
        (**self).start()
    }
    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        // SAFETY: the caller's promise, passed on.
        unsafe { (**self).push(op, key) }
    }
    fn cancel(&mut self, key: u32) {
        (**self).cancel(key);
    }
    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        (**self).submit(wait)
    }
    fn reap(&mut self, into: &mut Vec<Completion>) {
        (**self).reap(into);
    }
    fn abandon(&mut self, into: &mut Vec<Completion>) {
        (**self).abandon(into);
    }
    fn waker(&self) -> Arc<dyn Wake> {
        (**self).waker()
    }
}
