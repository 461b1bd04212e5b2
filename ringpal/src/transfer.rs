//! One operation and its way through short results, interrupts and refusals.

use crate::backend::system::codes;
use crate::backend::{Outcome, RawOp};
use crate::error::{Cause, Operation};

/// So often in a row an operation may be refused for the moment before that is its result.
const MOST_TRIES: u32 = 10_000;

/// What every direct transfer is a multiple of.
const SECTOR: usize = 512;

/// What is left of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
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
    pub(crate) fn new(op: RawOp) -> Self {
        Self { op, done: 0, tries: 0 }
    }

    /// The verdict on operations that the kernel must not see, or need not.
    #[inline]
    pub(crate) fn without_kernel(&self) -> Option<Verdict> {
        let op = &self.op;
        if !matches!(op.operation, Operation::Write | Operation::Read) {
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
        let op = &mut self.op;
        match (op.operation, outcome) {
            (Operation::Write, Ok(0)) => Verdict::Failed(Cause::NoProgress),
            (Operation::Read, Ok(0)) => Verdict::Failed(Cause::EndOfFile),
            (Operation::Write | Operation::Read, Ok(moved)) => {
                let moved = (moved as usize).min(op.length);
                self.tries = 0;
                self.done += moved;
                op.offset += moved as u64;
                op.length -= moved;
                // Within the buffer, or one past its end.
                op.address = op.address.wrapping_add(moved);
                if op.length == 0 { Verdict::Done } else { Verdict::Again }
            }
            (_, Ok(_)) => Verdict::Done,
            (_, Err(code)) => self.refused(code),
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
        // A direct read that ended within a block has met the end of the file; its rest can't be
        // asked for.
        let beyond_the_end = self.op.operation == Operation::Read
            && code == codes::INVALID
            && !self.done.is_multiple_of(SECTOR);
        Verdict::Failed(if beyond_the_end { Cause::EndOfFile } else { Cause::Os(code) })
    }
}
