//! `lock_api` 0.5's traits for the raw lock.

use core::mem::ManuallyDrop;
use core::panic::Location;

use latchwork_sync::time::{Duration, Instant};

use crate::policy::{Bounded, Policy};
use crate::probe::{Access, Caller, NoProbe, Probe};
use crate::raw::{Core, GaveUp, Patient};

/// The raw lock that [`RwLock`](crate::RwLock) is made of: `lock_api`'s traits over [`Core`], with
/// a probe.
///
/// Guards may be sent to other threads. Orderings, progress and cost are [`Core`]'s; a probe adds
/// what it says.
#[derive(Debug)]
pub struct RawRwLock<P = Bounded, O = NoProbe> {
    core: Core<P>,
    probe: O,
}

impl<P: Policy, O: Probe> RawRwLock<P, O> {
    /// A free lock with the policy's and the probe's default settings.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self::with_probe(P::DEFAULT, O::NEW)
    }

    /// A free lock with the probe's default settings.
    #[inline]
    pub const fn with_policy(policy: P) -> Self {
        Self::with_probe(policy, O::NEW)
    }

    /// A free lock.
    #[inline]
    pub const fn with_probe(policy: P, probe: O) -> Self {
        Self { core: Core::new(policy), probe }
    }

    /// The lock below the traits: its counts are there.
    #[inline]
    pub fn core(&self) -> &Core<P> {
        &self.core
    }

    /// The lock's probe.
    #[inline]
    pub fn probe(&self) -> &O {
        &self.probe
    }

    #[inline]
    fn try_read(&self, site: Caller) -> Option<O::Held> {
        self.probe.asks(Access::Read, site);
        self.core.try_lock_shared().then(|| self.probe.acquired(Access::Read, site))
    }

    #[inline]
    fn read(&self, deadline: Option<Instant>, site: Caller) -> Option<O::Held> {
        self.probe.asks(Access::Read, site);
        if self.core.enter_shared() {
            return Some(self.probe.acquired(Access::Read, site));
        }
        // Counted among the readers, it has found the way barred.
        let counted = Counted(&self.core);
        let mut watching = self.probe.watch(Access::Read, site);
        core::mem::forget(counted);
        let held = self.core.lock_shared_slow(deadline, &mut watching);
        self.after_wait(held, watching)
    }

    /// Tells the probe how a wait ended.
    #[inline]
    fn after_wait(&self, held: bool, watching: O::Watching<'_>) -> Option<O::Held> {
        if held {
            Some(self.probe.acquired_late(watching))
        } else {
            self.probe.gave_up(watching);
            None
        }
    }

    #[inline]
    fn try_write(&self, site: Caller) -> Option<O::Held> {
        self.probe.asks(Access::Write, site);
        self.core.try_lock_exclusive().then(|| self.probe.acquired(Access::Write, site))
    }

    #[inline]
    fn write(&self, deadline: Option<Instant>, site: Caller) -> Option<O::Held> {
        self.probe.asks(Access::Write, site);
        if self.core.lock_idle() {
            return Some(self.probe.acquired(Access::Write, site));
        }
        let mut watching = self.probe.watch(Access::Write, site);
        let held = self.core.lock_exclusive_slow(deadline, &mut watching);
        self.after_wait(held, watching)
    }

    /// Takes the lock for writing within a time; see [`Core::lock_exclusive_patiently`].
    pub(crate) fn write_patiently(&self, plan: Patient, site: Caller) -> Result<O::Held, GaveUp> {
        if let Some(held) = self.try_write(site) {
            return Ok(held);
        }
        let mut watching = self.probe.watch(Access::Write, site);
        let result = self.core.lock_exclusive_patiently_slow(plan, &mut watching);
        let held = self.after_wait(result.is_ok(), watching);
        match result {
            Ok(()) => Ok(held.expect("the lock is held")),
            Err(gave_up) => Err(GaveUp { holder: self.probe.holder(), ..gave_up }),
        }
    }

    #[inline]
    fn try_upgradable(&self, site: Caller) -> Option<O::Held> {
        self.probe.asks(Access::Upgradable, site);
        self.core.try_lock_upgradable().then(|| self.probe.acquired(Access::Upgradable, site))
    }

    #[inline]
    fn upgradable(&self, deadline: Option<Instant>, site: Caller) -> Option<O::Held> {
        if let Some(held) = self.try_upgradable(site) {
            return Some(held);
        }
        let mut watching = self.probe.watch(Access::Upgradable, site);
        let held = self.core.lock_upgradable_slow(deadline, &mut watching);
        self.after_wait(held, watching)
    }

    /// # Safety
    ///
    /// The caller owns the upgradable share, and if this is `Ok` the write lock instead.
    #[inline]
    unsafe fn upgrade_within(
        &self,
        held: O::Held,
        deadline: Option<Instant>,
        site: Caller,
    ) -> Result<O::Held, O::Held> {
        // SAFETY: passed on to the caller.
        if unsafe { self.core.try_upgrade() } {
            return Ok(self.probe.changed(held, Access::Write));
        }
        let share = Share { lock: self, held: ManuallyDrop::new(held) };
        let mut watching = self.probe.watch(Access::Write, site);
        let held = share.into_held();
        // SAFETY: passed on to the caller.
        let upgraded = unsafe { self.core.upgrade_slow(deadline, &mut watching) };
        if upgraded {
            self.probe.waited(watching);
            Ok(self.probe.changed(held, Access::Write))
        } else {
            self.probe.gave_up(watching);
            Err(held)
        }
    }
}

