//! Epoch-based reclamation: a guard protects everything that was reachable at some time since it
//! began.
//!
//! | | |
//! | --- | --- |
//! | guarantee | nothing that was reachable under a guard is freed before the guard ends |
//! | reader's cost | two plain stores for a guard; nothing for each pointer |
//! | garbage | about three bags a thread; without bound while a guard stalls |
//! | links of unlinked objects | may be followed |
//! | choose another when | a guard may be held for long: hazard pointers or intervals |
//!
//! [`pin`] guards a section in the domain of the whole process. An [`Epoch`] of one's own, with a
//! [`Handle`] for each thread, is isolated from it: its garbage waits for its own guards alone,
//! and a handle's guard is cheaper.
//!
//! # Guards and `.await`
//!
//! A [`Guard`] is bound to its thread, so a future that holds one across an `.await` is not
//! `Send`. A [`LocalGuard`] may travel with its handle, an [`OwnedGuard`] by itself. Each holds back
//! all garbage of its domain for as long as the task sleeps: better end it first, or take a scheme
//! that is [robust](crate::Scheme::ROBUST).
//!
//! # Stalls
//!
//! `stats` tells the age of the oldest guard, `stalled` which thread holds one, how far it is behind
//! and since when; a [`Budget`](crate::Budget) calls a function when too much is held back.

use crate::engine::{
    LocalGuard as Local, NestedGuard as Nested, Numbered, NumberedHandle, NumberedShield,
    OwnedGuard as Owned, Whole,
};

/// A domain of epochs. See the [module](self).
///
/// ```
/// use latchwork_reclaim::{Atomic, Epoch, Guard, Owned, Section};
/// use std::sync::atomic::Ordering::AcqRel;
///
/// let domain = Epoch::new();
/// let mut handle = domain.register();
/// let cell = Atomic::new(Owned::new("old"));
///
/// let guard = handle.pin();
/// let old = cell.swap(Owned::new("new"), AcqRel, &guard);
/// // SAFETY: `cell` was the only way to the object, and it is retired once.
/// unsafe { guard.retire(old) };
/// drop(guard);
///
/// handle.barrier();
/// assert_eq!(domain.stats().pending, 0);
/// # let mut cell = cell;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { cell.take() });
/// ```
pub type Epoch = Numbered<Whole>;

/// A thread's registration with an [`Epoch`].
pub type Handle = NumberedHandle<Whole>;

/// A guarded section of a [`Handle`]: the cheapest there is.
///
/// Sections of one handle don't nest: that is a borrow error.
///
/// ```compile_fail,E0499
/// let mut handle = latchwork_reclaim::Epoch::new().register();
/// let outer = handle.pin();
/// let inner = handle.pin();
/// drop(outer);
/// ```
pub type LocalGuard<'h> = Local<'h, Whole>;

/// A guarded section that may overlap with others of its [`Handle`], in any order.
pub type NestedGuard<'h> = Nested<'h, Whole>;

/// A guarded section that is bound to no thread and no handle, from [`Numbered::pin_owned`].
pub type OwnedGuard = Owned<Whole>;

/// The shield of this scheme, which has nothing to do.
pub type Shield<'g> = NumberedShield<'g, Whole>;

#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
mod global;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub(crate) use global::global_engine;
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
pub use global::{Guard, barrier, flush, is_pinned, pin, synchronize, with_pin};
