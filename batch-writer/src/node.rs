//! A submitter's place in the queue, and how its owner waits there.
//!
//! ```text
//!           push            claim            fulfil
//!  (owner) -----> QUEUED ----------> CLAIMED -------> LEAD or DONE   back to the owner
//!                   | PARKED may be added while the owner sleeps
//!                   +-- withdraw --> WITHDRAWN -> the second of FORGOTTEN and CLAIMED frees it
//! ```
//!
//! - N1: from push to fulfil the node belongs to the queue, that is, to the holder of the role, and
//!   once it was claimed into a batch, to who commits that batch; the owner touches `state` alone,
//!   and the waker's place by the rules of `task.rs`.
//! - N2: whoever fulfils a node doesn't touch it after the exchange that stores `LEAD` or `DONE`;
//!   the wake that may follow uses the address alone, or a waker taken out before. So the owner
//!   may free it at once.
//! - N3: only nodes with a deadline and nodes of tasks are ever withdrawn; only they are claimed
//!   by a step of its own. They lie on the heap: they may outlive their owner's call.
//! - N4: a withdrawn node is freed by the later of its owner, which first takes its operation
//!   back, and the holder of the role, which first unlinks it. A claimed one whose owner has left
//!   is freed by the later of that owner and the holder, which first stores `DONE`.

use core::fmt;
use core::task::Waker;

use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::time::Instant;
use latchwork_sync::wait::{Address, Class, Waited, wait, wake_one};

use crate::error::{Cause, Poison};
use crate::flaws::Flaws;
use crate::sink::Sink;
use crate::task;

const QUEUED: u32 = 0;
/// The owner sleeps on the state, or has left its waker in the node.
pub(crate) const PARKED: u32 = 1;
/// The holder of the role has unlinked the node.
pub(crate) const CLAIMED: u32 = 2;
/// The owner gave up before the claim.
pub(crate) const WITHDRAWN: u32 = 4;
/// The owner is done with a node that it has withdrawn, or that was claimed before it could.
pub(crate) const FORGOTTEN: u32 = 8;
/// The owner has the role, and its operation back.
const LEAD: u32 = 16;
/// The answer is in the node.
pub(crate) const DONE: u32 = 32;
/// The holder of the role takes the waker out; `DONE` follows.
pub(crate) const TAKING: u32 = 64;

/// What the queue does with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An operation whose owner waits without a deadline.
    Patient,
    /// An operation whose owner may withdraw it.
    Timed,
    /// An operation of a task, which may withdraw it and never gets the role.
    Task,
    /// No operation: the owner wants the role itself, once.
    Turn,
    /// The dedicated thread's, never queued: it gets the role again and again.
    Dedicated,
}

/// How an operation ended.
pub(crate) enum Answer<S: Sink> {
    Output(S::Output),
    Failed(S::Error),
    Unknown(Cause<S::Error>),
    /// Never executed: the operation is still in the node.
    Refused(Poison<S::Error>),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    Lead,
    Done,
    Withdrawn,
}

/// Aligned past the bits of the head word.
#[repr(align(8))]
pub(crate) struct Node<S: Sink> {
    pub(crate) state: AtomicU32,
    kind: Kind,
    /// What the operation counts against the bounds.
    pub(crate) bytes: usize,
    /// The node pushed before this one; later the next in line.
    pub(crate) next: UnsafeCell<*mut Node<S>>,
    op: UnsafeCell<Option<S::Op>>,
    answer: UnsafeCell<Option<Answer<S>>>,
    /// A task's (`task.rs`).
    pub(crate) waker: UnsafeCell<Option<Waker>>,
}

impl<S: Sink> fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Under a checker the end of a node is an access of its own, so that one who comes late is found.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
impl<S: Sink> Drop for Node<S> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            latchwork_sync::atomic::AtomicMut::load_mut(&mut self.state);
            self.next.get_mut();
            self.op.get_mut();
            self.answer.get_mut();
            self.waker.get_mut();
        }
    }
}

