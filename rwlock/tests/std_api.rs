//! The lock in std's place.

#![cfg(all(feature = "std-api", not(any(latchwork_loom, latchwork_shuttle))))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use latchwork_rwlock::std_api::RwLockWriteGuard;

/// What a program does with std's lock, over any lock that its import names.
macro_rules! program {
    ($name:ident, $($path:tt)*) => {
        mod $name {
            use std::sync::{Arc, LockResult, PoisonError, TryLockError};

            use $($path)*::{RwLock, RwLockReadGuard, RwLockWriteGuard};

            static TABLE: RwLock<Vec<u32>> = RwLock::new(Vec::new());

            fn first(table: &RwLock<Vec<u32>>) -> LockResult<RwLockReadGuard<'_, Vec<u32>>> {
                table.read()
            }

            #[test]
            fn reads_writes_and_poisons() {
                TABLE.write().unwrap().push(1);
                assert_eq!(*first(&TABLE).unwrap(), [1]);
                let lock = Arc::new(RwLock::new(1));
                let read = lock.read().unwrap();
                assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
                assert_eq!(*lock.try_read().unwrap(), *read);
                drop(read);
                let other = Arc::clone(&lock);
                let result = std::thread::spawn(move || {
                    let mut guard: RwLockWriteGuard<'_, i32> = other.write().unwrap();
                    *guard = 2;
                    panic!("on purpose");
                });
                assert!(result.join().is_err());
                assert!(lock.is_poisoned());
                assert_eq!(*lock.read().unwrap_or_else(PoisonError::into_inner), 2);
                assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
                assert!(format!("{lock:?}").contains("data: 2, poisoned: true"), "{lock:?}");
                lock.clear_poison();
                *lock.write().unwrap() += 1;
                let mut lock = Arc::into_inner(lock).unwrap();
                *lock.get_mut().unwrap() += 1;
                assert_eq!(lock.into_inner().unwrap(), 4);
            }
        }
    };
}

program!(of_std, std::sync);
program!(ours, latchwork_rwlock::std_api);

type Lock<T> = latchwork_rwlock::std_api::RwLock<T>;

#[test]
fn a_panic_of_a_reader_poisons_nothing() {
    let lock = Lock::new(1);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _read = lock.read().unwrap();
        panic!("on purpose");
    }));
    assert!(result.is_err());
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _read = RwLockWriteGuard::downgrade(lock.write().unwrap());
        panic!("on purpose");
    }));
    assert!(result.is_err());
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.write().unwrap(), 1);
}

#[test]
fn a_writer_that_begins_while_its_thread_panics_poisons_nothing() {
    struct WritesWhenDropped(Arc<Lock<u32>>);

    impl Drop for WritesWhenDropped {
        fn drop(&mut self) {
            *self.0.write().unwrap() = 1;
        }
    }

    let lock = Arc::new(Lock::default());
    let other = WritesWhenDropped(Arc::clone(&lock));
    let result = thread::spawn(move || {
        let _other = other;
        panic!("on purpose");
    });
    assert!(result.join().is_err());
    assert_eq!(*lock.read().unwrap(), 1);
}

#[test]
fn timeouts_come_in_addition() {
    let lock = Lock::from(0);
    let read = lock.read().unwrap();
    assert!(lock.try_write_for(Duration::from_millis(1)).is_err());
    assert!(lock.try_read_for(Duration::from_millis(1)).is_ok());
    drop(read);
    assert!(lock.try_write_for(Duration::from_millis(1)).is_ok());
}
