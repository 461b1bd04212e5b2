//! The lock with data, and its guards: `lock_api`'s, over our raw lock.

use core::panic::Location;

use crate::lock::RawRwLock;
use crate::policy::{Bounded, Policy};
use crate::probe::{NoProbe, Probe};
use crate::raw::{GaveUp, Patient};

/// A reader/writer lock around a value: `lock_api`'s, with all its methods.
///
/// | to | at once or not at all | for a while, or until a moment | however long it takes |
/// | --- | --- | --- | --- |
/// | read | `try_read` | `try_read_for`, `try_read_until` | `read` |
/// | write | `try_write` | `try_write_for`, `try_write_until`, [`write_patiently`] | `write` |
/// | read, perhaps to write | `try_upgradable_read` | `try_upgradable_read_for`, `…_until` | `upgradable_read` |
///
/// The upgradable share is one beside any number of plain ones; its guard's
/// [`upgrade`](lock_api::RwLockUpgradableReadGuard::upgrade) waits for those, and no other writer
/// comes between. A write lock is turned into a share by its guard's
/// [`downgrade`](lock_api::RwLockWriteGuard::downgrade). These are functions of the guards' types,
/// not methods, since a guard is used as the value.
///
/// A wait of a length, or until a moment, that the clock can't tell is one for ever. Whoever gives
/// up takes the lock if it is free at that moment, and leaves nobody waiting for it. A guard may be
/// given to another thread. One that is forgotten holds the lock for ever.
///
/// Not recursive: a thread that reads while it reads waits for a writer that waits for it, under
/// [`Bounded`] for the patience, under [`ReaderPriority`](crate::ReaderPriority) never, else for
/// ever. One that writes while it holds the lock in any way waits for ever.
/// [`DebugAids`](crate::probe::DebugAids) panics instead. No poisoning: a panic releases the lock;
/// for std's way see the module `std_api`.
///
/// Memory ordering, progress and limits are those of [`Core`](crate::raw::Core).
///
/// # Panics
///
/// Reads that find half a million readers (2¹⁹): guards are being forgotten. `try_read` gets none
/// then.
///
/// # Examples
///
/// [`RwLock::new`](lock_api::RwLock::new) is `const` and takes the policy's default settings; for
/// others use `RwLock::from_raw`:
///
/// ```
/// use std::time::Duration;
/// use latchwork_rwlock::{Bounded, RawRwLock, RwLock};
///
/// static TABLE: RwLock<Vec<u32>> = RwLock::from_raw(
///     RawRwLock::with_policy(Bounded::new().patience(Duration::from_micros(200))),
///     Vec::new(),
/// );
/// TABLE.write().push(1);
/// assert_eq!(TABLE.read().len(), 1);
/// ```
///
/// [`write_patiently`]: WritePatiently::write_patiently
pub type RwLock<T, P = Bounded, O = NoProbe> = lock_api::RwLock<RawRwLock<P, O>, T>;

/// A share of an [`RwLock`], given back when it is dropped.
pub type RwLockReadGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::RwLockReadGuard<'a, RawRwLock<P, O>, T>;

/// The write lock of an [`RwLock`], given back when it is dropped.
pub type RwLockWriteGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::RwLockWriteGuard<'a, RawRwLock<P, O>, T>;

/// The share of an [`RwLock`] that can become the write lock.
pub type RwLockUpgradableReadGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::RwLockUpgradableReadGuard<'a, RawRwLock<P, O>, T>;

/// A share of an [`RwLock`] that shows a part of the value.
pub type MappedRwLockReadGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::MappedRwLockReadGuard<'a, RawRwLock<P, O>, T>;

/// The write lock of an [`RwLock`] that shows a part of the value.
pub type MappedRwLockWriteGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::MappedRwLockWriteGuard<'a, RawRwLock<P, O>, T>;

/// A share of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockReadGuard<T, P = Bounded, O = NoProbe> =
    lock_api::ArcRwLockReadGuard<RawRwLock<P, O>, T>;

/// The write lock of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockWriteGuard<T, P = Bounded, O = NoProbe> =
    lock_api::ArcRwLockWriteGuard<RawRwLock<P, O>, T>;

/// The upgradable share of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockUpgradableReadGuard<T, P = Bounded, O = NoProbe> =
    lock_api::ArcRwLockUpgradableReadGuard<RawRwLock<P, O>, T>;

/// Patient writes, for an [`RwLock`].
pub trait WritePatiently<T: ?Sized, P: Policy, O: Probe = NoProbe> {
    /// Takes the lock for writing within a time, holding readers back for no longer than the plan
    /// says. Costs what a write costs where the lock is free, and orders memory as one.
    ///
    /// # Errors
    ///
    /// When the time is over and the lock isn't free: what was tried, and where a probe shows it,
    /// who held on.
    #[track_caller]
    fn write_patiently(&self, plan: Patient) -> Result<RwLockWriteGuard<'_, T, P, O>, GaveUp>;
}

impl<T: ?Sized, P: Policy, O: Probe> WritePatiently<T, P, O> for RwLock<T, P, O> {
    #[track_caller]
    fn write_patiently(&self, plan: Patient) -> Result<RwLockWriteGuard<'_, T, P, O>, GaveUp> {
        // SAFETY: the raw lock is only acquired, and the guard below releases it.
        let raw = unsafe { self.raw() };
        let held = raw.write_patiently(plan, Location::caller())?;
        // SAFETY: the write lock was acquired above.
        Ok(unsafe { self.make_write_guard_unchecked(held) })
    }
}
