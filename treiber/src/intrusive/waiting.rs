//! A mailbox with a consumer that sleeps.
//!
//! ```text
//! AWAKE, empty ──wait──► ASLEEP, empty ──push──► AWAKE, nodes      (this push wakes)
//! ```
//!
//! The sleep flag is a mark in the mailbox's word:
//!
//! - W1: the word says `ASLEEP` only while there are no nodes: the consumer puts it there in
//!   place of "awake and empty", in one exchange.
//! - W2: whoever replaces `ASLEEP` owes the event one set, and nobody else sets it. So there is
//!   one wake a sleep, and none is lost: a push comes either before the consumer's exchange, which
//!   then fails, or after it, and replaces the mark.
//! - W3: a consumer that gives up takes its mark back; if it is too late for that, a set is on its
//!   way, and is waited for, so that it can't end a later sleep.

use core::fmt;

use latchwork_sync::time::Instant;
use latchwork_sync::{Event, const_fn};

use super::chain::Chain;
use super::link::Owner;
use super::marked::MarkedMailbox;

const AWAKE: usize = 0;
const ASLEEP: usize = 1;

/// A mailbox whose one consumer can sleep until something comes, and is woken once.
///
/// - Progress: pushes are lock-free up to the system call of a wake; waiting blocks.
/// - Memory ordering: what a thread did before a push is visible to whoever takes the node.
/// - Cost: a push is a load and one exchange, and a system call only if the consumer sleeps.
///
/// ```
/// use latchwork_treiber::intrusive::{Node, WaitingMailbox};
///
/// let mailbox = WaitingMailbox::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| mailbox.push(Box::new(Node::new(7))));
///     assert!(mailbox.wait().map(|node| **node).eq([7]));
/// });
/// ```
pub struct WaitingMailbox<P: Owner> {
    mailbox: MarkedMailbox<P>,
    event: Event,
}

impl<P: Owner> WaitingMailbox<P> {
    const_fn! {
        /// An empty mailbox.
        pub fn new() -> Self {
            Self { mailbox: MarkedMailbox::new(AWAKE), event: Event::new() }
        }
    }

    /// Pushes a node, and wakes the consumer if it sleeps; returns whether it did.
    #[inline]
    pub fn push(&self, node: P) -> bool {
        let mut chain = Chain::new();
        chain.push_front(node);
        self.push_chain(chain)
    }

    /// Pushes a chain in one exchange; see [`super::Mailbox::push_chain`].
    #[inline]
    pub fn push_chain(&self, chain: Chain<P>) -> bool {
        if chain.is_empty() {
            return false;
        }
        let Ok(seen) = self.mailbox.push_chain_with(chain, |_| Some(AWAKE)) else {
            unreachable!("no push is refused")
        };
        let slept = seen.mark == ASLEEP;
        if slept {
            self.event.set(); // W2
        }
        slept
    }

    /// Takes what is there, newest first, without waiting. Any thread may.
    pub fn take_all(&self) -> Chain<P> {
        if self.mailbox.load().is_empty {
            return Chain::new();
        }
        // The mark stays: another may be asleep by now (W1).
        self.mailbox.take_keeping(ASLEEP).1
    }

    /// Waits until something is there, and takes everything, oldest first.
    ///
    /// # Panics
    ///
    /// When another thread is waiting: there is one consumer at a time.
    pub fn wait(&self) -> Chain<P> {
        loop {
            let chain = self.take_all();
            if !chain.is_empty() {
                return chain.reversed();
            }
            if self.lie_down() {
                self.event.wait();
                self.event.reset();
            }
        }
    }

    /// As [`Self::wait`], until the deadline; then the chain is empty.
    ///
    /// # Panics
    ///
    /// When another thread is waiting.
    pub fn wait_until(&self, deadline: Instant) -> Chain<P> {
        loop {
            let chain = self.take_all();
            if !chain.is_empty() {
                return chain.reversed();
            }
            if !self.lie_down() {
                continue;
            }
            if !self.event.wait_until(deadline) {
                if self.mailbox.replace_mark(ASLEEP, AWAKE).is_ok() {
                    return Chain::new();
                }
                self.event.wait(); // W3
                self.event.reset();
                return self.take_all().reversed();
            }
            self.event.reset();
        }
    }

    /// Says that the consumer sleeps; false where something has come.
    fn lie_down(&self) -> bool {
        match self.mailbox.replace_mark(AWAKE, ASLEEP) {
            Ok(()) => true,
            Err(seen) => {
                assert!(seen.mark == AWAKE, "two threads wait on one mailbox");
                false
            }
        }
    }
}

impl<P: Owner> Default for WaitingMailbox<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Owner> fmt::Debug for WaitingMailbox<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingMailbox").finish_non_exhaustive()
    }
}