/// A reader that is counted and not yet let in: if it unwinds, the count is taken back.
struct Counted<'a, P: Policy>(&'a Core<P>);

impl<P: Policy> Drop for Counted<'_, P> {
    fn drop(&mut self) {
        // SAFETY: the count of the reader that made this, which hasn't begun to wait.
        unsafe { self.0.unlock_shared() };
    }
}

/// The upgradable share of an upgrade that hasn't begun to wait: if it unwinds, the share is given
/// back.
struct Share<'a, P: Policy, O: Probe> {
    lock: &'a RawRwLock<P, O>,
    held: ManuallyDrop<O::Held>,
}

impl<P: Policy, O: Probe> Share<'_, P, O> {
    fn into_held(self) -> O::Held {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken once: `this` is not dropped.
        unsafe { ManuallyDrop::take(&mut this.held) }
    }
}

impl<P: Policy, O: Probe> Drop for Share<'_, P, O> {
    fn drop(&mut self) {
        // SAFETY: taken once, here.
        let held = unsafe { ManuallyDrop::take(&mut self.held) };
        // SAFETY: the one that upgrades owns the share, and is unwinding.
        unsafe { lock_api::RawRwLockUpgrade::unlock_upgradable(self.lock, held) };
    }
}

impl<P: Policy, O: Probe> Default for RawRwLock<P, O> {
    fn default() -> Self {
        Self::new()
    }
}

/// The moment after a timeout; none, which is for ever, where the clock can't tell it.
#[inline]
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

/// What a wait without a deadline ends with.
///
/// # Safety
///
/// The wait had no deadline.
#[inline]
unsafe fn certainly<T>(held: Option<T>) -> T {
    debug_assert!(held.is_some(), "only a deadline ends a wait without the lock");
    // SAFETY: it is none only where a deadline passed, and there was none.
    unsafe { held.unwrap_unchecked() }
}

