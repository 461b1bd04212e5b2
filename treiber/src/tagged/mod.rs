//! Words that carry a tag beside a reference, for structures of one's own.
//!
//! A compare-exchange of a plain pointer can't tell a node from the same node after it was taken
//! off and put back (ABA). A tag that changes each time it is put back makes the two words
//! different, until the tag wraps. How wide must it be? A wrong exchange needs a thread to stall
//! between its read and its exchange while one node is put back exactly a multiple of 2^bits
//! times. At `n` nanoseconds from one such push to the next that takes at least 2^bits x n:
//!
//! | bits | at 5 ns a push | at 10 ns |
//! | --- | --- | --- |
//! | 16 | 0.33 ms | 0.66 ms |
//! | 24 | 84 ms | 168 ms |
//! | 32 | 21 s | 43 s |
//! | 40 | 1.5 h | 3 h |
//! | 48 | 16 days | 33 days |
//! | 52 | 261 days | 1.4 years |
//! | 64 | 2,900 years | 5,800 years |
//!
//! Up to 24 bits that is less than a time slice of the scheduler: every thread that loses its
//! processor between the two may find the tag wrapped, and only chance, one in 2^bits, decides.
//!
//! | type | tag | reference | for |
//! | --- | --- | --- | --- |
//! | [`IndexLayout`] | 64 bits less the index | an index | anything in a slab; the default choice |
//! | [`AtomicWide`] (`pair`) | 64 bits | any pointer | nodes that are not in a slab |
//! | [`AtomicPacked`] | 16 bits | a pointer below 2^48 | last resort |
//!
//! [`intrusive::TaggedStack`](crate::intrusive::TaggedStack) is a stack over either of the last
//! two, by way of [`TaggedPointer`].
//!
//! # The odds of sixteen bits
//!
//! A thread that loses its processor between its read and its exchange stays away for a time
//! slice, some milliseconds, in which a tag of 16 bits wraps several times. From then on the tag is
//! a lottery: where the same node is on top again with another one below, the exchange goes wrong
//! once in 65,536 cases. A structure that would go wrong `r` times a second without any tag does so
//! every 65,536 / `r` seconds with one: at ten a second, every two hours of such load. A tag of 32
//! bits in the same place needs the same chance in 2^32, thirteen years of it, and stalls of more
//! than twenty seconds beside.
//!
//! A tag cures neither a node that is freed while another thread may still read it, nor an
//! address that the allocator hands out again: nodes must be type-stable, or reclaimed by a
//! scheme.

mod index;
mod packed;
mod pointer;
#[cfg(feature = "pair")]
mod wide;

pub use index::IndexLayout;
pub use packed::{AddressTooWide, AtomicPacked, Packed};
pub use pointer::TaggedPointer;
pub(crate) use pointer::by_word;
#[cfg(feature = "pair")]
pub use wide::{AtomicWide, Wide};
