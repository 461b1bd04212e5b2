//! Structures over nodes that the caller owns: a push allocates nothing.
//!
//! A node type says where its [`Link`] is ([`Linked`]); an [`Owner`] is what one holds while the
//! node is at home, and what one gives away when it is pushed: a `Box`, a `&mut`, or a type of
//! one's own. So a node is either its owner's or the structure's, and which of them is in the
//! types.
//!
//! ```
//! use latchwork_treiber::intrusive::{Mailbox, Node};
//!
//! // An arena that outlives the mailbox; nothing is allocated per item.
//! let mut arena = [Node::new(1), Node::new(2), Node::new(3)];
//! let mailbox = Mailbox::new();
//! std::thread::scope(|scope| {
//!     for node in &mut arena {
//!         let mailbox = &mailbox;
//!         scope.spawn(move || mailbox.push(node));
//!     }
//! });
//! let sum: i32 = mailbox.take_all().map(|node| **node).sum();
//! assert_eq!(sum, 6);
//! ```
//!
//! # Pointers as words
//!
//! A head word holds the node's *address*: its provenance is exposed when the node goes in, and
//! taken up again when it comes out. An `AtomicPtr` would read better and be wrong: a push that
//! compares equal to a node which was taken, freed and allocated anew would link to it with the
//! old allocation's provenance.

mod chain;
mod link;
mod mailbox;
mod marked;
mod stack;
mod tagged;
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
mod waiting;

pub use chain::Chain;
pub use link::{Link, Linked, Node, Owner};
pub use mailbox::Mailbox;
pub use marked::{MarkedMailbox, Refused, Seen};
pub use stack::{Pool, PoolBox, PoolChain, Stack};
#[cfg(feature = "pair")]
pub use tagged::WideStack;
pub use tagged::{PackedStack, Stable, StableChain, StableNode, TaggedStack};
#[cfg(any(feature = "std", latchwork_loom, latchwork_shuttle))]
pub use waiting::WaitingMailbox;
