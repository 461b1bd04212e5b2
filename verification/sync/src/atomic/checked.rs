//! The explorer's atomics behind wrappers that name their call site.

#![allow(missing_docs, reason = "the same methods as `core::sync::atomic`'s")]
#![allow(clippy::missing_errors_doc, reason = "the same methods as `core::sync::atomic`'s")]

use core::fmt;
use core::panic::Location;

use super::{AtomicMut, Ordering};
use crate::engine::atomic as imp;
use crate::model::site::{Role, ends_for_no_reason, ordering};
use crate::model::threads::{Choice, choose};

/// A fence, or nothing where this run's mutant removes it.
///
/// # Panics
///
/// When `order` is Relaxed, as `core`'s.
#[track_caller]
pub fn fence(order: Ordering) {
    assert!(order != Ordering::Relaxed, "there is no such thing as a relaxed fence");
    match ordering(Location::caller(), Role::Fence, order) {
        Ordering::Relaxed => {}
        order => imp::fence(order),
    }
}

macro_rules! basics {
    ($value:ty) => {
        #[track_caller]
        pub fn load(&self, order: Ordering) -> $value {
            self.0.load(ordering(Location::caller(), Role::Load, order))
        }

        #[track_caller]
        pub fn store(&self, value: $value, order: Ordering) {
            self.0.store(value, ordering(Location::caller(), Role::Store, order));
        }

        #[track_caller]
        pub fn swap(&self, value: $value, order: Ordering) -> $value {
            self.0.swap(value, ordering(Location::caller(), Role::Rmw, order))
        }

        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            let site = Location::caller();
            self.0.compare_exchange(
                current,
                new,
                ordering(site, Role::Success, success),
                ordering(site, Role::Failure, failure),
            )
        }

        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            let site = Location::caller();
            // A failure for no reason is a load, which may be of an older value.
            if choose(Choice::WeakFailure) || ends_for_no_reason(site, Role::Weak) {
                return Err(self.0.load(ordering(site, Role::Failure, failure)));
            }
            self.compare_exchange(current, new, success, failure)
        }

        #[track_caller]
        pub fn fetch_update<F>(
            &self,
            success: Ordering,
            failure: Ordering,
            mut next: F,
        ) -> Result<$value, $value>
        where
            F: FnMut($value) -> Option<$value>,
        {
            let mut seen = self.load(failure);
            while let Some(new) = next(seen) {
                match self.compare_exchange_weak(seen, new, success, failure) {
                    Ok(seen) => return Ok(seen),
                    Err(now) => seen = now,
                }
            }
            Err(seen)
        }
    };
}

macro_rules! fetches {
    ($value:ty: $($name:ident),*) => {$(
        #[track_caller]
        pub fn $name(&self, value: $value, order: Ordering) -> $value {
            self.0.$name(value, ordering(Location::caller(), Role::Rmw, order))
        }
    )*};
}

macro_rules! shared {
    ($name:ident, $value:ty) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Reading it would be one more step of the model.
                f.write_str(stringify!($name))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }
    };
}

macro_rules! exclusive {
    ($value:ty) => {
        type Value = $value;

        #[track_caller]
        fn load_mut(&mut self) -> $value {
            #[cfg(latchwork_loom)]
            {
                self.0.with_mut(|value| *value)
            }
            #[cfg(latchwork_shuttle)]
            {
                *self.0.get_mut()
            }
        }

        #[track_caller]
        fn store_mut(&mut self, new: $value) {
            #[cfg(latchwork_loom)]
            self.0.with_mut(|value| *value = new);
            #[cfg(latchwork_shuttle)]
            {
                *self.0.get_mut() = new;
            }
        }
    };
}

