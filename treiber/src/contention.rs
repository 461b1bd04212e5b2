//! What a thread does after it lost a race for a head.
//!
//! Processors that exchange one word in turn spend their time on handing its cache line over, not
//! on work: a loser that retries at once takes the line from a winner that could have gone on with
//! the line in its own cache. So a loser first leaves the line alone for longer than a handover
//! takes, in which the winner does many operations, and reads the head only after that. Each
//! further loss doubles the pause.
//!
//! Pauses are bounded, and nothing but time is waited for: the loops stay lock-free. There is no
//! yield to the scheduler, since a lost race means that another thread has got on.

/// The pauses of one operation: `FIRST` hints to the processor after the first loss, `MOST` at
/// most. A hint takes from ten to a hundred cycles, as the processor has it.
#[derive(Debug)]
pub(crate) struct Pauses<const FIRST: u32, const MOST: u32> {
    #[cfg_attr(
        any(latchwork_loom, latchwork_shuttle),
        allow(dead_code, reason = "no time passes")
    )]
    next: u32,
}

impl<const FIRST: u32, const MOST: u32> Pauses<FIRST, MOST> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Lets time pass. A checker has none: a retry needs no other thread's step.
    #[inline]
    #[cfg_attr(
        any(latchwork_loom, latchwork_shuttle),
        allow(clippy::unused_self, reason = "no time passes")
    )]
    pub(crate) fn pause(&mut self) {
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        {
            (0..self.next).for_each(|_| latchwork_sync::hint::spin_loop());
            self.next = (self.next * 2).min(MOST);
        }
    }
}

/// For stacks, where one operation touches several lines: the handle of a line's loss.
pub(crate) type StackPauses = Pauses<32, 512>;

/// For mailboxes, where a push is one exchange, and soon over.
pub(crate) type MailboxPauses = Pauses<4, 64>;
