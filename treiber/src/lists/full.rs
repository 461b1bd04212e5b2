//! How many slots a bounded stack needs so that it is full only at its capacity.
//!
//! With a capacity of `c`, `p` parties and batches of `b`, a push on `c + (p - 1)(2b + 1)` slots
//! finds none only if the stack held `c` values at some moment of the call. A party is a live
//! handle or take-all, or a thread inside a call on the stack itself. Values that a take-all has
//! not reached yet, or that a `push_all` has got together, count as held.
//!
//! What a party has in its hands is neither held nor free: `2b + 1` slots at most, and that many
//! only in a handle's pop, after the exchange that took the slot and before a full batch of its
//! magazine is on the free list (H1). All else takes less: a push without a handle and a take-all
//! have a batch, a handle between its calls has two.
//!
//! A push gives up after these looks: no fresh slot is left, for good; `last` is empty; and then,
//! at a moment t, the free list is empty. Its own hands are empty too. So at t each slot is held,
//! in another's hands, or in `last`, where another may have left it since the look there. Suppose
//! that fewer than `c` values were held throughout the call. Then at t
//!
//! ```text
//! c + (p - 1)(2b + 1)  =  held + in hands + in last  <=  (c - 1) + (p - 1)(2b + 1) + 1
//! ```
//!
//! so both sides are equal: `c - 1` values are held, `last` is not empty, and each of the `p - 1`
//! others is a handle in the middle of a pop, as above. Take the latest exchange of these pops.
//!
//! - If it was before the call, nobody but the pusher did anything during the call, and `last` is
//!   as empty as the pusher found it.
//! - If it was during the call, it left `c - 2` values at most; after it nobody did anything that
//!   pushes, so no more are held at t.
//!
//! Either way a contradiction. One slot fewer is not enough: with `c - 1` values held, and each
//! other party in the middle of such a pop since before the call, nothing is left for the pusher.
//! The model `stack_never_full_below_capacity` has this scene, and fails with one slot fewer.
//!
//! Moments are those of a machine on which all threads see the words change in one order. Where
//! processors reorder their accesses to different words, what another thread took off the stack
//! counts from when something orders it before the push, such as a message.

/// How many slots a party can hold back from others at most.
pub(crate) const fn held_back(batch: usize) -> usize {
    2 * batch + 1
}
