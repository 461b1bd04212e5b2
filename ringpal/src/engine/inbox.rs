//! The inbox: one word that is the list of new batches and the driver's state.
//!
//! ```text
//!  AWAKE   a driver is at work; the only mark that stands beside batches
//!  SLEEP   the driver goes to sleep, or sleeps: who replaces it wakes
//!  CLOSED  no driver any more
//!  IDLE    nobody drives: who replaces it takes the role, or gives it to the thread
//! ```
//!
//! With the sleep mark in a word of its own, both sides would need a sequentially consistent
//! fence between their store and their look at the other word. The word's orderings, acquire and
//! release on every change, are [`MarkedMailbox`]'s: a mark hands over what its setter did.

use core::marker::PhantomData;

use latchwork_treiber::intrusive::{Chain, MarkedMailbox};

use super::batch::Loan;
use super::flaws::Flaws;

const AWAKE: usize = 0;
const SLEEP: usize = 1;
const CLOSED: usize = 2;
const IDLE: usize = 3;

/// What a submission found, and so what its submitter has to do.
#[derive(Debug)]
pub(super) enum Found {
    /// A driver that will look: nothing.
    Awake,
    /// A driver asleep: wake it.
    Asleep,
    /// Nobody. The batch was pushed: give the role to the thread.
    NobodyPushed,
    /// Nobody. The batch was not pushed: the submitter has the role now.
    NobodyClaimed(Loan),
    /// Closed. The batch was not pushed.
    Closed,
}

pub(super) struct Inbox<F> {
    word: MarkedMailbox<Loan>,
    flaws: PhantomData<F>,
}

impl<F: Flaws> Inbox<F> {
    /// An inbox whose driver is at work.
    pub(super) fn new() -> Self {
        Self { word: MarkedMailbox::new(AWAKE), flaws: PhantomData }
    }

    /// Publishes the batch; or, with `lead` and nobody driving, takes the role.
    #[inline]
    pub(super) fn submit(&self, mut loan: Loan, lead: bool) -> Found {
        loop {
            let pushed = self.word.push_with(loan, |seen| {
                let refused = seen.mark == CLOSED || (lead && seen.mark == IDLE);
                (!refused).then_some(AWAKE)
            });
            match pushed {
                Ok(seen) => {
                    return match seen.mark {
                        SLEEP if !F::NEVER_WAKE => Found::Asleep,
                        IDLE => Found::NobodyPushed,
                        _ => Found::Awake,
                    };
                }
                Err(refused) if refused.seen.mark == CLOSED => return Found::Closed,
                Err(refused) => loan = refused.node,
            }
            // Acquires what the last driver released by `leave`.
            if self.word.replace_mark(IDLE, AWAKE).is_ok() {
                return Found::NobodyClaimed(loan);
            }
        }
    }

    /// Driver: everything queued, newest first. Clears the sleep mark.
    #[inline]
    pub(super) fn take(&self) -> Chain<Loan> {
        self.word.take(AWAKE).1
    }

    /// Driver, awake: announces its sleep, unless something is queued (I1).
    #[inline]
    pub(super) fn arm(&self) -> bool {
        if F::ARM_BY_STORE {
            drop(self.word.take(SLEEP));
            return true;
        }
        self.word.replace_mark(AWAKE, SLEEP).is_ok()
    }

    /// Driver with nothing in flight or owed: gives the role up, unless something is queued (I7).
    /// `armed` says whether its sleep mark still stands where nothing was pushed.
    #[inline]
    pub(super) fn leave(&self, armed: bool) -> bool {
        if F::IDLE_BY_STORE {
            drop(self.word.take(IDLE));
            return true;
        }
        self.word.replace_mark(if armed { SLEEP } else { AWAKE }, IDLE).is_ok()
    }

    /// Driver: ends all pushing; the batches that came before, newest first (I4).
    pub(super) fn close(&self) -> Chain<Loan> {
        let before = self.word.take(CLOSED).1;
        if F::DROP_AT_CLOSE { Chain::new() } else { before }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.word.load().mark == CLOSED
    }
}
