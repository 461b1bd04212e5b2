//! Operations on the calling thread.

use crate::backend::RawOp;
use crate::backend::system::perform;
use crate::error::Cause;
use crate::transfer::{Transfer, Verdict};

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
