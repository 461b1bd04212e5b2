//! Hazard pointers: each shield protects one object, and a stalled reader holds back no other.
//!
//! | | |
//! | --- | --- |
//! | guarantee | an object that a shield has loaded from a link that was reachable then is not freed before the shield lets go of it |
//! | reader's cost | two loads and a plain store for each pointer; making and dropping a shield, a few more |
//! | garbage | a bag a thread (256 objects), or twice as many as all shields protect where that is more; whatever stalls |
//! | price | none in the objects; each pointer of a traversal needs a shield |
//! | links of unlinked objects | must not be followed |
//! | choose another when | traversals are long: epochs, or intervals; a guard is never held for long: epochs |
//!
//! [`pin`] begins a section in the domain of the whole process; a [`Hazard`] of one's own, with a
//! [`Handle`] for each thread, is isolated from it. [`Hazard::scope`] frees everything at its end.
//!
//! # The algorithm
//!
//! A thread shows in a *slot* which object it is about to use, fences, and looks whether the link
//! that led there still does. Who frees fences and reads all slots after the unlinking; what is in
//! none of them, nobody uses. The reader's fence is the light half of an asymmetric pair.
//!
//! ```text
//! reader                           who frees
//! p = source                       unlink p
//! slot = p                         (a bag of them)
//! light  L                         heavy  H
//! source still p? else again       p in any slot? then keep it
//! use p                            free p
//! slot = another, or null
//! ```
//!
//! - I1, *a slot is found*: a record and its blocks of slots are published before the first light
//!   of their owner, and stay while the domain lives, so a scan whose heavy comes after that light
//!   walks over them.
//! - I2, *publish against scan*: if H comes before L, the second load of the source sees the
//!   unlinking, and `p` is not returned; if L comes before H, the scan reads `p` in the slot, or
//!   what the owner stored there later. One heavy serves every later reading of the slots too: what
//!   was unlinked before H cannot come into a slot for good after it, since there is no way to move
//!   a pointer from slot to slot.
//! - I3, *the end of a protection*: every store to a slot is a Release and every reading of one an
//!   Acquire. So where a scan reads something later than `p`, what the reader did with the object
//!   happens before the free.
//!
//! Objects without a size share an address, so that a shield of one holds back all of them.
//!
//! A retire puts the object in a bag, for which there is room from the beginning: it allocates
//! nothing. A full bag is scanned: the slots are read and sorted once, and each object is looked
//! up. What is free to go is freed one by one with the retires that follow. The garbage of a thread
//! that leaves is adopted by the next scan; [`Handle::barrier`] takes everybody's.
//!
//! Sources: Michael, *Hazard pointers*, IEEE TPDS 2004; folly's `Hazptr`, for the asymmetric fence;
//! Kim, Brown, Singh, *Are your epochs too epic?*, PPOPP 2024 (amortised freeing).

mod domain;
mod garbage;
mod guard;
mod handle;
mod record;
mod slots;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
mod global;

pub use domain::Hazard;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use global::{Guard, barrier, flush, pin};
pub use guard::{LocalGuard, Shield, ShieldArray};
pub use handle::Handle;

/// How many objects make a bag, unless a domain says otherwise.
const BATCH: u32 = 256;
