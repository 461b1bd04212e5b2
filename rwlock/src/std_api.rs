//! The lock in the shape of std's, with poisoning: changing an import is enough.
//!
//! ```
//! use latchwork_rwlock::std_api::RwLock; // instead of std::sync::RwLock
//!
//! let lock = RwLock::new(5);
//! {
//!     let one = lock.read().unwrap();
//!     let two = lock.read().unwrap();
//!     assert_eq!(*one + *two, 10);
//! }
//! *lock.write().unwrap() += 1;
//! assert_eq!(lock.into_inner().unwrap(), 6);
//! ```
//!
//! Errors are std's own types. Guards may be sent to other threads, which std's may not, and the
//! methods with timeouts come in addition. Policies and probes are those of the
//! [lock without poisoning](crate::RwLock), and so are orderings, limits and panics; an acquisition
//! costs a load more, a write section two looks at whether the thread panics.

use core::fmt;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::thread::panicking;

use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::time::Duration;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::lock::RawRwLock;
use crate::policy::{Bounded, Policy};
use crate::probe::{NoProbe, Probe};

/// A reader/writer lock as [`std::sync::RwLock`].
///
/// A thread that panics while it writes *poisons* the lock: every later acquisition is an error
/// that holds the guard.
pub struct RwLock<T: ?Sized, P: Policy = Bounded, O: Probe = NoProbe> {
    poisoned: AtomicBool,
    inner: crate::RwLock<T, P, O>,
}

/// A share of a [`RwLock`].
#[must_use = "the share is given back at once"]
pub struct RwLockReadGuard<'a, T: ?Sized, P: Policy = Bounded, O: Probe = NoProbe> {
    inner: crate::RwLockReadGuard<'a, T, P, O>,
}

/// The write lock of a [`RwLock`].
#[must_use = "the lock is given back at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized, P: Policy = Bounded, O: Probe = NoProbe> {
    // Dropped first: the lock is poisoned before it is free.
    watch: WatchForPanic<'a>,
    inner: crate::RwLockWriteGuard<'a, T, P, O>,
}

/// Poisons the lock if its thread panics while it has this.
struct WatchForPanic<'a> {
    poisoned: &'a AtomicBool,
    panicked_before: bool,
}

impl Drop for WatchForPanic<'_> {
    fn drop(&mut self) {
        if !self.panicked_before && panicking() {
            // Relaxed: the release of the lock publishes it.
            self.poisoned.store(true, Ordering::Relaxed);
        }
    }
}

impl<T> RwLock<T> {
    /// A free lock with the default policy.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self::from_raw(RawRwLock::new(), value)
    }
}

impl<T, P: Policy, O: Probe> RwLock<T, P, O> {
    /// A free lock of any policy and probe.
    pub const fn from_raw(raw: RawRwLock<P, O>, value: T) -> Self {
        Self { poisoned: AtomicBool::new(false), inner: crate::RwLock::from_raw(raw, value) }
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// When the lock is poisoned: the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        or_poisoned(poisoned, self.inner.into_inner())
    }
}

fn or_poisoned<G>(poisoned: bool, guard: G) -> LockResult<G> {
    if poisoned { Err(PoisonError::new(guard)) } else { Ok(guard) }
}

