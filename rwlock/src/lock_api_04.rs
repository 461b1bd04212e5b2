//! `lock_api` 0.4's traits, for crates that have not moved on: `lock_api_04::RwLock<RawRwLock, T>`.
//!
//! Its guards carry nothing, so that only a lock without a probe fits.

use latchwork_sync::time::{Duration, Instant};

use crate::lock::{RawRwLock, after};
use crate::policy::Policy;

// SAFETY: I1 and I2 of `raw`: a write lock excludes every other holder, and each function uses up
// what its caller owns.
unsafe impl<P: Policy> ::lock_api_04::RawRwLock for RawRwLock<P> {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's way to a const new")]
    const INIT: Self = Self::new();

    type GuardMarker = ::lock_api_04::GuardSend;

    #[inline]
    fn lock_shared(&self) {
        let held = self.core().lock_shared(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.core().try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().unlock_shared() }
    }

    #[inline]
    fn lock_exclusive(&self) {
        let held = self.core().lock_exclusive(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
    }

    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        self.core().try_lock_exclusive()
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().unlock_exclusive() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.core().is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.core().is_locked_exclusive()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockFair for RawRwLock<P> {
    #[inline]
    unsafe fn unlock_shared_fair(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().unlock_shared() }
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().unlock_exclusive_fair() }
    }
}

// SAFETY: as for `RawRwLock`; the change is one step, with no other writer between.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockDowngrade for RawRwLock<P> {
    #[inline]
    unsafe fn downgrade(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().downgrade() }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockTimed for RawRwLock<P> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        self.core().try_lock_shared() || self.core().lock_shared(after(timeout))
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> bool {
        self.core().lock_shared(Some(timeout))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        self.core().try_lock_exclusive() || self.core().lock_exclusive(after(timeout))
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> bool {
        self.core().lock_exclusive(Some(timeout))
    }
}

// SAFETY: as for `RawRwLock`; there is one upgradable share, and the upgrade is one step, with no
// other writer between.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockUpgrade for RawRwLock<P> {
    #[inline]
    fn lock_upgradable(&self) {
        let held = self.core().lock_upgradable(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
    }

    #[inline]
    fn try_lock_upgradable(&self) -> bool {
        self.core().try_lock_upgradable()
    }

    #[inline]
    unsafe fn unlock_upgradable(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().unlock_upgradable() }
    }

    #[inline]
    unsafe fn upgrade(&self) {
        // SAFETY: the caller's promise.
        let upgraded = unsafe { self.core().upgrade(None) };
        debug_assert!(upgraded, "only a deadline ends a wait without the lock");
    }

    #[inline]
    unsafe fn try_upgrade(&self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.core().try_upgrade() }
    }
}

// SAFETY: as for `RawRwLock`; the changes are one step each, with no other writer between.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockUpgradeDowngrade for RawRwLock<P> {
    #[inline]
    unsafe fn downgrade_upgradable(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().downgrade_upgradable() }
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.core().downgrade_to_upgradable() }
    }
}

// SAFETY: as for `RawRwLockUpgrade`.
unsafe impl<P: Policy> ::lock_api_04::RawRwLockUpgradeTimed for RawRwLock<P> {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> bool {
        self.core().try_lock_upgradable() || self.core().lock_upgradable(after(timeout))
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> bool {
        self.core().lock_upgradable(Some(timeout))
    }

    #[inline]
    unsafe fn try_upgrade_for(&self, timeout: Duration) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.core().upgrade(after(timeout)) }
    }

    #[inline]
    unsafe fn try_upgrade_until(&self, timeout: Instant) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.core().upgrade(Some(timeout)) }
    }
}
