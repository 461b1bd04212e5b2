//! The one word that decides every race.
//!
//! ```text
//!  63                                    3    2       1        0
//! +---------------------------------------+------+----------+--------+
//! | newest node of the inbox, or null     | IDLE | POISONED | CLOSED |
//! +---------------------------------------+------+----------+--------+
//! ```
//!
//! `IDLE`: nobody holds the role; the inbox is empty. Without it, somebody does, and the pointer
//! is the newest of the nodes pushed since the holder last looked, linked from newer to older.
//! `CLOSED` and `POISONED` refuse every push; they are never taken back.

use core::fmt;
use core::ptr;

use latchwork_sync::atomic::{AtomicPtr, Ordering};

use crate::node::Node;
use crate::sink::Sink;

/// The writer is closed: the node that closed it was the last to be pushed.
const CLOSED: usize = 1;
/// The writer is poisoned: the reason was written before this bit was set.
const POISONED: usize = 2;
/// Nobody holds the role.
const IDLE: usize = 4;

const SHUT: usize = CLOSED | POISONED;
const BITS: usize = IDLE | SHUT;

/// A value of the word.
pub(crate) struct Head<S: Sink>(*mut Node<S>);

impl<S: Sink> Clone for Head<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Sink> Copy for Head<S> {}

impl<S: Sink> fmt::Debug for Head<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({:#x})", self.0.addr())
    }
}

impl<S: Sink> Head<S> {
    /// Open, nobody holds the role.
    pub(crate) fn idle() -> Self {
        Self(ptr::without_provenance_mut(IDLE))
    }

    /// Open, the role is held, the inbox is empty.
    pub(crate) fn held() -> Self {
        Self(ptr::null_mut())
    }

    /// Whether a submitter may take the role and is not refused.
    #[inline]
    pub(crate) fn is_open_and_idle(self) -> bool {
        self.0.addr() == IDLE
    }

    pub(crate) fn is_idle(self) -> bool {
        self.0.addr() & IDLE != 0
    }

    pub(crate) fn is_shut(self) -> bool {
        self.0.addr() & SHUT != 0
    }

    pub(crate) fn is_poisoned(self) -> bool {
        self.0.addr() & POISONED != 0
    }

    /// The inbox's newest node, or null.
    pub(crate) fn newest(self) -> *mut Node<S> {
        self.0.map_addr(|address| address & !BITS)
    }

    /// The same gate, held, with an empty inbox.
    pub(crate) fn emptied(self) -> Self {
        Self(ptr::without_provenance_mut(self.0.addr() & SHUT))
    }

    /// The same gate, the role free.
    pub(crate) fn released(self) -> Self {
        Self(ptr::without_provenance_mut(self.0.addr() & SHUT | IDLE))
    }

    /// The same gate, held, with this node as the newest.
    pub(crate) fn with_newest(self, node: *mut Node<S>) -> Self {
        debug_assert_eq!(node.addr() & BITS, 0, "nodes are aligned past the bits");
        Self(node.map_addr(|address| address | self.0.addr() & SHUT))
    }

    pub(crate) fn closed(self) -> Self {
        Self(self.0.map_addr(|address| address | CLOSED))
    }

    pub(crate) fn poisoned(self) -> Self {
        Self(self.0.map_addr(|address| address | POISONED))
    }
}

/// The word itself.
pub(crate) struct AtomicHead<S: Sink>(AtomicPtr<Node<S>>);

impl<S: Sink> AtomicHead<S> {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(Head::<S>::idle().0))
    }

    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(crate) fn load(&self, order: Ordering) -> Head<S> {
        Head(self.0.load(order))
    }

    /// Replaces `from` by `to`. A failure orders nothing: every caller looks again or gives up.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub(crate) fn exchange(
        &self,
        from: Head<S>,
        to: Head<S>,
        success: Ordering,
    ) -> Result<(), Head<S>> {
        match self.0.compare_exchange(from.0, to.0, success, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(now) => Err(Head(now)),
        }
    }
}
