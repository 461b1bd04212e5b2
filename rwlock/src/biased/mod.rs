//! A lock whose readers don't meet while nobody writes.
//!
//! Readers of a plain lock all add to one word, and so pass its cache line around. Here, while the
//! lock is *biased*, a reader writes into a line of its own thread and looks at one that nobody
//! writes. A writer pays for it: it turns the bias off, makes every running thread of the process
//! pass a barrier, looks through the slots of all threads, and waits for the readers in them. How
//! long that took decides for how long the bias stays off.
//!
//! For data that is read all the time and written now and then. What it costs where that is not
//! so, the figures in the README say.
//!
//! **Bounds.** A revocation that readers hold up keeps other readers out, as a shut gate does. So
//! it keeps to the policy: after the patience the writer lets everyone in again, for the cool-down,
//! and then tries once more; when it has waited for its longest wait it doesn't let them in. In the
//! cool-down the reader that was in its way wakes it, and it writes if it finds nobody else inside;
//! if it does, it waits for that one, for eight in turn. A writer that gives up at its deadline
//! leaves the bias as it was. Readers' bounds are the policy's, with the write
//! section's place taken by the barrier and the look through the slots where there was a bias.
//!
//! There is no upgradable share.
//!
//! **Memory.** 96 bytes beside the value; and for each thread that has read a biased lock a block
//! of less than 512 bytes, which goes to another thread when it ends and is never freed. A thread
//! has four slots for all biased locks together: what it reads beyond four at a time it reads as a
//! reader of the lock below.
//!
//! **The barrier** is that of [`latchwork_sync::asym`]: on Linux and Windows the kernel's, and the
//! readers have no fence. Elsewhere, or where the kernel refuses, each read has one of its own, and
//! the bias saves the shared line alone.

mod bias;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod lock;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod policy;

#[doc(hidden)]
pub use bias::{Bias, Slot};
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use lock::{RawReadBiased, ReadBiased};
