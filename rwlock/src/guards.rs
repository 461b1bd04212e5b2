//! The lock with data, and its guards: `lock_api`'s, over our raw lock.

use core::panic::Location;

use crate::lock::RawRwLock;
use crate::policy::{Bounded, Policy};
use crate::probe::{NoProbe, Probe};
use crate::raw::{GaveUp, Patient};

/// A reader/writer lock around a value.
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
pub type RwLock<T, P = Bounded, O = NoProbe> = lock_api::RwLock<RawRwLock<P, O>, T>;

/// A share of an [`RwLock`].
pub type RwLockReadGuard<'a, T, P = Bounded, O = NoProbe> =
    lock_api::RwLockReadGuard<'a, RawRwLock<P, O>, T>;

/// The write lock of an [`RwLock`].
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
    /// says.
    ///
    /// # Errors
    ///
    /// When the time is over: what was tried.
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
