//! Many threads, one kernel ring: how batches come in, are driven and come back.
//!
//! ```text
//!  submitter: Batch on its stack ──push──▶ inbox word ──take──▶ backlog ──fill──▶ kernel
//!       ▲                                                                            │
//!       └───────────────── done event ◀── last completion counted ◀──────reap────────┘
//! ```
//!
//! The *driver* is whoever moves batches from the inbox to the kernel and completions back. The
//! role is held by the ring's own thread, or, on an idle ring, by the submitter itself, which
//! saves two context switches a batch (the *leader*). A leader leaves when its own batch is done:
//! if nothing else is in flight it marks the ring idle, else it hands the role to the thread.
//!
//! Source: the queue of RavenDB's ring layer (one list, take-all by one exchange), with the list's
//! head, the sleep flag, the idle mark and the closed mark in one word. So "nothing queued and going to sleep" is one
//! compare-exchange, and whoever replaces the sleep mark is the one that wakes.
//!
//! - I1: the sleep mark is in the word only while nothing is queued; a push that replaces it wakes.
//! - I2: the driver touches a batch only between taking it and its last completion; the last touch
//!   is the exchange inside `Event::set` (or, for a leader's own batch, none). A batch that it owns
//!   together with a handle it lets go of after that (O1 to O3 in `owned`).
//! - I3: a submitter that waits returns once, after its event was set, or at once with `Closed` and
//!   nothing published.
//! - I4: only the driver writes `CLOSED`; what that exchange returned is still run. Afterwards no
//!   push succeeds.
//! - I5: in flight ≤ capacity ≤ the completion queue's size.
//! - I6: one driver at a time. The role moves through the word (`IDLE` and the claim) or through
//!   the thread's event (hand-over).
//! - I7: `IDLE` is in the word only while nothing is queued, in flight or owed.

#![cfg_attr(
    not(any(latchwork_loom, latchwork_shuttle)),
    allow(unreachable_pub, reason = "reached by the models alone")
)]

mod batch;
mod driver;
mod flaws;
mod inbox;
mod owned;
mod serve;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use batch::Target;
pub use batch::{Failure, Work};
pub use flaws::{Flaws, Sound};
pub use owned::{Ended, Started};
pub use serve::{Core, Drive, Refused};
