//! Interval-based reclamation: a guard protects what it loads, and holds back nothing that is made
//! later.
//!
//! | | |
//! | --- | --- |
//! | guarantee | what was loaded under a guard, from a link that was reachable then, is not freed before the guard ends |
//! | reader's cost | three plain stores for a guard; for each pointer two loads and a comparison |
//! | garbage | about three bags a thread, and what was there when a guard stalled |
//! | price | eight bytes an object, for its birth |
//! | links of unlinked objects | must not be followed |
//! | choose another when | a traversal reads links of objects that may be unlinked: epochs; pointers are few and single: hazard pointers |
//!
//! It is a mode of the engine that runs the epochs, and is used in the same way; see
//! [`epoch`](crate::epoch) for the kinds of guards. Objects are made by
//! [`Guard::own`](crate::Guard::own) of a guard of their domain, which stamps them.

use crate::engine::{
    ByBirth, LocalGuard as Local, NestedGuard as Nested, Numbered, NumberedHandle, NumberedShield,
    OwnedGuard as Owned,
};

pub use crate::engine::Birth;

/// A domain of intervals. See the [module](self).
///
/// ```
/// use latchwork_reclaim::{Atomic, Guard, Interval, Section};
/// use std::sync::atomic::Ordering::AcqRel;
///
/// let domain = Interval::new();
/// let (mut handle, mut stalled) = (domain.register(), domain.register());
/// let cell = Atomic::new(handle.pin().own(0));
///
/// let reader = stalled.pin();
/// let seen = reader.load(&cell);
/// for value in 1..100_000 {
///     let guard = handle.pin();
///     let old = cell.swap(guard.own(value), AcqRel, &guard);
///     // SAFETY: `cell` was the only way to the object, and it is retired once.
///     unsafe { guard.retire(old) };
/// }
/// // SAFETY: loaded from a root under a guard that is still there.
/// assert_eq!(unsafe { seen.deref() }, &0);
/// assert!(domain.stats().pending < 5_000);
/// # drop(reader);
/// # let mut cell = cell;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { cell.take() });
/// ```
pub type Interval = Numbered<ByBirth>;

/// A thread's registration with an [`Interval`].
pub type Handle = NumberedHandle<ByBirth>;

/// A guarded section of a [`Handle`].
pub type LocalGuard<'h> = Local<'h, ByBirth>;

/// A guarded section that may overlap with others of its [`Handle`], in any order.
pub type NestedGuard<'h> = Nested<'h, ByBirth>;

/// A guarded section that is bound to no thread and no handle, from [`Numbered::pin_owned`].
pub type OwnedGuard = Owned<ByBirth>;

/// The shield of this scheme: the guard's own interval.
pub type Shield<'g> = NumberedShield<'g, ByBirth>;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
mod global;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub(crate) use global::global_engine;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use global::{Guard, barrier, flush, is_pinned, pin, synchronize, with_pin};
