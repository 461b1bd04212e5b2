//! A mailbox whose word also says what its owner is doing.
//!
//! ```text
//! word = address of the newest node, or 0 │ mark (the bits that alignment leaves free)
//! ```
//!
//! A sleep flag, a closed flag or a role beside a mailbox needs a handshake between two words;
//! in the same word every race between them is decided by one exchange, and "who replaced the
//! sleeping mark" is "who wakes".
//!
//! The invariants are those of [`Mailbox`](super::Mailbox); and
//!
//! - M1: every change of the word is a read-modify-write with Release, and whoever may act upon
//!   what it read has Acquire: a mark can hand over a role, with all that its holder wrote.

use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::{AtomicMut, AtomicUsize, Ordering, fence};
use latchwork_sync::const_fn;

use super::chain::{Chain, set_next};
use super::link::Owner;

/// What the word of a [`MarkedMailbox`] said at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The mark.
    pub mark: usize,
    /// Whether there were no nodes.
    pub is_empty: bool,
}

/// A push that was refused: the node comes back.
pub struct Refused<P> {
    /// The node.
    pub node: P,
    /// What the word said.
    pub seen: Seen,
}

impl<P> fmt::Debug for Refused<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A [`Mailbox`](super::Mailbox) with a mark in its word: asleep, closed, idle, whatever its
/// owner defines.
///
/// Marks go from 0 to [`MarkedMailbox::LARGEST_MARK`], which the alignment of the node decides;
/// give the node `#[repr(align(N))]` for more.
///
/// - Progress: pushes are lock-free, all else is wait-free.
/// - Memory ordering: whatever reads the word acquires what was done before it was last changed;
///   whatever changes it releases what the caller did.
/// - Cost: one load and one exchange a push; one swap a take.
///
/// A consumer that sleeps, and is woken exactly once:
///
/// ```
/// use latchwork_treiber::intrusive::{MarkedMailbox, Node};
///
/// const AWAKE: usize = 0;
/// const ASLEEP: usize = 1;
/// let mailbox = MarkedMailbox::new(AWAKE);
/// assert!(mailbox.replace_mark(AWAKE, ASLEEP).is_ok()); // nothing there: the consumer lies down
///
/// let push = |value| mailbox.push_with(Box::new(Node::new(value)), |_| Some(AWAKE)).unwrap();
/// assert_eq!(push(1).mark, ASLEEP); // this one must wake it
/// assert_eq!(push(2).mark, AWAKE); // this one needn't
///
/// let (_, chain) = mailbox.take(AWAKE);
/// assert!(chain.reversed().map(|node| **node).eq([1, 2]));
/// ```
pub struct MarkedMailbox<P: Owner> {
    word: AtomicUsize,
    /// Invariant in `P`, as a mailbox is.
    owner: PhantomData<core::cell::Cell<P>>,
}

// SAFETY: a mailbox moves owners between threads and shares none.
unsafe impl<P: Owner + Send> Send for MarkedMailbox<P> {}
// SAFETY: as above.
unsafe impl<P: Owner + Send> Sync for MarkedMailbox<P> {}

impl<P: Owner> MarkedMailbox<P> {
    /// The largest mark: what the node's alignment leaves free.
    pub const LARGEST_MARK: usize = align_of::<P::Node>() - 1;

    const_fn! {
        /// An empty mailbox with this mark.
        ///
        /// # Panics
        ///
        /// When `mark` is above [`Self::LARGEST_MARK`].
        pub fn new(mark: usize) -> Self {
            assert!(mark < align_of::<P::Node>(), "the mark needs a node of larger alignment");
            Self { word: AtomicUsize::new(mark), owner: PhantomData }
        }
    }

    #[inline]
    fn check(mark: usize) {
        assert!(mark <= Self::LARGEST_MARK, "the mark needs a node of larger alignment");
    }

    #[inline]
    fn seen(word: usize) -> Seen {
        Seen { mark: word & Self::LARGEST_MARK, is_empty: word <= Self::LARGEST_MARK }
    }

    /// # Safety
    ///
    /// The caller has just taken the nodes out of `word`.
    #[inline]
    unsafe fn chain(word: usize) -> Chain<P> {
        // SAFETY: by contract.
        unsafe { Chain::from_address(word & !Self::LARGEST_MARK) }
    }

    /// What the word says.
    #[inline]
    pub fn load(&self) -> Seen {
        // Acquire: M1.
        Self::seen(self.word.load(Ordering::Acquire))
    }

