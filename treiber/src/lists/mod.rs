//! The value stacks' algorithm, over any storage of slots.
//!
//! ```text
//! word = generation │ index                       (0: nothing)
//!
//! used ──► word of the newest slot; slot.next ──► word below … ──► 0
//! last ──► word of a free slot, or 0
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
//! - I9: whoever swaps a word out of `last` owns its slot, and has synchronised with the swap that
//!   put it there.
//!
//! A pop leaves its slot in `last`, where the next push finds it: a swap needs no `next`, so that
//! the two lists' chains of dependent loads are one chain less in the commonest order of calls.
//! It lies beside the head that both will change.
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
mod full;
mod held_up;
mod magazine;
mod shared;
mod slot;

pub use drain::Drain;
pub(crate) use full::held_back;
pub use magazine::Magazine;
pub use slot::Slot;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::{CachePadded, const_fn};

use crate::contention::StackPauses;
use crate::storage::{Map as _, Storage};

/// The two lists and their slots.
pub struct Lists<S: Storage> {
    top: CachePadded<Top>,
    free: CachePadded<AtomicU64>,
    storage: S,
}

/// What a push and a pop in turn change.
struct Top {
    used: AtomicU64,
    last: AtomicU64,
}

// SAFETY: values move through it from thread to thread, and are never shared (I4).
unsafe impl<S: Storage> Send for Lists<S> where S::Item: Send {}
// SAFETY: as above.
unsafe impl<S: Storage> Sync for Lists<S> where S::Item: Send {}

impl<S: Storage> Lists<S> {
    const_fn! {
        pub(crate) fn new(storage: S) -> Self {
            let top = Top { used: AtomicU64::new(0), last: AtomicU64::new(0) };
            let free = CachePadded::new(AtomicU64::new(0));
            Self { top: CachePadded::new(top), free, storage }
        }
    }

    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }

    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: nothing is read by way of the answer.
        self.top.used.load(Ordering::Relaxed) == 0
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
    /// highest, `seen` what the head is believed to be. Returns the word that it replaced.
    #[inline]
    pub(crate) fn publish(head: &AtomicU64, seen: u64, last: &Slot<S::Item>, word: u64) -> u64 {
        last.set_next(seen);
        // Release: pairs with the Acquire of pops and takes (I5).
        match head.compare_exchange_weak(seen, word, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => seen,
            Err(_) => Self::publish_contended(head, last, word),
        }
    }

    /// After a lost race.
    #[cold]
    #[inline(never)]
    fn publish_contended(head: &AtomicU64, last: &Slot<S::Item>, word: u64) -> u64 {
        let mut pauses = StackPauses::new();
        loop {
            pauses.pause();
            let seen = glance(head);
            last.set_next(seen);
            // Release: as above.
            if head.compare_exchange_weak(seen, word, Ordering::Release, Ordering::Relaxed).is_ok()
            {
                return seen;
            }
        }
    }

    /// Takes the top of a list, if there is any.
    #[inline]
    pub(crate) fn unpublish(head: &AtomicU64, map: S::Map<'_>) -> Option<Taken<S::Item>> {
        let word = look(head);
        if !map.is_slot(word) {
            return None;
        }
        let slot = map.place(word);
        // SAFETY: `word` was read with Acquire (I5, I8), and slots live as long as the storage.
        let next = unsafe { &*slot }.next();
        // Relaxed on success: the word was acquired when it was read, and it is the same episode
        // (I3).
        match head.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(now) => {
                // They are the same. The exchange's saves a copy of the register that it compares;
                // but where a place is looked up, what follows would wait for the exchange.
                let word = if S::LOOKS_UP { word } else { now };
                Some(Taken { word, slot, next })
            }
            Err(_) => Self::unpublish_contended(head, map),
        }
    }

    /// After a lost race.
    #[cold]
    #[inline(never)]
    fn unpublish_contended(head: &AtomicU64, map: S::Map<'_>) -> Option<Taken<S::Item>> {
        let mut pauses = StackPauses::new();
        loop {
            pauses.pause();
            let word = look(head);
            if word == 0 {
                return None;
            }
            let slot = map.place(word);
            // SAFETY: as above.
            let next = unsafe { &*slot }.next();
            // Relaxed on success: as above.
            if head.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                return Some(Taken { word, slot, next });
            }
        }
    }
}

/// What a thread has just taken off a list.
pub(crate) struct Taken<T> {
    pub(crate) word: u64,
    pub(crate) slot: *const Slot<T>,
    /// The word that is on top in its place.
    pub(crate) next: u64,
}

impl<S: Storage> Drop for Lists<S> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<S::Item>() {
            self.clear();
        }
    }
}

/// What a head is, to be linked to and compared with, not followed.
#[inline]
pub(crate) fn glance(head: &AtomicU64) -> u64 {
    head.load(Ordering::Relaxed)
}

/// What a head is, to be followed.
#[inline]
pub(crate) fn look(head: &AtomicU64) -> u64 {
    // Acquire: pairs with `publish`; the slots from there on may be read then (I5).
    head.load(Ordering::Acquire)
}
