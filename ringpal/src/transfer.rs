//! One operation and its way through short results, interrupts and refusals.

use crate::backend::system::codes;
use crate::backend::{Outcome, RawOp, Vector, zeros};
use crate::error::{Cause, Operation};

/// So often in a row an operation may be refused for the moment before that is its result.
const MOST_TRIES: u32 = 10_000;

/// What every direct transfer is a multiple of.
const SECTOR: usize = 512;

/// What is left of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    /// Its vectors, where it has any, begin with one that is not empty.
    pub(crate) op: RawOp,
    pub(crate) done: usize,
    /// Refusals in a row.
    pub(crate) tries: u32,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of it is done.
    Done,
    /// `op` is what is left: submit it.
    Again,
    /// It has failed.
    Failed(Cause),
}

impl Transfer {
    /// The whole of an operation.
    ///
    /// # Safety
    ///
    /// The vectors of a vectored operation stay valid, and the transfer's alone, as long as it is
    /// used.
    #[inline]
    pub(crate) unsafe fn new(op: RawOp) -> Self {
        let mut transfer = Self { op, done: 0, tries: 0 };
        if op.vectors > 0 {
            transfer.skip_in_vectors(0);
        }
        transfer
    }

    /// The verdict on operations that the kernel must not see, or need not.
    #[inline]
    pub(crate) fn without_kernel(&self) -> Option<Verdict> {
        let op = &self.op;
        if !op.operation.has_range() {
            return None;
        }
        // Among them offset u64::MAX, which io_uring takes for "wherever the file's cursor is".
        match op.offset.checked_add(op.length as u64) {
            Some(end) if i64::try_from(end).is_ok() => (op.length == 0).then_some(Verdict::Done),
            _ => Some(Verdict::Failed(Cause::OffsetTooLarge)),
        }
    }

    /// Moves on by what the kernel says.
    #[inline]
    pub(crate) fn advance(&mut self, outcome: Outcome) -> Verdict {
        match (self.op.operation, outcome) {
            (Operation::Write, Ok(0)) => Verdict::Failed(Cause::NoProgress),
            (Operation::Read, Ok(0)) => Verdict::Failed(Cause::EndOfFile),
            (Operation::Write | Operation::Read, Ok(moved)) => self.move_on(moved),
            (Operation::Zero, Ok(moved)) if !self.op.address.is_null() => match moved {
                0 => Verdict::Failed(Cause::NoProgress),
                moved => self.move_on(moved),
            },
            (_, Ok(_)) => Verdict::Done,
            (_, Err(code)) => self.refused(code),
        }
    }

    #[inline]
    fn move_on(&mut self, moved: u32) -> Verdict {
        let op = &mut self.op;
        let moved = (moved as usize).min(op.length);
        self.tries = 0;
        self.done += moved;
        op.offset += moved as u64;
        op.length -= moved;
        if op.length == 0 {
            return Verdict::Done;
        }
        if op.vectors > 0 {
            self.skip_in_vectors(moved);
        } else if op.operation != Operation::Zero {
            // Within the buffer, since some of it is left.
            op.address = op.address.wrapping_add(moved);
        }
        Verdict::Again
    }

    /// Drops so many bytes, and the empty vectors behind them, from the front of the vectors. A
    /// transfer that ended just where a vector does goes on with the next one.
    #[cold]
    fn skip_in_vectors(&mut self, mut bytes: usize) {
        let op = &mut self.op;
        while op.vectors > 0 {
            // SAFETY: `new`'s contract: a vector that is the transfer's alone.
            let first = unsafe { &mut *op.address.cast::<Vector>() };
            if first.length > bytes {
                first.address = first.address.wrapping_add(bytes);
                first.length -= bytes;
                return;
            }
            bytes -= first.length;
            op.vectors -= 1;
            op.address = op.address.wrapping_add(size_of::<Vector>());
        }
    }

    #[cold]
    fn refused(&mut self, code: i32) -> Verdict {
        // Cancelled: the kernel does so to what a thread has submitted for others when it exits.
        let for_now = [codes::INTERRUPTED, codes::AGAIN, codes::CANCELLED].contains(&code);
        if for_now && self.tries < MOST_TRIES {
            self.tries += 1;
            return Verdict::Again;
        }
        if self.op.operation == Operation::Zero
            && self.op.address.is_null()
            && codes::is_unsupported(code)
        {
            // The file system can't; zeros are written instead.
            self.op.address = zeros().as_ptr().cast_mut();
            return Verdict::Again;
        }
        // A direct read that ended within a block has met the end of the file; its rest can't be
        // asked for.
        let beyond_the_end = self.op.operation == Operation::Read
            && code == codes::INVALID
            && !self.done.is_multiple_of(SECTOR);
        Verdict::Failed(if beyond_the_end { Cause::EndOfFile } else { Cause::Os(code) })
    }
}