    /// Pushes a node if `decide` allows it; returns what the word said before.
    ///
    /// `decide` is told what the word says, and gives the mark to leave with the node, or `None`
    /// to refuse. It may be called several times; the last answer is the one that counts.
    ///
    /// # Errors
    ///
    /// The node, where `decide` refused.
    ///
    /// # Panics
    ///
    /// When the mark is above [`Self::LARGEST_MARK`]; the node is dropped then.
    #[inline]
    pub fn push_with(
        &self,
        node: P,
        decide: impl FnMut(Seen) -> Option<usize>,
    ) -> Result<Seen, Refused<P>> {
        let mut chain = Chain::new();
        chain.push_front(node);
        self.push_chain_with(chain, decide).map_err(|(mut chain, seen)| Refused {
            node: chain.pop_front().expect("the node that was put in above"),
            seen,
        })
    }

    /// Pushes a chain in one exchange if `decide` allows it; see [`Self::push_with`].
    ///
    /// # Errors
    ///
    /// The chain, where `decide` refused.
    ///
    /// # Panics
    ///
    /// When the mark is above [`Self::LARGEST_MARK`]; the nodes are dropped then.
    #[inline]
    pub fn push_chain_with(
        &self,
        mut chain: Chain<P>,
        mut decide: impl FnMut(Seen) -> Option<usize>,
    ) -> Result<Seen, (Chain<P>, Seen)> {
        let Some((first, last)) = chain.ends() else { return Ok(self.load()) };
        // Relaxed: the fence below, or the exchange, acquires (M1).
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let seen = Self::seen(word);
            let Some(mark) = decide(seen) else {
                // Acquire: a closed mark may have come with its cause.
                fence(Ordering::Acquire);
                return Err((chain, seen));
            };
            Self::check(mark);
            // SAFETY: not published yet.
            unsafe { set_next(last, word & !Self::LARGEST_MARK) };
            // AcqRel: Release pairs with whoever takes the nodes; Acquire, since the mark that
            // was replaced may have handed over a role (M1).
            match self.word.compare_exchange_weak(
                word,
                first | mark,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    core::mem::forget(chain);
                    return Ok(seen);
                }
                Err(now) => word = now,
            }
            // SAFETY: still not published. `decide` may panic, and then the chain is dropped.
            unsafe { set_next(last, 0) };
        }
    }

    /// Takes everything, newest first, and leaves `mark`; tells what the word said.
    ///
    /// # Panics
    ///
    /// When `mark` is above [`Self::LARGEST_MARK`].
    #[inline]
    pub fn take(&self, mark: usize) -> (Seen, Chain<P>) {
        Self::check(mark);
        // AcqRel: Acquire pairs with the pushes; the mark may hand over a role (M1).
        let word = self.word.swap(mark, Ordering::AcqRel);
        // SAFETY: the swap took the nodes out.
        (Self::seen(word), unsafe { Self::chain(word) })
    }

    /// Takes everything, newest first, and keeps those bits of the mark that are in `kept`; tells
    /// what the word said.
    #[inline]
    pub fn take_keeping(&self, kept: usize) -> (Seen, Chain<P>) {
        // AcqRel: as for `take`.
        let word = self.word.fetch_and(kept & Self::LARGEST_MARK, Ordering::AcqRel);
        // SAFETY: the exchange took the nodes out.
        (Self::seen(word), unsafe { Self::chain(word) })
    }

    /// Sets these bits of the mark, whatever else the word says; tells what it said before.
    ///
    /// # Panics
    ///
    /// When `bits` are above [`Self::LARGEST_MARK`].
    #[inline]
    pub fn set_bits(&self, bits: usize) -> Seen {
        Self::check(bits);
        // AcqRel: M1.
        Self::seen(self.word.fetch_or(bits, Ordering::AcqRel))
    }

    /// Replaces the mark of an empty mailbox.
    ///
    /// # Errors
    ///
    /// What the word says, where there are nodes or the mark is not `current`.
    ///
    /// # Panics
    ///
    /// When a mark is above [`Self::LARGEST_MARK`].
    #[inline]
    pub fn replace_mark(&self, current: usize, new: usize) -> Result<(), Seen> {
        Self::check(current);
        Self::check(new);
        // AcqRel, Acquire: M1.
        self.word
            .compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Self::seen)
    }
}

impl<P: Owner> Drop for MarkedMailbox<P> {
    fn drop(&mut self) {
        let word = self.word.load_mut();
        // SAFETY: `&mut self`: no push is under way, the nodes are the mailbox's.
        drop(unsafe { Self::chain(word) });
    }
}

impl<P: Owner> fmt::Debug for MarkedMailbox<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarkedMailbox").field("seen", &self.load()).finish_non_exhaustive()
    }
}