macro_rules! integers {
    ($($name:ident: $value:ty),* $(,)?) => {$(
        pub struct $name(imp::$name);

        impl $name {
            #[track_caller]
            pub fn new(value: $value) -> Self {
                Self(imp::$name::new(value))
            }

            pub fn into_inner(mut self) -> $value {
                self.load_mut()
            }

            basics!($value);
            fetches!(
                $value: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min
            );
        }

        shared!($name, $value);

        impl AtomicMut for $name {
            exclusive!($value);
        }
    )*};
}

integers! {
    AtomicI8: i8,
    AtomicI16: i16,
    AtomicI32: i32,
    AtomicI64: i64,
    AtomicIsize: isize,
    AtomicU8: u8,
    AtomicU16: u16,
    AtomicU32: u32,
    AtomicU64: u64,
    AtomicUsize: usize,
}

impl AtomicU32 {
    /// The newest value in modification order, read in one step that is no site of its own.
    pub(crate) fn unlisted_newest(&self) -> u32 {
        self.0.fetch_add(0, Ordering::Relaxed)
    }
}

/// A bool in the explorer's `AtomicU8`, whose exclusive access it can check, unlike its
/// `AtomicBool`'s.
pub struct AtomicBool(AtomicU8);

impl AtomicBool {
    #[track_caller]
    pub fn new(value: bool) -> Self {
        Self(AtomicU8::new(u8::from(value)))
    }

    pub fn into_inner(mut self) -> bool {
        self.load_mut()
    }

    #[track_caller]
    pub fn load(&self, order: Ordering) -> bool {
        self.0.load(order) != 0
    }

    #[track_caller]
    pub fn store(&self, value: bool, order: Ordering) {
        self.0.store(u8::from(value), order);
    }

    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: bool,
        new: bool,
        success: Ordering,
        failure: Ordering,
    ) -> Result<bool, bool> {
        as_bool(self.0.compare_exchange(u8::from(current), u8::from(new), success, failure))
    }

    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: bool,
        new: bool,
        success: Ordering,
        failure: Ordering,
    ) -> Result<bool, bool> {
        as_bool(self.0.compare_exchange_weak(u8::from(current), u8::from(new), success, failure))
    }

    #[track_caller]
    pub fn fetch_update<F>(
        &self,
        success: Ordering,
        failure: Ordering,
        mut next: F,
    ) -> Result<bool, bool>
    where
        F: FnMut(bool) -> Option<bool>,
    {
        as_bool(self.0.fetch_update(success, failure, |seen| next(seen != 0).map(u8::from)))
    }
}

fn as_bool(result: Result<u8, u8>) -> Result<bool, bool> {
    result.map(|value| value != 0).map_err(|value| value != 0)
}

macro_rules! bool_fetches {
    ($($name:ident),*) => {
        impl AtomicBool {$(
            #[track_caller]
            pub fn $name(&self, value: bool, order: Ordering) -> bool {
                self.0.$name(u8::from(value), order) != 0
            }
        )*}
    };
}

bool_fetches!(swap, fetch_and, fetch_or, fetch_xor);

shared!(AtomicBool, bool);

impl AtomicMut for AtomicBool {
    type Value = bool;

    #[track_caller]
    fn load_mut(&mut self) -> bool {
        self.0.load_mut() != 0
    }

    #[track_caller]
    fn store_mut(&mut self, new: bool) {
        self.0.store_mut(u8::from(new));
    }
}

pub struct AtomicPtr<T>(imp::AtomicPtr<T>);

impl<T> AtomicPtr<T> {
    #[track_caller]
    pub fn new(value: *mut T) -> Self {
        Self(imp::AtomicPtr::new(value))
    }

    pub fn into_inner(mut self) -> *mut T {
        self.load_mut()
    }

    basics!(*mut T);
}

impl<T> fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtomicPtr")
    }
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(core::ptr::null_mut())
    }
}

impl<T> From<*mut T> for AtomicPtr<T> {
    fn from(value: *mut T) -> Self {
        Self::new(value)
    }
}

impl<T> AtomicMut for AtomicPtr<T> {
    exclusive!(*mut T);
}
