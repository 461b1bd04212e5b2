//! Bugs that a model can put back, to show that it would find them.

/// Each constant is a known bug; all are off in shipped code, where they vanish at compile time.
pub trait Flaws: Send + Sync + 'static {
    /// A push that replaces the sleep mark doesn't wake.
    const NEVER_WAKE: bool = false;
    /// The sleep mark is stored blindly, over what was pushed meanwhile.
    const ARM_BY_STORE: bool = false;
    /// What the exchange for `CLOSED` returned is dropped.
    const DROP_AT_CLOSE: bool = false;
    /// The batch is looked at again after its last completion was announced.
    const TOUCH_AFTER_DONE: bool = false;
    /// A leader leaves although others wait.
    const LEAVE_WITHOUT_HANDOVER: bool = false;
    /// The idle mark is stored blindly.
    const IDLE_BY_STORE: bool = false;
    /// What of a batch the kernel has no room for is forgotten.
    const LOSE_THE_REST: bool = false;
    /// A worker of the pool tells nobody that it has done something.
    const COMPLETE_IN_SILENCE: bool = false;
    /// The driver gives its share of an owned operation up before it has announced the end.
    const RELEASE_EARLY: bool = false;
    /// The driver keeps its share of an owned operation for ever.
    const NEVER_RELEASE: bool = false;
    /// A request to cancel doesn't keep its target in place.
    const CANCEL_KEEPS_NOTHING: bool = false;
    /// The driver looks at the notes of a target that it has given back.
    const STOP_BLINDLY: bool = false;
    /// A handle takes its result without a look at the event.
    const TAKE_BLINDLY: bool = false;
}

/// No bug.
#[derive(Clone, Copy, Debug)]
pub struct Sound;

impl Flaws for Sound {}
