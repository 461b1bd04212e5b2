//! The lock with data, and its guards: `lock_api`'s, over our raw lock.

use crate::lock::RawRwLock;
use crate::policy::{Bounded, Policy};
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
pub type RwLock<T, P = Bounded> = lock_api::RwLock<RawRwLock<P>, T>;

/// A share of an [`RwLock`].
pub type RwLockReadGuard<'a, T, P = Bounded> = lock_api::RwLockReadGuard<'a, RawRwLock<P>, T>;

/// The write lock of an [`RwLock`].
pub type RwLockWriteGuard<'a, T, P = Bounded> = lock_api::RwLockWriteGuard<'a, RawRwLock<P>, T>;

/// The share of an [`RwLock`] that can become the write lock.
pub type RwLockUpgradableReadGuard<'a, T, P = Bounded> =
    lock_api::RwLockUpgradableReadGuard<'a, RawRwLock<P>, T>;

/// A share of an [`RwLock`] that shows a part of the value.
pub type MappedRwLockReadGuard<'a, T, P = Bounded> =
    lock_api::MappedRwLockReadGuard<'a, RawRwLock<P>, T>;

/// The write lock of an [`RwLock`] that shows a part of the value.
pub type MappedRwLockWriteGuard<'a, T, P = Bounded> =
    lock_api::MappedRwLockWriteGuard<'a, RawRwLock<P>, T>;

/// A share of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockReadGuard<T, P = Bounded> = lock_api::ArcRwLockReadGuard<RawRwLock<P>, T>;

/// The write lock of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockWriteGuard<T, P = Bounded> = lock_api::ArcRwLockWriteGuard<RawRwLock<P>, T>;

/// The upgradable share of an [`RwLock`] that owns the lock through an `Arc`.
#[cfg(feature = "arc_lock")]
pub type ArcRwLockUpgradableReadGuard<T, P = Bounded> =
    lock_api::ArcRwLockUpgradableReadGuard<RawRwLock<P>, T>;

/// Patient writes, for an [`RwLock`].
pub trait WritePatiently<T: ?Sized, P: Policy> {
    /// Takes the lock for writing within a time, holding readers back for no longer than the plan
    /// says.
    ///
    /// # Errors
    ///
    /// When the time is over: what was tried.
    fn write_patiently(&self, patient: Patient) -> Result<RwLockWriteGuard<'_, T, P>, GaveUp>;
}

impl<T: ?Sized, P: Policy> WritePatiently<T, P> for RwLock<T, P> {
    fn write_patiently(&self, patient: Patient) -> Result<RwLockWriteGuard<'_, T, P>, GaveUp> {
        // SAFETY: the raw lock is only acquired, and the guard below releases it.
        let raw = unsafe { self.raw() };
        raw.core().lock_exclusive_patiently(patient)?;
        // SAFETY: the write lock was acquired above.
        Ok(unsafe { self.make_write_guard_unchecked(lock_api::GuardSend::new()) })
    }
}
