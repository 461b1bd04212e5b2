//! The engine under the epoch and the interval scheme: grace periods numbered by barriers.
//!
//! # The algorithm
//!
//! Readers publish that they are pinned, and since which *era*, with plain stores and the light
//! half of an asymmetric fence. Those who free pay for both halves: they count the heavy fences
//! of the domain. `started` is the number of heavies begun, `era` is one more than the number of
//! heavies ended. Garbage is collected in bags, each sealed with the number `r` of a heavy that
//! begins after the seal.
//!
//! ```text
//! started       ... r-1 |  seal takes r  | r begins      | r+1 begins
//! era           ... r-1                          | r ends: era = r+1
//! bag           open    | sealed (r)             | ripe once no pin's era is r or less
//! ```
//!
//! With L a reader's light fence and H(r) heavy number r, either L comes before H(r), and then
//! all that the reader stored before L is visible after H(r); or H(r) comes before L, and then all
//! that was unlinked before H(r) is visible to the reader's loads after L.
//!
//! - I1, *a pin is published before it is used*: a record is in the list and its word holds an
//!   era that `era` has held, before L; every load of a shared object comes after L. An era that
//!   is out of date only makes the pin block more.
//! - I2, *a seal precedes its heavy*: the number comes from a read-modify-write of `started` with
//!   Release, the start of a heavy from one with Acquire; so what the sealing thread unlinked
//!   happens before H(r) begins. (A plain load of `started` could be served before the sealer's
//!   own stores are visible.)
//! - I3, *the era counts heavies that have ended*, each by a read-modify-write with Release; so it
//!   counts upwards, and `era > r` read with Acquire means that `r` heavies happened before. One of
//!   them has a number of at least `r`: it began after the seal, and is what H(r) stands for below.
//!   (A lock that is only ever tried has them issued one after another: to save barriers, and in
//!   no argument.)
//! - I4, *free*: a bag is freed by a thread that has read `era > r` and after that a word without
//!   a pin, or with an era above `r`, in every record. If a reader could hold an object of the
//!   bag, no heavy with a number of `r` or more came before its L (it would have seen the unlink).
//!   So L came before H(r), and its word was published before the scan, with an era of at most `r`,
//!   since `era` passes `r` only after such a heavy. The scan saw that word, or one that the reader
//!   stored later: an unpin or a later pin. Both are Release stores, so the reader's accesses
//!   happen before the free.
//! - I5, *garbage is its thread's own*: the thread that owns a record takes its bags as the owner of
//!   a biased lock (see `biased`), without a fence; a barrier takes them as a guest. An owner that
//!   leaves pushes them onto a list, from which any thread takes all at once.
//! - I6, *records stay*: a record is reused but not freed while the domain lives, so a scan may
//!   walk the list without protection.
//! - I7, *a running destructor may do anything*: no borrow of the bags is held while one runs.
//! - I8, *by birth*: each object carries the `era` that its maker read before publishing it; a pin
//!   publishes an interval, from the `era` of its begin to that of its last load. A load reads the
//!   pointer with Acquire and then `era`: at least the object's birth. If that is what the record
//!   says already, the object's birth is in the interval, published before the light that precedes
//!   the load; if not, the load publishes it, fences, and starts again. So L of I4 is the light
//!   before the last load, and the scan that frees bag `r` sees a `low` of at most `r` and a
//!   `high` of at least the birth, or a later pin's. Only objects born within a pin's interval are
//!   held, so a pin that stalls holds none that are made after its last load. This says nothing of
//!   a link read from an object that was unlinked before the pin's light: its target may have been
//!   freed already.
//! - I9, *a barrier misses nothing*: it takes the orphans, then visits every record. What was retired
//!   before is in one of them, or on its way from a record to the orphans and perhaps to another
//!   record; each such way is counted while the record is held, and the barrier goes round again
//!   until the count stands still. It waits for its turn, so that no other barrier has anything in
//!   its hands, and for destructors that ran when it visited.
//! - I10, *fences by the era's lowest bit*: as long as it is set, which it is from the beginning, a
//!   pin fences in earnest; it is cleared once the process is known to have a barrier.
//!
//! A scan needs no fence of its own, and one heavy serves every bag that was sealed before it
//! began, whoever issued it. So a thread looks, when it seals a bag, whether the bag before has
//! had its heavy; mostly another thread's covered it. Ripe bags are freed object by object, one
//! with each retire, which keeps the allocator's caches balanced.
//!
//! Sources: Fraser, *Practical lock-freedom* (epochs); Wen et al., *Interval-based memory
//! reclamation*, PPOPP 2018 (births and intervals); P1202R5 (asymmetric fences); Kim, Brown,
//! Singh, *Are your epochs too epic?*, PPOPP 2024 (amortised freeing). Numbering the grace periods
//! by the barriers themselves is this crate's own.

mod bag;
mod config;
mod domain;
mod garbage;
mod grace;
mod guard;
mod handle;
mod mode;
mod pins;
mod record;
mod retire;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
mod stall;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
mod thread;
mod turns;
mod word;

pub use config::{Budget, Config};
pub use domain::Numbered;
pub use guard::{LocalGuard, NestedGuard, NumberedShield, OwnedGuard};
pub use handle::NumberedHandle;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[doc(hidden)]
pub use mode::faults;
pub use mode::{Birth, ByBirth, Mode, Whole};
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use stall::Stalled;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use thread::ThreadGuard;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub(crate) use thread::{Slot, global_domain};

pub(crate) use config::Limits;
pub(crate) use grace::Engine;
pub(crate) use record::Record;
pub(crate) use turns::{Turn, Turns};