impl<T: ?Sized, P: Policy, O: Probe> RwLock<T, P, O> {
    /// Takes a share.
    ///
    /// # Errors
    ///
    /// When the lock is poisoned: the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T, P, O>> {
        let inner = self.inner.read();
        or_poisoned(self.is_poisoned(), RwLockReadGuard { inner })
    }

    /// Takes a share if that needs no waiting.
    ///
    /// # Errors
    ///
    /// When it would, or the lock is poisoned: then the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T, P, O>> {
        let inner = self.inner.try_read().ok_or(TryLockError::WouldBlock)?;
        Ok(or_poisoned(self.is_poisoned(), RwLockReadGuard { inner })?)
    }

    /// Takes a share, waiting for at most so long.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when the time is over; [`TryLockError::Poisoned`] when the lock is
    /// poisoned: the guard is in the error.
    #[track_caller]
    pub fn try_read_for(&self, timeout: Duration) -> TryLockResult<RwLockReadGuard<'_, T, P, O>> {
        let inner = self.inner.try_read_for(timeout).ok_or(TryLockError::WouldBlock)?;
        Ok(or_poisoned(self.is_poisoned(), RwLockReadGuard { inner })?)
    }

    #[inline]
    fn writing<'a>(
        &'a self,
        inner: crate::RwLockWriteGuard<'a, T, P, O>,
    ) -> LockResult<RwLockWriteGuard<'a, T, P, O>> {
        let watch = WatchForPanic { poisoned: &self.poisoned, panicked_before: panicking() };
        or_poisoned(self.is_poisoned(), RwLockWriteGuard { watch, inner })
    }

    /// Takes the lock for writing.
    ///
    /// # Errors
    ///
    /// When the lock is poisoned: the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T, P, O>> {
        self.writing(self.inner.write())
    }

    /// Takes the lock for writing if that needs no waiting.
    ///
    /// # Errors
    ///
    /// When it would, or the lock is poisoned: then the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T, P, O>> {
        Ok(self.writing(self.inner.try_write().ok_or(TryLockError::WouldBlock)?)?)
    }

    /// Takes the lock for writing, waiting for at most so long.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when the time is over; [`TryLockError::Poisoned`] when the lock is
    /// poisoned: the guard is in the error.
    #[track_caller]
    pub fn try_write_for(&self, timeout: Duration) -> TryLockResult<RwLockWriteGuard<'_, T, P, O>> {
        Ok(self.writing(self.inner.try_write_for(timeout).ok_or(TryLockError::WouldBlock)?)?)
    }

    /// The value, of a lock that the caller has for itself.
    ///
    /// # Errors
    ///
    /// When the lock is poisoned: the value is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        or_poisoned(poisoned, self.inner.get_mut())
    }

    /// Whether a thread has panicked while it wrote.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        // Relaxed: whoever holds the lock has it from the one that poisoned it; whoever doesn't,
        // gets an answer about the past.
        self.poisoned.load(Ordering::Relaxed)
    }

    /// Makes the lock as if it had never been poisoned.
    pub fn clear_poison(&self) {
        // Relaxed: as in `is_poisoned`.
        self.poisoned.store(false, Ordering::Relaxed);
    }
}

impl<'a, T: ?Sized, P: Policy, O: Probe> RwLockWriteGuard<'a, T, P, O> {
    /// Turns the write lock into a share, with no other writer between.
    pub fn downgrade(this: Self) -> RwLockReadGuard<'a, T, P, O> {
        let Self { watch, inner } = this;
        // A panic from here on happens to a reader.
        mem::forget(watch);
        RwLockReadGuard { inner: crate::RwLockWriteGuard::downgrade(inner) }
    }
}

impl<T: ?Sized, P: Policy, O: Probe> Deref for RwLockReadGuard<'_, T, P, O> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized, P: Policy, O: Probe> Deref for RwLockWriteGuard<'_, T, P, O> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized, P: Policy, O: Probe> DerefMut for RwLockWriteGuard<'_, T, P, O> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

macro_rules! shown_as_the_value {
    ($($guard:ident),*) => {$(
        impl<T: ?Sized + fmt::Debug, P: Policy, O: Probe> fmt::Debug for $guard<'_, T, P, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display, P: Policy, O: Probe> fmt::Display for $guard<'_, T, P, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )*};
}

shown_as_the_value!(RwLockReadGuard, RwLockWriteGuard);

impl<T: ?Sized + fmt::Debug, P: Policy, O: Probe> fmt::Debug for RwLock<T, P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => shown.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => shown.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => shown.field("data", &format_args!("<locked>")),
        };
        shown.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

// Poisoning tells of what a panic left undone.
impl<T: ?Sized, P: Policy, O: Probe> UnwindSafe for RwLock<T, P, O> {}
impl<T: ?Sized, P: Policy, O: Probe> RefUnwindSafe for RwLock<T, P, O> {}
