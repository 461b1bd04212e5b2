//! The value stacks' algorithm, over any storage of slots.
//!
//! ```text
//! word = generation │ index                       (0: nothing)
//!
//! used ──► word of the newest slot; slot.next ──► word below … ──► 0
//! free ──► word of a batch's first slot; slot.next ──► next batch
//!                    └─ slot.link ──► second slot ──► … ──► 0
//! ```
//!
//! Treiber's stack, with the generation in the node's own word: whoever owns a slot holds its
//! word, a push publishes it with the next generation, and `next` keeps the word below as it was
//! read. So a word is on top during one push episode of its slot only, and during that episode
//! `next` stays the same; an exchange of a word for its `next` is right whenever it succeeds,
//! a pop needs no arithmetic, and take-all is one swap.
//!
//! Invariants:
//!
//! - I1: the chain from a list's head is the list; no slot is lost, none is on it twice.
//! - I2: every word in a head or in the `next` of a slot on a list carries that slot's current
//!   generation.
//! - I3: from the exchange that publishes (slot, generation) until the slot's next publication,
//!   `next` does not change while that word can be reached.
//! - I4: only its owner touches a slot's payload, and writes its `next`. A slot is owned by
//!   whoever took it off a list or got it fresh, until the exchange that publishes it.
//! - I5: through shared references a head is changed by read-modify-writes only. So each push
//!   begins a release sequence that every later change continues, and an Acquire read of the head
//!   synchronises with the push of every slot below. That is why pops and takes release nothing.
//! - I6: on one list a word is never published again with another `next`. The two lists may
//!   share generations.
//! - I7: a batch's inner slots are reached through their first slot only, after the exchange that
//!   took it; so its links are plain memory. The number of slots in a batch of several is in the
//!   `next` of its second.
//! - I8: whoever follows a word has synchronised with its publication: it read the head with
//!   Acquire at or above that word (I5). A handle that goes on from what it saw earlier does so
//!   only after such a read has found its own last word on top.
//!
//! # Wrap
//!
//! A pop goes wrong only if, between its read of the head's word and its exchange, that one slot
//! was published m x 2^k times (m >= 1, k generation bits), its word is on top at the exchange,
//! and the `next` that was read is not the current one. A push needs only that its `next` equals
//! the head, and a take-all needs nothing: neither can go wrong.
//!
//! Source: R. K. Treiber, IBM RJ 5118 (1986); the tag in the node as in heapless' pool; lists of
//! batches as in LLVM's thread sanitizer (D130002) and folly's `IndexedMemPool`.

mod drain;
mod exclusive;
mod free;
mod magazine;
mod shared;
mod slot;

pub use drain::Drain;
pub use magazine::Magazine;
pub use slot::Slot;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::{Backoff, CachePadded, const_fn};

use crate::storage::Storage;

/// The two lists and their slots.
pub struct Lists<S: Storage> {
    used: CachePadded<AtomicU64>,
    free: CachePadded<AtomicU64>,
    storage: S,
}

// SAFETY: values move through it from thread to thread, and are never shared (I4).
unsafe impl<S: Storage> Send for Lists<S> where S::Item: Send {}
// SAFETY: as above.
unsafe impl<S: Storage> Sync for Lists<S> where S::Item: Send {}

impl<S: Storage> Lists<S> {
    const_fn! {
        pub(crate) fn new(storage: S) -> Self {
            let (used, free) = (AtomicU64::new(0), AtomicU64::new(0));
            Self { used: CachePadded::new(used), free: CachePadded::new(free), storage }
        }
    }

    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        self.used.load(Ordering::Relaxed) == 0
    }
}

impl<S: Storage> Lists<S> {
    /// The slot of a word that the caller owns, or read with Acquire from a list; not 0.
    #[inline]
    pub(crate) fn slot(&self, word: u64) -> &Slot<S::Item> {
        debug_assert!(word != 0);
        // SAFETY: words come from `fresh`, and whoever has one has synchronised with whoever got
        // it from there (I5, I8). Slots live as long as their storage.
        unsafe { &*self.storage.place(word) }
    }

    /// Publishes a row of slots on a list: `last` is the lowest, `word` the new word of the
    /// highest. Returns the word that it replaced.
    #[inline]
    pub(crate) fn publish(head: &AtomicU64, last: &Slot<S::Item>, word: u64) -> u64 {
        // Relaxed: the head is only linked to and compared with, not followed.
        let mut seen = head.load(Ordering::Relaxed);
        let backoff = Backoff::new();
        loop {
            last.set_next(seen);
            // Release: pairs with the Acquire of pops and takes (I5).
            match head.compare_exchange_weak(seen, word, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return seen,
                Err(_) => seen = reread(head, &backoff, Ordering::Relaxed),
            }
        }
    }

    /// Takes the top of a list.
    #[inline]
    pub(crate) fn unpublish(&self, head: &AtomicU64) -> Option<(u64, &Slot<S::Item>)> {
        // Acquire: pairs with `publish`; `next` may be read then (I5).
        let mut seen = head.load(Ordering::Acquire);
        let backoff = Backoff::new();
        while seen != 0 {
            let slot = self.slot(seen);
            let next = slot.next();
            // Relaxed on success: the word was acquired when it was read, and it is the same
            // episode (I3).
            match head.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((seen, slot)),
                Err(_) => seen = reread(head, &backoff, Ordering::Acquire),
            }
        }
        None
    }
}

impl<S: Storage> Drop for Lists<S> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<S::Item>() {
            self.clear();
        }
    }
}

/// After a lost race: pauses, and only then reads what there is now.
#[cold]
fn reread(head: &AtomicU64, backoff: &Backoff, order: Ordering) -> u64 {
    backoff.spin();
    // Acquire where the word is followed, Relaxed where it is only linked to.
    head.load(order)
}
