//! Bugs that the models put back, one a run. Outside checking builds there are none: [`has`] is
//! the constant `false`.

#[cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "public for the models alone")
)]
/// A known mistake, named after what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The gateway as first published: see an empty queue, then store "free".
    Gateway,
    /// Store the outcome without an exchange where no sleeper was seen.
    PublishBlind,
    /// Touch the node after it has gone back to its owner.
    TouchAfter,
    /// Serve the inbox newest first.
    Lifo,
    /// Withdraw by look and store.
    WithdrawBlind,
    /// Claim without looking for a withdrawal.
    ClaimBlind,
    /// Answer the failed batch before the gate is shut.
    WakeBeforeGate,
    /// Shut the gate and leave, without refusing the inbox.
    NoDrain,
    /// A flag beside the word instead of a bit in it.
    PoisonFlag,
    /// No guard against a panic of the sink.
    NoGuard,
    /// Answer Ok while unwinding, as if the batch had been written.
    OkOnUnwind,
    /// Close by a flag first and a push after.
    CloseInTwoSteps,
    /// Announce the sleep by a store instead of an exchange.
    ParkBlind,
    /// Read the reason of the poison without a fence.
    NoReasonFence,
    /// Give room back without looking for those that wait for it.
    RoomForgotten,
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
#[inline]
pub(crate) const fn has(_bug: Bug) -> bool {
    false
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod chosen {
    use super::Bug;
    use std::cell::Cell;

    std::thread_local! {
        // The explorer runs every thread of a model on one system thread.
        static BUG: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Puts a bug back, for this process.
    pub fn put_back(bug: Bug) {
        BUG.set(Some(bug));
    }

    pub(crate) fn has(bug: Bug) -> bool {
        BUG.get() == Some(bug)
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub(crate) use chosen::has;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use chosen::put_back;
