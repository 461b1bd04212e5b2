//! `lock_api` 0.5's traits for the raw lock.

use latchwork_sync::time::{Duration, Instant};
use lock_api::GuardSend;

use crate::policy::{Bounded, Policy};
use crate::raw::Core;

/// The raw lock that [`RwLock`](crate::RwLock) is made of: `lock_api`'s traits over [`Core`].
///
/// Guards may be sent to other threads. Orderings, progress and cost are [`Core`]'s.
#[derive(Debug)]
pub struct RawRwLock<P = Bounded> {
    core: Core<P>,
}

impl<P: Policy> RawRwLock<P> {
    /// A free lock with the policy's default settings.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self::with_policy(P::DEFAULT)
    }

    /// A free lock.
    #[inline]
    pub const fn with_policy(policy: P) -> Self {
        Self { core: Core::new(policy) }
    }

    /// The lock below the traits: its counts are there.
    #[inline]
    pub fn core(&self) -> &Core<P> {
        &self.core
    }
}

impl<P: Policy> Default for RawRwLock<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// The moment after a timeout; none, which is for ever, where the clock can't tell it.
#[inline]
fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

// SAFETY: I1 and I2 of `raw`: a write lock excludes every other holder, and each function uses up
// what its caller owns.
unsafe impl<P: Policy> lock_api::RawRwLock for RawRwLock<P> {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's way to a const new")]
    const INIT: Self = Self::new();

    type SharedGuard = GuardSend;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> GuardSend {
        let held = self.core.lock_shared(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.core.try_lock_shared().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_shared() }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        let held = self.core.lock_exclusive(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        self.core.try_lock_exclusive().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_exclusive() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.core.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.core.is_locked_exclusive()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> lock_api::RawRwLockFair for RawRwLock<P> {
    /// As the plain unlock: the next writer is woken, and may be overtaken.
    #[inline]
    unsafe fn unlock_shared_fair(&self, _guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_shared() }
    }

    /// Hands the lock to the readers that wait, before any other writer.
    #[inline]
    unsafe fn unlock_exclusive_fair(&self, _guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_exclusive_fair() }
    }
}

// SAFETY: as for `RawRwLock`; the change is one step, with no other writer between.
unsafe impl<P: Policy> lock_api::RawRwLockDowngrade for RawRwLock<P> {
    #[inline]
    unsafe fn downgrade(&self, _guard: GuardSend) -> GuardSend {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade() };
        GuardSend::new()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> lock_api::RawRwLockTimed for RawRwLock<P> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        let held = self.core.try_lock_shared() || self.core.lock_shared(after(timeout));
        held.then(GuardSend::new)
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<GuardSend> {
        self.core.lock_shared(Some(timeout)).then(GuardSend::new)
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        let held = self.core.try_lock_exclusive() || self.core.lock_exclusive(after(timeout));
        held.then(GuardSend::new)
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<GuardSend> {
        self.core.lock_exclusive(Some(timeout)).then(GuardSend::new)
    }
}

// SAFETY: as for `RawRwLock`; there is one upgradable share, and the upgrade is one step, with no
// other writer between.
unsafe impl<P: Policy> lock_api::RawRwLockUpgrade for RawRwLock<P> {
    type UpgradableGuard = GuardSend;

    #[inline]
    fn lock_upgradable(&self) -> GuardSend {
        let held = self.core.lock_upgradable(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
        GuardSend::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<GuardSend> {
        self.core.try_lock_upgradable().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _guard: GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_upgradable() }
    }

    #[inline]
    unsafe fn upgrade(&self, _guard: GuardSend) -> GuardSend {
        // SAFETY: the caller's promise.
        let upgraded = unsafe { self.core.upgrade(None) };
        debug_assert!(upgraded, "only a deadline ends a wait without the lock");
        GuardSend::new()
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: GuardSend) -> Result<GuardSend, GuardSend> {
        // SAFETY: the caller's promise.
        if unsafe { self.core.try_upgrade() } { Ok(GuardSend::new()) } else { Err(guard) }
    }
}

// SAFETY: as for `RawRwLock`; the changes are one step each, with no other writer between.
unsafe impl<P: Policy> lock_api::RawRwLockUpgradeDowngrade for RawRwLock<P> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, _guard: GuardSend) -> GuardSend {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade_upgradable() };
        GuardSend::new()
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, _guard: GuardSend) -> GuardSend {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade_to_upgradable() };
        GuardSend::new()
    }
}

// SAFETY: as for `RawRwLockUpgrade`.
unsafe impl<P: Policy> lock_api::RawRwLockUpgradeTimed for RawRwLock<P> {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<GuardSend> {
        let held = self.core.try_lock_upgradable() || self.core.lock_upgradable(after(timeout));
        held.then(GuardSend::new)
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> Option<GuardSend> {
        self.core.lock_upgradable(Some(timeout)).then(GuardSend::new)
    }

    #[inline]
    unsafe fn try_upgrade_for(
        &self,
        guard: GuardSend,
        timeout: Duration,
    ) -> Result<GuardSend, GuardSend> {
        // SAFETY: the caller's promise.
        if unsafe { self.core.upgrade(after(timeout)) } { Ok(GuardSend::new()) } else { Err(guard) }
    }

    #[inline]
    unsafe fn try_upgrade_until(
        &self,
        guard: GuardSend,
        timeout: Instant,
    ) -> Result<GuardSend, GuardSend> {
        // SAFETY: the caller's promise.
        if unsafe { self.core.upgrade(Some(timeout)) } { Ok(GuardSend::new()) } else { Err(guard) }
    }
}
