//! Operations on the calling thread.

use crate::backend::RawOp;
use crate::backend::system::{perform, read_cached};
use crate::error::{Cause, Operation};
use crate::transfer::{Transfer, Verdict};

/// A read of more bytes takes longer than to hand it over.
const AT_ONCE: usize = 64 * 1024;

/// Does a short read that waits for nothing, and tells whether it did. Where it didn't, nothing is
/// said of the memory, and the read is still to be done.
///
/// # Safety
///
/// The file is open; the memory, and the vectors where there are any, are valid and exclusive.
pub(crate) unsafe fn read_at_once(op: RawOp) -> bool {
    if op.operation != Operation::Read || op.length > AT_ONCE {
        return false;
    }
    // SAFETY: the caller's promise.
    let transfer = unsafe { Transfer::new(op) };
    // SAFETY: the caller's promise; the range was looked at.
    transfer.without_kernel().is_none() && unsafe { read_cached(&transfer.op) }
}

/// Does an operation to its end.
///
/// # Errors
///
/// The bytes done before it failed, and why.
///
/// # Safety
///
/// The file is open; the memory is valid, and exclusive for a read.
pub(crate) unsafe fn perform_all(op: RawOp) -> Result<(), (usize, Cause)> {
    // SAFETY: the caller's promise.
    let mut transfer = unsafe { Transfer::new(op) };
    let mut verdict = transfer.without_kernel().unwrap_or(Verdict::Again);
    while verdict == Verdict::Again {
        // SAFETY: the caller's promise; what is left of an operation lies within it.
        let outcome = unsafe { perform(&transfer.op) };
        verdict = transfer.advance(outcome);
        if transfer.tries > 1 {
            latchwork_sync::thread::yield_now();
        }
    }
    match verdict {
        Verdict::Failed(cause) => Err((transfer.done, cause)),
        Verdict::Done | Verdict::Again => Ok(()),
    }
}
