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
            let first = unsafe { &mut *op.first_vector() };
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

#[cfg(all(test, unix, not(any(latchwork_loom, latchwork_shuttle))))]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::backend::RawFile;

    fn vectors(lengths: &[usize]) -> Vec<Vector> {
        let mut start = 1_000;
        let vector = |length: &usize| {
            let address = core::ptr::without_provenance_mut(start);
            start += 1_000;
            Vector { address, length: *length }
        };
        lengths.iter().map(vector).collect()
    }

    fn transfer(vectors: &mut [Vector]) -> Transfer {
        let op = RawOp {
            address: vectors.as_mut_ptr().cast(),
            length: vectors.iter().map(|vector| vector.length).sum(),
            offset: 50,
            vectors: vectors.len() as u32,
            ..RawOp::plain(Operation::Write, RawFile::NONE)
        };
        // SAFETY: the vectors live as long as the test.
        unsafe { Transfer::new(op) }
    }

    fn first(transfer: &Transfer) -> (usize, usize) {
        let vector = transfer.op.first_buffer();
        (vector.address.addr(), vector.length)
    }

    /// The boundary was once taken for the end, and the buffers behind it were lost.
    #[test]
    fn a_short_write_that_ends_between_two_buffers_goes_on() {
        let mut buffers = vectors(&[100, 0, 200, 300]);
        let mut transfer = transfer(&mut buffers);
        assert_eq!(transfer.advance(Ok(100)), Verdict::Again);
        assert_eq!((first(&transfer), transfer.op.vectors), ((3_000, 200), 2));
        assert_eq!((transfer.op.offset, transfer.op.length), (150, 500));
        assert_eq!(transfer.advance(Ok(50)), Verdict::Again);
        assert_eq!(first(&transfer), (3_050, 150));
        assert_eq!(transfer.advance(Ok(450)), Verdict::Done);
        assert_eq!(transfer.done, 600);
    }

    #[test]
    fn a_short_write_may_end_anywhere() {
        for cut in 1..600 {
            let mut buffers = vectors(&[0, 100, 200, 0, 300, 0]);
            let mut transfer = transfer(&mut buffers);
            assert_eq!(transfer.advance(Ok(cut)), Verdict::Again);
            let expected = match cut {
                ..100 => (2_000 + cut as usize, 100 - cut as usize),
                100..300 => (3_000 + cut as usize - 100, 300 - cut as usize),
                _ => (5_000 + cut as usize - 300, 600 - cut as usize),
            };
            assert_eq!(first(&transfer), expected, "{cut}");
            assert_eq!(transfer.advance(Ok(600 - cut)), Verdict::Done);
        }
    }

    #[test]
    fn success_without_a_byte_is_not_asked_again() {
        let mut buffers = vectors(&[100]);
        let mut transfer = transfer(&mut buffers);
        assert_eq!(transfer.advance(Ok(0)), Verdict::Failed(Cause::NoProgress));
        transfer.op.operation = Operation::Read;
        assert_eq!(transfer.advance(Ok(0)), Verdict::Failed(Cause::EndOfFile));
        transfer.op.operation = Operation::SyncAll;
        assert_eq!(transfer.advance(Ok(0)), Verdict::Done);
    }

    #[test]
    fn refusals_for_now_have_an_end() {
        let mut buffers = vectors(&[100]);
        let mut transfer = transfer(&mut buffers);
        for _ in 0..MOST_TRIES {
            assert_eq!(transfer.advance(Err(codes::AGAIN)), Verdict::Again);
        }
        let given_up = Verdict::Failed(Cause::Os(codes::AGAIN));
        assert_eq!(transfer.advance(Err(codes::AGAIN)), given_up);
    }

    #[test]
    fn zeros_are_written_where_the_file_system_cannot() {
        let op = RawOp { length: 100_000, ..RawOp::plain(Operation::Zero, RawFile::NONE) };
        // SAFETY: no vectors.
        let mut transfer = unsafe { Transfer::new(op) };
        assert_eq!(transfer.advance(Err(libc::EOPNOTSUPP)), Verdict::Again);
        assert_eq!(transfer.op.first_buffer().length, 1 << 16);
        assert_eq!(transfer.advance(Ok(1 << 16)), Verdict::Again);
        assert_eq!(transfer.op.first_buffer().length, 100_000 - (1 << 16));
        assert_eq!(transfer.op.first_buffer().address, zeros().as_ptr().cast_mut());
        assert_eq!(transfer.advance(Ok(100_000 - (1 << 16))), Verdict::Done);
    }
}
