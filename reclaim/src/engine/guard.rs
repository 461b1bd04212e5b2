//! Guards of a handle, and what they have in common with those of a thread.

use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::Ordering;

use super::{Mode, Numbered, NumberedHandle, Record};
use crate::pointer::{Atomic, Shared};
use crate::retired::Retired;
use crate::scheme::{Guard, Section, Shield};

/// A guarded section of a handle; see [`epoch::LocalGuard`](crate::epoch::LocalGuard).
///
/// It may be sent to another thread for as long as the handle is borrowed.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct LocalGuard<'h, M: Mode> {
    record: &'h Record<M>,
    /// Not to be shared: retiring through it changes the record.
    alone: PhantomData<*const ()>,
}

// SAFETY: the handle is borrowed mutably, so that the record is the guard's alone. The light
// fence of its pin happens before what the other thread loads, as it does for its own.
unsafe impl<M: Mode> Send for LocalGuard<'_, M> {}

impl<'h, M: Mode> LocalGuard<'h, M> {
    /// Of a record that was entered.
    #[inline(always)]
    pub(super) fn new(record: &'h Record<M>) -> Self {
        Self { record, alone: PhantomData }
    }

    #[inline(always)]
    pub(super) fn record(&self) -> &Record<M> {
        self.record
    }

    /// Ends this section and begins another: whoever waits for this guard need not wait longer.
    #[inline]
    pub fn repin(&mut self) {
        self.record.leave();
        self.record.enter(&self.record.engine().era);
    }
}

impl<M: Mode> Drop for LocalGuard<'_, M> {
    #[inline(always)]
    fn drop(&mut self) {
        self.record.leave();
    }
}

impl<M: Mode> fmt::Debug for LocalGuard<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalGuard").finish_non_exhaustive()
    }
}

/// A guarded section that may overlap with others of its handle; see
/// [`epoch::NestedGuard`](crate::epoch::NestedGuard).
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct NestedGuard<'h, M: Mode> {
    record: &'h Record<M>,
    /// Bound to its thread, as others of the same record are.
    bound: PhantomData<*const ()>,
}

impl<'h, M: Mode> NestedGuard<'h, M> {
    /// Of a record that was entered once more.
    #[inline(always)]
    pub(super) fn new(record: &'h Record<M>) -> Self {
        Self { record, bound: PhantomData }
    }

    #[inline(always)]
    fn record(&self) -> &Record<M> {
        self.record
    }
}

impl<M: Mode> Drop for NestedGuard<'_, M> {
    #[inline(always)]
    fn drop(&mut self) {
        self.record.leave_nested();
    }
}

impl<M: Mode> fmt::Debug for NestedGuard<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedGuard").finish_non_exhaustive()
    }
}

/// A guarded section of its own, bound to no thread and no handle: it may be sent, kept in a
/// structure, or held by a task across an `.await`.
///
/// ```
/// use latchwork_reclaim::{Atomic, Epoch, Owned, Section};
///
/// let domain = Epoch::new();
/// let cell = Atomic::new(Owned::new(7));
/// let guard = domain.pin_owned();
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         let guard = guard;
///         // SAFETY: published whole, loaded and used under one guard.
///         assert_eq!(unsafe { guard.load(&cell).deref() }, &7);
///     });
/// });
/// # let mut cell = cell;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { cell.take() });
/// ```
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct OwnedGuard<M: Mode> {
    /// Pinned since the guard began. Its end ends the pin and gives the record back.
    handle: NumberedHandle<M>,
}

impl<M: Mode> Numbered<M> {
    /// Begins a guarded section that is bound to nothing.
    ///
    /// Cost: that of a registration and its end, for each guard: a walk over the domain's records,
    /// two exchanges. Progress: lock-free.
    pub fn pin_owned(&self) -> OwnedGuard<M> {
        let handle = self.register();
        handle.record().enter(&self.engine().era);
        OwnedGuard { handle }
    }
}

impl<M: Mode> OwnedGuard<M> {
    #[inline(always)]
    fn record(&self) -> &Record<M> {
        self.handle.record()
    }
}

impl<M: Mode> fmt::Debug for OwnedGuard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedGuard").finish_non_exhaustive()
    }
}

/// The shield of a numbered scheme: the guard itself.
pub struct NumberedShield<'g, M: Mode> {
    record: &'g Record<M>,
}

impl<M: Mode> fmt::Debug for NumberedShield<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").finish_non_exhaustive()
    }
}

// SAFETY: the guard that is borrowed protects what is loaded under it (I4, I8).
unsafe impl<M: Mode> Shield for NumberedShield<'_, M> {
    type Header = M::Header;

    #[inline(always)]
    fn protect<'s, T>(&'s mut self, source: &Atomic<T, M::Header>) -> Shared<'s, T, M::Header> {
        self.record.load(source)
    }
}

/// The traits of a guard that has `record()`.
macro_rules! guard_traits {
    (impl<$($lifetime:lifetime)?> $guard:ty) => {
        // SAFETY: I1 to I8 of the engine.
        unsafe impl<$($lifetime,)? M: Mode> Guard for $guard {
            type Scheme = Numbered<M>;
            type Header = M::Header;
            type Shield<'g> = NumberedShield<'g, M> where Self: 'g;

            #[inline(always)]
            fn guards(&self, domain: &Numbered<M>) -> bool {
                self.record().is_of(domain.engine())
            }

            #[inline(always)]
            fn header(&self) -> M::Header {
                // Relaxed: read before the object is published, which is all that a birth needs.
                M::header(self.record().engine().era.load(Ordering::Relaxed))
            }

            #[inline(always)]
            fn shield(&self) -> NumberedShield<'_, M> {
                NumberedShield::new(self.record())
            }

            #[inline]
            unsafe fn retire_erased(&self, retired: Retired) {
                // SAFETY: the caller's promise is the same.
                unsafe { self.record().retire(&retired) }
            }

            fn flush(&self) {
                self.record().flush();
            }
        }

        // SAFETY: the pin protects what is loaded under it (I4, I8).
        unsafe impl<$($lifetime,)? M: Mode> Section for $guard {
            #[inline(always)]
            fn load<'g, T>(&'g self, source: &Atomic<T, M::Header>) -> Shared<'g, T, M::Header> {
                self.record().load(source)
            }
        }
    };
}

impl<'g, M: Mode> NumberedShield<'g, M> {
    #[inline(always)]
    fn new(record: &'g Record<M>) -> Self {
        Self { record }
    }
}

guard_traits!(impl<'h> LocalGuard<'h, M>);
guard_traits!(impl<'h> NestedGuard<'h, M>);
guard_traits!(impl<> OwnedGuard<M>);
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
guard_traits!(impl<> super::ThreadGuard<M>);
