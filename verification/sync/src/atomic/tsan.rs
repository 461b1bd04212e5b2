//! `core`'s atomics for the thread sanitizer, which follows orderings but no fences.
//!
//! What a fence orders is put on the accesses around it, as far as they can be known:
//!
//! - a load is at least Acquire, since a fence may follow;
//! - from a thread's first releasing fence on, its stores are at least Release;
//! - a fence is also a read-modify-write of one static word, which orders it against all others.
//!
//! So the sanitizer reports nothing that a fence forbids. It reports less than it could: an
//! acquire that is missing on a load is invisible here, and loom's to find. `Atomic<T>` and
//! `AtomicPair` keep the orderings that they are given.

use core::cell::Cell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{self as imp, Ordering};

static FENCES: imp::AtomicUsize = imp::AtomicUsize::new(0);

std::thread_local! {
    /// Whether this thread has passed a releasing fence.
    static PUBLISHES: Cell<bool> = const { Cell::new(false) };
}

/// A fence, and what the sanitizer sees of it.
pub fn fence(order: Ordering) {
    imp::fence(order);
    if order != Ordering::Acquire {
        PUBLISHES.set(true);
    }
    // AcqRel: every fence comes after those before it, in the sanitizer's eyes.
    FENCES.fetch_add(1, Ordering::AcqRel);
}

fn load(order: Ordering) -> Ordering {
    if order == Ordering::Relaxed { Ordering::Acquire } else { order }
}

fn store(order: Ordering) -> Ordering {
    if order == Ordering::Relaxed && PUBLISHES.get() { Ordering::Release } else { order }
}

fn exchange(order: Ordering) -> Ordering {
    match order {
        Ordering::SeqCst => Ordering::SeqCst,
        Ordering::Release | Ordering::AcqRel => Ordering::AcqRel,
        _ if PUBLISHES.get() => Ordering::AcqRel,
        _ => Ordering::Acquire,
    }
}

macro_rules! common {
    ([$($generic:tt)*] $name:ty, $inner:ty, $value:ty) => {
        impl $($generic)* $name {
            /// Wraps the value.
            pub const fn new(value: $value) -> Self {
                Self(<$inner>::new(value))
            }

            /// Unwraps the value.
            pub fn into_inner(self) -> $value {
                self.0.into_inner()
            }

            /// As `core`'s.
            pub fn load(&self, order: Ordering) -> $value {
                self.0.load(load(order))
            }

            /// As `core`'s.
            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value, store(order));
            }

            /// As `core`'s.
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.0.swap(value, exchange(order))
            }

            /// As `core`'s.
            #[allow(clippy::missing_errors_doc, reason = "as `core`'s")]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.0.compare_exchange(current, new, exchange(success), load(failure))
            }

            /// As `core`'s.
            #[allow(clippy::missing_errors_doc, reason = "as `core`'s")]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.0.compare_exchange_weak(current, new, exchange(success), load(failure))
            }

            /// As `core`'s.
            #[allow(clippy::missing_errors_doc, reason = "as `core`'s")]
            pub fn fetch_update<F>(
                &self,
                success: Ordering,
                failure: Ordering,
                next: F,
            ) -> Result<$value, $value>
            where
                F: FnMut($value) -> Option<$value>,
            {
                self.0.fetch_update(exchange(success), load(failure), next)
            }
        }

        impl $($generic)* fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $($generic)* Default for $name {
            fn default() -> Self {
                Self(<$inner>::default())
            }
        }

        impl $($generic)* From<$value> for $name {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        /// What the facade's users call on the real machine only.
        impl $($generic)* Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl $($generic)* DerefMut for $name {
            fn deref_mut(&mut self) -> &mut $inner {
                &mut self.0
            }
        }
    };
}

macro_rules! fetches {
    ($name:ident, $value:ty: $($fetch:ident)*) => {
        impl $name {$(
            /// As `core`'s.
            pub fn $fetch(&self, value: $value, order: Ordering) -> $value {
                self.0.$fetch(value, exchange(order))
            }
        )*}
    };
}

macro_rules! integers {
    ($($name:ident: $value:ty),* $(,)?) => {$(
        /// `core`'s, with what fences order on the accesses themselves.
        #[repr(transparent)]
        pub struct $name(imp::$name);

        common!([] $name, imp::$name, $value);
        fetches!(
            $name, $value: fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max
            fetch_min
        );
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

/// `core`'s, with what fences order on the accesses themselves.
#[repr(transparent)]
pub struct AtomicBool(imp::AtomicBool);

common!([] AtomicBool, imp::AtomicBool, bool);
fetches!(AtomicBool, bool: fetch_and fetch_nand fetch_or fetch_xor);

/// `core`'s, with what fences order on the accesses themselves.
#[repr(transparent)]
pub struct AtomicPtr<T>(imp::AtomicPtr<T>);

common!([<T>] AtomicPtr<T>, imp::AtomicPtr<T>, *mut T);
