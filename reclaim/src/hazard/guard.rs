//! Guards and shields.

use core::array;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::asym;
use latchwork_sync::atomic::Ordering;

use super::domain::Hazard;
use super::record::Record;
use super::slots::{Slot, Slots};
use crate::pointer::{Atomic, Shared, Tagged};
use crate::retired::Retired;
use crate::scheme;

/// A section of a [`Handle`](super::Handle): where shields come from and objects are retired.
///
/// It may be sent to another thread for as long as the handle is borrowed.
#[must_use = "a guard is for its shields"]
pub struct LocalGuard<'h> {
    record: &'h Record,
    /// Not to be shared: shields and retires change the record.
    alone: PhantomData<*const ()>,
}

// SAFETY: the handle is borrowed mutably, so that the record is the guard's alone; shields can't
// be sent, and borrow the guard.
unsafe impl Send for LocalGuard<'_> {}

impl<'h> LocalGuard<'h> {
    #[inline(always)]
    pub(super) fn new(record: &'h Record) -> Self {
        Self { record, alone: PhantomData }
    }

    #[inline(always)]
    pub(super) fn record(&self) -> &Record {
        self.record
    }
}

impl fmt::Debug for LocalGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalGuard").finish_non_exhaustive()
    }
}

/// A hazard pointer: protects the object that it last returned.
///
/// Making and dropping one costs a few plain loads and stores; one that is used again and again
/// saves them. A shield that is leaked goes on protecting until its handle is dropped.
pub struct Shield<'g> {
    slot: &'g Slot,
    slots: &'g Slots,
    /// Bound to the guard's thread.
    bound: PhantomData<*const ()>,
}

impl<'g> Shield<'g> {
    /// Of a record that the caller owns.
    #[inline(always)]
    fn new(record: &'g Record) -> Self {
        let slots = &record.slots;
        // SAFETY: the guard's thread owns the record while the guard lives.
        Self { slot: unsafe { slots.take() }, slots, bound: PhantomData }
    }

    /// Protects nothing any more.
    #[inline]
    pub fn clear(&mut self) {
        self.slot.show(ptr::null_mut());
    }
}

impl Drop for Shield<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this thread owns the record, and this was the slot's only user.
        unsafe { self.slots.give(self.slot) };
    }
}

// SAFETY: I1 to I3 of the module.
unsafe impl scheme::Shield for Shield<'_> {
    type Header = ();

    #[inline(always)]
    fn protect<'s, T>(&'s mut self, source: &Atomic<T>) -> Shared<'s, T> {
        // Relaxed: checked by the load below.
        let mut seen = source.peek(Ordering::Relaxed);
        loop {
            self.slot.show(seen.block().cast());
            if !has_fault!(NO_LIGHT) {
                // Pairs with the heavy of a scan (I2).
                asym::light();
            }
            // Acquire: pairs with the Release that published the object.
            let now = source.peek(Ordering::Acquire);
            if now == seen || has_fault!(NO_SECOND_LOOK) {
                return seen.as_shared();
            }
            seen = now;
        }
    }
}

impl fmt::Debug for Shield<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").finish_non_exhaustive()
    }
}

/// Several hazard pointers that are set at once, behind one fence.
///
/// ```
/// use latchwork_reclaim::{Atomic, Guard, Handle, Hazard, Owned};
///
/// let (one, two) = (Atomic::new(Owned::new(1)), Atomic::new(Owned::new(2)));
/// let mut handle = Hazard::new().register();
/// let guard = handle.pin();
/// let mut shields = guard.shield_array();
/// let [first, second] = shields.protect_all([&one, &two]);
/// // SAFETY: loaded from roots, published whole, protected by the array.
/// assert_eq!(unsafe { first.deref() + second.deref() }, 3);
/// # drop(shields);
/// # let (mut one, mut two) = (one, two);
/// # // SAFETY: nobody else can reach them.
/// # drop(unsafe { (one.take(), two.take()) });
/// ```
#[derive(Debug)]
pub struct ShieldArray<'g, const N: usize>([Shield<'g>; N]);

impl<'g, const N: usize> ShieldArray<'g, N> {
    #[inline(always)]
    fn new(record: &'g Record) -> Self {
        Self(array::from_fn(|_| Shield::new(record)))
    }

    /// Loads the pointer of each source (with Acquire) and protects the objects, all at the same
    /// moment: there was one, within this call, at which every source held what is returned.
    ///
    /// For each of them, what [`Shield::protect`](crate::Shield::protect) says holds.
    ///
    /// Cost: one light fence for all, where they don't change. Progress: lock-free; retries when
    /// a source changes.
    #[inline]
    pub fn protect_all<'s, T>(&'s mut self, sources: [&Atomic<T>; N]) -> [Shared<'s, T>; N] {
        // Relaxed: checked by the loads below.
        let mut seen = sources.map(|source| source.peek(Ordering::Relaxed));
        loop {
            let on_time = if has_fault!(LATE_IN_ARRAY) { N - 1 } else { N };
            for (shield, seen) in self.0.iter().zip(&seen).take(on_time) {
                shield.slot.show(seen.block().cast());
            }
            // Pairs with the heavy of a scan (I2), for all of them.
            asym::light();
            for (shield, seen) in self.0.iter().zip(&seen).skip(on_time) {
                shield.slot.show(seen.block().cast());
            }
            // Acquire: pairs with the Release that published each object.
            let now = sources.map(|source| source.peek(Ordering::Acquire));
            if now == seen {
                return now.map(Tagged::as_shared);
            }
            seen = now;
        }
    }

    /// The shields, to be used one by one.
    #[inline]
    pub fn shields(&mut self) -> &mut [Shield<'g>; N] {
        &mut self.0
    }

    /// The shields.
    #[inline]
    pub fn into_inner(self) -> [Shield<'g>; N] {
        self.0
    }
}

/// The traits of a guard that has `record()`.
macro_rules! guard_traits {
    (impl<$($lifetime:lifetime)?> $guard:ty) => {
        // SAFETY: I1 to I3 of the module.
        unsafe impl<$($lifetime)?> scheme::Guard for $guard {
            type Scheme = Hazard;
            type Header = ();
            type Shield<'g> = Shield<'g> where Self: 'g;

            #[inline(always)]
            fn guards(&self, domain: &Hazard) -> bool {
                ptr::eq(self.record().engine(), domain.engine())
            }

            #[inline(always)]
            fn header(&self) {}

            #[inline(always)]
            fn shield(&self) -> Shield<'_> {
                Shield::new(self.record())
            }

            #[inline]
            unsafe fn retire_erased(&self, retired: Retired) {
                // SAFETY: the caller's promise is the same.
                unsafe { self.record().retire(retired) }
            }

            fn flush(&self) {
                self.record().flush();
            }
        }

        impl<$($lifetime)?> $guard {
            /// Several shields that are set at once. Cost: that of making each.
            #[inline]
            pub fn shield_array<const N: usize>(&self) -> ShieldArray<'_, N> {
                ShieldArray::new(self.record())
            }
        }
    };
}

guard_traits!(impl<'h> LocalGuard<'h>);
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
guard_traits!(impl<> super::Guard);
