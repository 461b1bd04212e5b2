//! One thread's attempts on the lock, under every policy, against counts of what it holds: what is
//! granted and what is refused is known, and a refused attempt leaves nothing behind.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use latchwork_rwlock::{
    Bounded, Patient, PhaseFair, Policy, ReaderPriority, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, WritePatiently, WriterPriority,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Read,
    ReadInNoTime,
    Write,
    WriteInNoTime,
    WritePatiently,
    Upgradable,
    UpgradableInNoTime,
    Upgrade,
    UpgradeInNoTime,
    Downgrade,
    DowngradeToUpgradable,
    DowngradeUpgradable,
    EndRead(u8),
    EndWrite,
    EndUpgradable,
}

#[derive(Arbitrary, Debug)]
struct Input {
    policy: u8,
    steps: Vec<Step>,
}

fn play<P: Policy>(steps: &[Step]) {
    let lock: RwLock<u32, P> = RwLock::new(0);
    let mut reads: Vec<RwLockReadGuard<'_, u32, P>> = Vec::new();
    let mut write: Option<RwLockWriteGuard<'_, u32, P>> = None;
    let mut upgradable: Option<RwLockUpgradableReadGuard<'_, u32, P>> = None;
    let mut writes = 0;
    for step in steps {
        let (free_to_read, no_other) = (write.is_none(), upgradable.is_none());
        let free_to_write = free_to_read && no_other && reads.is_empty();
        match *step {
            Step::Read | Step::ReadInNoTime => {
                let read = match step {
                    Step::Read => lock.try_read(),
                    _ => lock.try_read_for(Duration::ZERO),
                };
                assert_eq!(read.is_some(), free_to_read);
                reads.extend(read);
            }
            Step::Write | Step::WriteInNoTime | Step::WritePatiently => {
                let new = match step {
                    Step::Write => lock.try_write(),
                    Step::WriteInNoTime => lock.try_write_for(Duration::ZERO),
                    _ => lock.write_patiently(Patient::within(Duration::ZERO)).ok(),
                };
                assert_eq!(new.is_some(), free_to_write);
                if let Some(mut new) = new {
                    *new += 1;
                    writes += 1;
                    write = Some(new);
                }
            }
            Step::Upgradable | Step::UpgradableInNoTime => {
                let new = match step {
                    Step::Upgradable => lock.try_upgradable_read(),
                    _ => lock.try_upgradable_read_for(Duration::ZERO),
                };
                assert_eq!(new.is_some(), free_to_read && no_other);
                upgradable = new.or(upgradable);
            }
            Step::Upgrade | Step::UpgradeInNoTime => {
                let Some(old) = upgradable.take() else { continue };
                let upgraded = match step {
                    Step::Upgrade => RwLockUpgradableReadGuard::try_upgrade(old),
                    _ => RwLockUpgradableReadGuard::try_upgrade_for(old, Duration::ZERO),
                };
                assert_eq!(upgraded.is_ok(), reads.is_empty());
                match upgraded {
                    Ok(new) => write = Some(new),
                    Err(old) => upgradable = Some(old),
                }
            }
            Step::Downgrade => reads.extend(write.take().map(RwLockWriteGuard::downgrade)),
            Step::DowngradeToUpgradable => {
                let new = write.take().map(RwLockWriteGuard::downgrade_to_upgradable);
                upgradable = new.or(upgradable);
            }
            Step::DowngradeUpgradable => {
                reads.extend(upgradable.take().map(RwLockUpgradableReadGuard::downgrade));
            }
            Step::EndRead(which) => {
                if !reads.is_empty() {
                    drop(reads.swap_remove(usize::from(which) % reads.len()));
                }
            }
            Step::EndWrite => drop(write.take()),
            Step::EndUpgradable => drop(upgradable.take()),
        }
        // SAFETY: the raw lock is only looked at.
        let core = unsafe { lock.raw() }.core();
        assert_eq!(core.readers(), reads.len() + usize::from(upgradable.is_some()));
        assert_eq!((core.blocked_readers(), core.waiting_writers()), (0, 0));
        assert_eq!(core.is_locked_exclusive(), write.is_some());
        assert!(reads.iter().all(|read| **read == writes));
    }
    drop((reads, write, upgradable));
    assert_eq!(lock.try_write().map(|value| *value), Some(writes));
}

fuzz_target!(|input: Input| {
    match input.policy % 4 {
        0 => play::<Bounded>(&input.steps),
        1 => play::<WriterPriority>(&input.steps),
        2 => play::<PhaseFair>(&input.steps),
        _ => play::<ReaderPriority>(&input.steps),
    }
});