// SAFETY: I1 and I2 of `raw`: a write lock excludes every other holder, and each function uses up
// what its caller owns. An acquisition that unwinds, as the probe of a wait may, holds nothing.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLock for RawRwLock<P, O> {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's way to a const new")]
    const INIT: Self = Self::new();

    type SharedGuard = O::Held;
    type ExclusiveGuard = O::Held;

    #[inline]
    #[track_caller]
    fn lock_shared(&self) -> O::Held {
        let held = self.read(None, Location::caller());
        // SAFETY: no deadline.
        unsafe { certainly(held) }
    }

    #[inline]
    #[track_caller]
    fn try_lock_shared(&self) -> Option<O::Held> {
        self.try_read(Location::caller())
    }

    #[inline]
    unsafe fn unlock_shared(&self, held: O::Held) {
        // SAFETY: the caller's promise.
        let before = unsafe { self.core.release_shared() };
        let at = self.probe.stamp(&held, before.is_waited_for());
        self.core.settle_shared(before);
        self.probe.released(held, at);
    }

    #[inline]
    #[track_caller]
    fn lock_exclusive(&self) -> O::Held {
        let held = self.write(None, Location::caller());
        // SAFETY: no deadline.
        unsafe { certainly(held) }
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive(&self) -> Option<O::Held> {
        self.try_write(Location::caller())
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, held: O::Held) {
        // SAFETY: the caller's promise.
        let before = unsafe { self.core.release_exclusive() };
        let at = self.probe.stamp(&held, before.is_waited_for());
        self.core.settle_exclusive(before);
        self.probe.released(held, at);
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
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockFair for RawRwLock<P, O> {
    /// As the plain unlock: the next writer is woken, and may be overtaken.
    #[inline]
    unsafe fn unlock_shared_fair(&self, held: O::Held) {
        // SAFETY: the caller's promise.
        unsafe { lock_api::RawRwLock::unlock_shared(self, held) }
    }

    /// Hands the lock to the readers that wait, before any other writer.
    #[inline]
    unsafe fn unlock_exclusive_fair(&self, held: O::Held) {
        self.core.call_readers_in();
        // SAFETY: the caller's promise. No writer takes the lock before overdue readers.
        unsafe { lock_api::RawRwLock::unlock_exclusive(self, held) }
    }
}

// SAFETY: as for `RawRwLock`; the change is one step, with no other writer between.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockDowngrade for RawRwLock<P, O> {
    #[inline]
    unsafe fn downgrade(&self, held: O::Held) -> O::Held {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade() };
        self.probe.changed(held, Access::Read)
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockTimed for RawRwLock<P, O> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    #[track_caller]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<O::Held> {
        let site = Location::caller();
        self.try_read(site).or_else(|| self.read(after(timeout), site))
    }

    #[inline]
    #[track_caller]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<O::Held> {
        self.read(Some(timeout), Location::caller())
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<O::Held> {
        let site = Location::caller();
        self.try_write(site).or_else(|| self.write(after(timeout), site))
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<O::Held> {
        self.write(Some(timeout), Location::caller())
    }
}

// SAFETY: as for `RawRwLock`; there is one upgradable share, and the upgrade is one step, with no
// other writer between.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockUpgrade for RawRwLock<P, O> {
    type UpgradableGuard = O::Held;

    #[inline]
    #[track_caller]
    fn lock_upgradable(&self) -> O::Held {
        let held = self.upgradable(None, Location::caller());
        // SAFETY: no deadline.
        unsafe { certainly(held) }
    }

    #[inline]
    #[track_caller]
    fn try_lock_upgradable(&self) -> Option<O::Held> {
        self.try_upgradable(Location::caller())
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, held: O::Held) {
        // SAFETY: the caller's promise.
        let before = unsafe { self.core.release_upgradable() };
        let at = self.probe.stamp(&held, before.is_waited_for());
        self.core.settle_upgradable(before);
        self.probe.released(held, at);
    }

    #[inline]
    #[track_caller]
    unsafe fn upgrade(&self, held: O::Held) -> O::Held {
        // SAFETY: the caller's promise.
        let held = unsafe { self.upgrade_within(held, None, Location::caller()) };
        // SAFETY: no deadline.
        unsafe { certainly(held.ok()) }
    }

    #[inline]
    unsafe fn try_upgrade(&self, held: O::Held) -> Result<O::Held, O::Held> {
        // SAFETY: the caller's promise.
        if unsafe { self.core.try_upgrade() } {
            Ok(self.probe.changed(held, Access::Write))
        } else {
            Err(held)
        }
    }
}

// SAFETY: as for `RawRwLock`; the changes are one step each, with no other writer between.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockUpgradeDowngrade for RawRwLock<P, O> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, held: O::Held) -> O::Held {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade_upgradable() };
        self.probe.changed(held, Access::Read)
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, held: O::Held) -> O::Held {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade_to_upgradable() };
        self.probe.changed(held, Access::Upgradable)
    }
}

// SAFETY: as for `RawRwLockUpgrade`.
unsafe impl<P: Policy, O: Probe> lock_api::RawRwLockUpgradeTimed for RawRwLock<P, O> {
    #[inline]
    #[track_caller]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<O::Held> {
        let site = Location::caller();
        self.try_upgradable(site).or_else(|| self.upgradable(after(timeout), site))
    }

    #[inline]
    #[track_caller]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> Option<O::Held> {
        self.upgradable(Some(timeout), Location::caller())
    }

    #[inline]
    #[track_caller]
    unsafe fn try_upgrade_for(&self, held: O::Held, timeout: Duration) -> Result<O::Held, O::Held> {
        // SAFETY: the caller's promise.
        unsafe { self.upgrade_within(held, after(timeout), Location::caller()) }
    }

    #[inline]
    #[track_caller]
    unsafe fn try_upgrade_until(
        &self,
        held: O::Held,
        timeout: Instant,
    ) -> Result<O::Held, O::Held> {
        // SAFETY: the caller's promise.
        unsafe { self.upgrade_within(held, Some(timeout), Location::caller()) }
    }
}