impl<S: Sink> Node<S> {
    pub(crate) fn new(kind: Kind, op: Option<S::Op>, bytes: usize) -> Self {
        Self {
            state: AtomicU32::new(QUEUED),
            kind,
            bytes,
            next: UnsafeCell::new(core::ptr::null_mut()),
            op: UnsafeCell::new(op),
            answer: UnsafeCell::new(None),
            waker: UnsafeCell::new(None),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes the operation out.
    ///
    /// # Safety
    ///
    /// The node is the caller's: its owner's before push and after fulfil or withdrawal, the
    /// role holder's between (N1).
    pub(crate) unsafe fn take_op(&self) -> Option<S::Op> {
        // SAFETY: the caller has the node for itself.
        self.op.with_mut(|op| unsafe { (*op).take() })
    }

    /// Takes the answer out.
    ///
    /// # Safety
    ///
    /// The caller owns the node and has seen `DONE`.
    pub(crate) unsafe fn take_answer(&self) -> Option<Answer<S>> {
        // SAFETY: the node came back to its owner with `DONE` (N2).
        self.answer.with_mut(|answer| unsafe { (*answer).take() })
    }

    /// Makes the dedicated thread's node ready to be given the role again. For its owner alone,
    /// while it holds the role.
    pub(crate) fn make_ready(&self) {
        // Relaxed: whoever gives the role next has it from this holder, which orders this store.
        self.state.store(QUEUED, Ordering::Relaxed);
    }

    /// Waits until the role or the answer comes, or until the deadline has passed and the node
    /// could be withdrawn.
    pub(crate) fn wait_turn<F: Flaws>(&self, mut deadline: Option<Instant>) -> Turned {
        loop {
            // Acquire: pairs with the Release exchange of `fulfil`.
            let mut seen = self.state.load(Ordering::Acquire);
            if seen & (PARKED | LEAD | DONE) == 0 {
                if F::PARK_BLIND {
                    self.state.store(seen | PARKED, Ordering::Relaxed);
                    seen |= PARKED;
                } else {
                    // Relaxed: falling asleep publishes nothing. A failure is looked at again.
                    match self.state.compare_exchange(
                        seen,
                        seen | PARKED,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    ) {
                        Ok(_) => seen |= PARKED,
                        Err(_) => continue,
                    }
                }
            }
            if seen & LEAD != 0 {
                return Turned::Lead;
            }
            if seen & DONE != 0 {
                return Turned::Done;
            }
            if wait(&self.state, seen, Class::ANY, deadline) == Waited::TimedOut {
                if self.withdraw::<F>() {
                    return Turned::Withdrawn;
                }
                // Claimed: the outcome is on its way, and only it ends the wait.
                deadline = None;
            }
        }
    }

    /// Takes the node back from the queue, unless the holder of the role was first.
    pub(crate) fn withdraw<F: Flaws>(&self) -> bool {
        // Relaxed: only a hint for the exchange.
        let mut seen = self.state.load(Ordering::Relaxed);
        let mut looked = false;
        while seen & (CLAIMED | LEAD | DONE | TAKING) == 0 || (F::WITHDRAW_BLIND && looked) {
            looked = true;
            // Relaxed: nothing is handed over yet; `forget` does that.
            match self.state.compare_exchange(seen, WITHDRAWN, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}

/// Lets go of a node that its owner has withdrawn, and whose operation it has taken back; or that
/// was claimed before it could be withdrawn, and whose outcome nobody wants.
///
/// # Safety
///
/// `node` came from a `Box`, it was queued, and its owner doesn't use it again.
pub(crate) unsafe fn forget<S: Sink, F: Flaws>(node: *mut Node<S>) {
    // SAFETY: the node is freed by the later of two, and the caller has not been there yet (N4).
    let state = unsafe { &(*node).state };
    // AcqRel: Release gives what the owner did to a holder that comes later; Acquire takes what
    // the holder did if it came first.
    let before = state.fetch_or(FORGOTTEN, Ordering::AcqRel);
    let last = WITHDRAWN | CLAIMED;
    if before & DONE != 0 || before & last == last || F::DROP_FREES {
        // SAFETY: the holder of the role came first: it has unlinked the withdrawn node, or
        // stored the claimed one's answer (N4).
        drop(unsafe { Box::from_raw(node) });
    }
}

/// Makes an unlinked node the holder's, or tells that its owner has withdrawn it.
///
/// # Safety
///
/// The caller holds the role and has just unlinked the node; it doesn't touch the node again
/// after a `false`.
pub(crate) unsafe fn claim<S: Sink, F: Flaws>(node: *mut Node<S>) -> bool {
    // SAFETY: an unlinked node belongs to the holder of the role (N1), or was withdrawn and lives
    // until both are done with it (N4).
    let kind = unsafe { (*node).kind };
    if !matches!(kind, Kind::Timed | Kind::Task) {
        return true;
    }
    // SAFETY: as above.
    let state = unsafe { &(*node).state };
    // AcqRel: pairs with `forget`, both ways.
    let before = state.fetch_or(CLAIMED, Ordering::AcqRel);
    if before & WITHDRAWN == 0 || F::CLAIM_BLIND {
        return true;
    }
    if before & FORGOTTEN != 0 {
        // SAFETY: its owner came first (N4).
        drop(unsafe { Box::from_raw(node) });
    }
    false
}

/// Gives the owner the role.
///
/// # Safety
///
/// The caller holds the role, has claimed the node or has the dedicated thread's, and uses neither
/// role nor node afterwards.
pub(crate) unsafe fn give_lead<S: Sink, F: Flaws>(node: *const Node<S>) -> bool {
    // SAFETY: passed on.
    unsafe { fulfil::<S, F>(node, LEAD) }
}

/// Tells the dedicated thread that it won't get the role again.
///
/// # Safety
///
/// The caller is the last holder of the role, and the dedicated thread has not ended.
pub(crate) unsafe fn send_home<S: Sink, F: Flaws>(node: *const Node<S>) {
    // SAFETY: passed on.
    unsafe { fulfil::<S, F>(node, DONE) };
}

/// Gives the owner its answer; returns whether it had to be woken.
///
/// # Safety
///
/// The caller holds the role, has claimed the node, and doesn't use the node afterwards.
pub(crate) unsafe fn answer<S: Sink, F: Flaws>(node: *mut Node<S>, answer: Answer<S>) -> bool {
    // SAFETY: a claimed node belongs to the holder of the role (N1).
    let place = unsafe { &(*node).answer };
    // SAFETY: as above.
    let kind = unsafe { (*node).kind };
    // SAFETY: as above.
    place.with_mut(|place| unsafe { *place = Some(answer) });
    if kind == Kind::Task {
        // SAFETY: passed on.
        unsafe { task::fulfil::<S, F>(node) }
    } else {
        // SAFETY: passed on.
        unsafe { fulfil::<S, F>(node, DONE) }
    }
}

/// # Safety
///
/// As [`give_lead`] and [`answer`].
unsafe fn fulfil<S: Sink, F: Flaws>(node: *const Node<S>, bits: u32) -> bool {
    // SAFETY: a claimed node belongs to the holder of the role until the exchange below.
    let state = unsafe { &(*node).state };
    let address = Address::of(state);
    let earlier = F::WAKE_BY_EARLIER_LOOK && state.load(Ordering::Relaxed) & PARKED == 0;
    // Release: gives the owner the answer, or the role; pairs with the load of `wait_turn`.
    let parked = state.swap(bits, Ordering::Release) & PARKED != 0 && !earlier;
    if F::TOUCH_AFTER {
        // SAFETY: none, that is the bug: the owner may be gone.
        unsafe { &(*node).answer }.with_mut(|_| ());
    }
    // From here on the node is its owner's (N2): `address` is a mere number.
    if parked {
        wake_one(address);
    }
    parked
}
