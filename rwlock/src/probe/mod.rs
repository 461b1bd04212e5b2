//! Sight of who waits, who holds and for how long, as a type parameter of the lock.
//!
//! A lock without a probe ([`NoProbe`], the default) has no byte and no instruction more than one
//! that never heard of them. [`Probed`] watches, as closely as its level says:
//!
//! | level | on the fast path | what it tells beyond the level before |
//! | --- | --- | --- |
//! | [`Sites`] | the call site in the guard | waits of every thread, with their causes; who let the waiters in; long waits |
//! | [`Sampled`] | a count; for one in *N* as [`Full`] | how long those were held, and by whom now |
//! | [`Ticked`] | a load at both ends | how long each was held, in ticks of the program's own; the longest holder now |
//! | [`Coarse`] | the system's coarse clock at both ends | the same in ticks of that clock |
//! | [`Full`] | the clock at both ends | the same to the clock's precision |
//!
//! What a thread that waits counts is counted at every level, since it is slow already: how long
//! it waited, whether behind a writer or behind other readers, and for how long the gate was shut.
//!
//! ```
//! use std::time::Duration;
//! use latchwork_rwlock::probe::{Full, LongHold, OnLongHold, Probed, Probing};
//! use latchwork_rwlock::{Bounded, RawRwLock, RwLock};
//!
//! fn log(hold: &LongHold) {
//!     eprintln!("{hold}");
//! }
//!
//! static TABLES: RwLock<Vec<u32>, Bounded, Probed<Full>> = RwLock::from_raw(
//!     RawRwLock::with_probe(
//!         Bounded::new(),
//!         Probed::telling(OnLongHold::over(Duration::from_millis(20), log)),
//!     ),
//!     Vec::new(),
//! );
//!
//! TABLES.write().push(1);
//! let report = TABLES.report();
//! assert_eq!(report.write.held.count(), 1);
//! println!("{report}");
//! ```
//!
//! The numbers are counted with relaxed atomics, one by one: a report taken while the lock is in
//! use may be short of an operation here and there, and orders nothing.

mod debug_aids;
mod histogram;
mod hook;
mod level;
mod none;
mod observe;
mod probed;
mod report;
mod spent;
mod watching;

pub use debug_aids::DebugAids;
pub use histogram::Histogram;
pub use hook::{LongHold, OnLongHold, SeenBy};
pub use level::{Coarse, Full, Level, Sampled, Sites, Ticked, tick};
pub use none::NoProbe;
pub use probed::Probed;
pub use report::{GateReport, LongestWait, Probing, ReadersReport, Report, Side};

pub use crate::holder::{Access, Holder, Site};

pub(crate) use observe::{Caller, Observe};

/// A way of watching a lock: [`NoProbe`], [`Probed`], or for debugging [`DebugAids`].
pub trait Probe: Observe {}

impl<O: Observe> Probe for O {}
