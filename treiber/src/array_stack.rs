//! The stack of a fixed capacity.

use crate::lists::{Lists, held_back};
use crate::storage::{Flat, Full, Storage};
use crate::surface::{bounded, surface};

pub(crate) type Slots<T> = Flat<T, Full>;

/// Threads and handles that [`ArrayStack::new`] provides for.
const PARTIES: usize = 8;

/// A batch of free slots at most.
const BATCH: usize = 32;

/// A stack of a fixed capacity, which allocates when it is made and never again.
///
/// - Progress: every operation is lock-free; [`ArrayStack::take_all`] is wait-free.
/// - Memory ordering: what a thread did before a push is visible to whoever pops or takes the
///   value.
/// - Cost: two locked operations a push and two a pop; with a [`Handle`](crate::Handle) one each.
///   A slot has 16 bytes for values of up to 8.
/// - Wrap: 64 bits less those that name a slot, 51 for 4,095 slots of 16 bytes, and never fewer
///   than 32; see [`ArrayStack::generation_bits`].
///
/// # Full
///
/// A push fails only if there was a moment during the call at which the stack held at least
/// [`ArrayStack::capacity`] values, provided that no more *parties* used it at once than it was
/// made for: a party is a live [`Handle`](crate::Handle) or [`TakeAll`](crate::TakeAll), or a
/// thread inside a call on the stack itself. What others have in hand at such a moment is not on
/// the stack, so each party but the pusher needs slots of its own: a handle in the middle of a pop
/// has two batches and a slot. So a stack for `capacity` values and `p` parties with batches of `b`
/// has `capacity + (p - 1) x (2 b + 1)` slots; with one fewer a push could fail early. It may hold
/// more than its capacity, up to that number. With more parties than it was made for nothing
/// breaks, but a push may fail a little early.
///
/// Values in a `TakeAll` that has not reached them yet, and those of a `push_all` that has not
/// ended yet, count as held. On processors that reorder accesses to different words, what another
/// thread popped counts as gone once something orders that pop before the push.
///
/// ```
/// use latchwork_treiber::ArrayStack;
///
/// let stack = ArrayStack::with_parties(2, 1);
/// assert_eq!(stack.push('a'), Ok(()));
/// assert_eq!(stack.push('b'), Ok(()));
/// assert_eq!(stack.push('c'), Err('c'));
/// assert_eq!(stack.pop(), Some('b'));
/// assert_eq!(stack.pop(), Some('a'));
/// assert_eq!(stack.pop(), None);
/// ```
pub struct ArrayStack<T> {
    pub(crate) lists: Lists<Slots<T>>,
    capacity: usize,
}

impl<T> ArrayStack<T> {
    /// An empty stack for `capacity` values and eight parties.
    ///
    /// # Panics
    ///
    /// As [`ArrayStack::with_parties`].
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::with_parties(capacity, PARTIES)
    }

    /// An empty stack for `capacity` values and so many parties: live handles, and threads inside
    /// calls on the stack itself.
    ///
    /// # Panics
    ///
    /// When there is no memory for it, or it would take more than 32 GiB of slots; or when
    /// `capacity` or `parties` is 0.
    #[must_use]
    pub fn with_parties(capacity: usize, parties: usize) -> Self {
        assert!(capacity > 0, "a stack for no values");
        assert!(parties > 0, "a stack for nobody");
        // So that the slots for others are not many more than those for values.
        let batch = (capacity / (2 * parties)).clamp(1, BATCH);
        let stack = parties
            .checked_sub(1)
            .and_then(|others| others.checked_mul(held_back(batch)))
            .and_then(|spare| spare.checked_add(capacity))
            .and_then(|slots| Flat::new(slots, batch));
        let Some(storage) = stack else {
            panic!("no memory for a stack of {capacity} values and {parties} parties")
        };
        Self { lists: Lists::new(storage), capacity }
    }

    /// How many values fit for certain; see above, Full.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

bounded!([T] ArrayStack<T>);
surface!([T] ArrayStack<T>);
