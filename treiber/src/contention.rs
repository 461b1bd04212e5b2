//! What a thread does after it lost a race for a head.
//!
//! Processors that exchange one word in turn spend their time on handing its cache line over, not
//! on work: a loser that retries at once takes the line from a winner that could have gone on with
//! the line in its own cache. So a loser first leaves the line alone for longer than a handover
//! takes, in which the winner does many operations, and reads the head only after that. Each
//! further loss doubles the pause.
//!
//! A mailbox's push needs nothing but the head besides its own node, so after a pause it exchanges
//! twice in a row: should the first fail, it has brought the line and told what is in it, and the
//! second is done before the line is gone again. A read would bring the line for reading only.
//! Retrying without a pause makes late pushes rarer still and each item dearer, and pauses of a
//! microsecond or more the other way round.
//!
//! Pauses are bounded, and nothing but time is waited for: the loops stay lock-free. There is no
//! yield to the scheduler, since a lost race means that another thread has got on.
//!
//! # Processor time
//!
//! Operations on one head come one after the other, so while there are threads to run on `m`
//! processors, a pair of them costs `m` times its real time. To cost less, threads must sleep; or
//! pairs must be done on several processors at once, for which two threads would have to meet on
//! another line (elimination), and handing that over takes longer than a pair takes alone. What
//! `cargo versus treiber/pair_8t` shows with [`Pauses`] changed so, 8 threads and an `ArrayStack`
//! on 2 processors (AMD EPYC, 2026-11-21), as multiples of a pair by one thread:
//!
//! | a loser | processor time | real time |
//! | --- | --- | --- |
//! | pauses for 32 hints, up to 512 (as here) | 1.73 | 1.15 |
//! | pauses for 128, up to 512 | 1.82 | 1.05 |
//! | pauses for 512, up to 4,096 (0.1 ms) | 1.67 | 1.03 |
//! | tries once more, then pauses for 32, up to 512 | 1.83 | 1.19 |
//! | tries once more, then pauses for 4, up to 64 | 3.30 | 2.05 |
//! | yields to the scheduler | 1.76 | 1.09 |
//! | sleeps for 50 us | 1.41 | 1.17 |
//!
//! So real time comes near that of one thread, and processor time can't without making a push wait
//! for the scheduler.

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
pub(crate) type MailboxPauses = Pauses<3, 64>;
