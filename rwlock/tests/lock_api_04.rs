//! The lock under `lock_api` 0.4.

#![cfg(all(feature = "lock_api_04", not(any(latchwork_loom, latchwork_shuttle))))]

use std::time::Duration;

use latchwork_rwlock::RawRwLock;
use lock_api_04::{RwLockUpgradableReadGuard, RwLockWriteGuard};

type RwLock<T> = lock_api_04::RwLock<RawRwLock, T>;

#[test]
fn every_trait_is_there() {
    static LOCK: RwLock<u32> = RwLock::new(0);
    let read = LOCK.read();
    assert!(LOCK.try_write().is_none());
    assert!(LOCK.try_write_for(Duration::from_millis(1)).is_none());
    assert!(LOCK.try_read_for(Duration::from_millis(1)).is_some());
    drop(read);
    let upgradable = LOCK.try_upgradable_read_for(Duration::from_millis(1)).unwrap();
    let mut write = RwLockUpgradableReadGuard::upgrade(upgradable);
    *write = 1;
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(write);
    let upgradable = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, Duration::ZERO);
    let read = RwLockWriteGuard::downgrade(upgradable.ok().unwrap());
    assert_eq!(*read, 1);
    drop(read);
    RwLockWriteGuard::unlock_fair(LOCK.write());
    assert!(!LOCK.is_locked());
}
