//! Bugs that a model can put back, to show that it would find them.
#![cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "public for the models alone")
)]

/// Each constant is a known bug; all are off in shipped code, where they vanish at compile time.
pub trait Flaws: Send + Sync + 'static {
    /// The gateway as first published: see an empty queue, then store "free" over whatever came.
    const GATEWAY: bool = false;
    /// Wake by what was seen before the outcome was stored.
    const WAKE_BY_EARLIER_LOOK: bool = false;
    /// Touch the node after it has gone back to its owner.
    const TOUCH_AFTER: bool = false;
    /// Serve the inbox newest first.
    const LIFO: bool = false;
    /// Withdraw by look and store.
    const WITHDRAW_BLIND: bool = false;
    /// Claim without looking for a withdrawal.
    const CLAIM_BLIND: bool = false;
    /// Answer the failed batch before the gate is shut.
    const WAKE_BEFORE_GATE: bool = false;
    /// Shut the gate and leave, without refusing the inbox.
    const NO_DRAIN: bool = false;
    /// A flag beside the word instead of a bit in it.
    const POISON_FLAG: bool = false;
    /// No guard against a panic of the sink.
    const NO_GUARD: bool = false;
    /// Answer Ok while unwinding, as if the batch had been written.
    const OK_ON_UNWIND: bool = false;
    /// Close by a flag first and a push after.
    const CLOSE_IN_TWO_STEPS: bool = false;
    /// Announce the sleep by a store instead of an exchange.
    const PARK_BLIND: bool = false;
    /// Read the reason of the poison without a fence.
    const NO_REASON_FENCE: bool = false;
    /// Give room back without looking for those that wait for it.
    const ROOM_FORGOTTEN: bool = false;
    /// The dedicated thread makes its node ready again after its tenure instead of before.
    const LATE_RESET: bool = false;
    /// Close without telling the dedicated thread.
    const NO_FAREWELL: bool = false;
    /// Queue on the idle word without giving the dedicated thread the role.
    const ENQUEUE_ONLY: bool = false;
    /// Put a new waker in the old one's place without taking its announcement back.
    const WAKER_IN_PLACE: bool = false;
    /// Announce the waker by a store instead of an exchange.
    const WAKER_BY_STORE: bool = false;
    /// A dropped submission frees its node whoever else has it.
    const DROP_FREES: bool = false;
    /// Store the answer first and take the waker out of the node after.
    const WAKER_AFTER_ANSWER: bool = false;
    /// Launch a flight without waiting for its lane.
    const LAUNCH_BLIND: bool = false;
    /// Land and answer when the own sync has ended, whatever is in front.
    const LAND_OUT_OF_TURN: bool = false;
    /// Believe the own sync after an earlier one has failed.
    const FAIL_ALONE: bool = false;
    /// Take a turn with the sink while syncs are in flight.
    const TURN_IN_FLIGHT: bool = false;
    /// Leave the queue to whoever is next when a flight has failed.
    const QUEUE_OF_NOBODY: bool = false;
}

/// No bug.
#[derive(Clone, Copy, Debug)]
pub struct Sound;

impl Flaws for Sound {}
