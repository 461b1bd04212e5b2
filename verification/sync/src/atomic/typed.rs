//! `Atomic<T>`: a plain-old-data word as an atomic.

use core::fmt;

pub use bytemuck::NoUninit;

use super::{AtomicMut, Ordering};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use real::Word;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
use checked::Word;

/// A value of a type without padding, of 1, 2, 4 or 8 bytes and aligned to its size, as an
/// atomic: for state words that are a struct or an enum of their own.
///
/// Two values are equal to an exchange when their bytes are. A type that the machine can't
/// exchange in one instruction is refused when the program is compiled; one of several fields
/// may need `#[repr(C, align(N))]`. The arithmetic of integers is with the integers' own types.
///
/// Progress: as the machine's atomics; never a lock. Cost: the same instructions as an integer of
/// the size.
///
/// ```
/// use latchwork_sync::atomic::{Atomic, NoUninit, Ordering};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// #[repr(C, align(4))]
/// struct State {
///     readers: u16,
///     waiting: u16,
/// }
/// // SAFETY: two `u16` beside each other leave no padding in four bytes.
/// unsafe impl NoUninit for State {}
///
/// let state = Atomic::new(State { readers: 1, waiting: 0 });
/// let before = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
///     Some(State { readers: state.readers + 1, ..state })
/// });
/// assert_eq!(before, Ok(State { readers: 1, waiting: 0 }));
/// assert_eq!(state.load(Ordering::Relaxed).readers, 2);
/// ```
///
/// ```compile_fail
/// // Twelve bytes are no word.
/// let _ = latchwork_sync::atomic::Atomic::new([0_u32; 3]);
/// ```
#[cfg_attr(not(any(latchwork_loom, latchwork_shuttle)), repr(transparent))]
pub struct Atomic<T>(Word<T>);

impl<T: NoUninit> Atomic<T> {
    crate::const_fn! {
        /// An atomic with this value.
        #[inline(always)]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        pub fn new(value: T) -> Self {
            const {
                assert!(
                    atomic::Atomic::<T>::is_lock_free(),
                    "Atomic<T> holds what the machine exchanges as one word: 1, 2, 4 or 8 bytes, \
                     aligned to its size"
                );
            }
            Self(Word::new(value))
        }
    }

    /// Unwraps the value.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// Reads the value.
    ///
    /// # Panics
    ///
    /// When `order` is Release or `AcqRel`.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn load(&self, order: Ordering) -> T {
        self.0.load(order)
    }

    /// Replaces the value.
    ///
    /// # Panics
    ///
    /// When `order` is Acquire or `AcqRel`.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn store(&self, value: T, order: Ordering) {
        self.0.store(value, order);
    }

    /// Replaces the value and returns the one before.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn swap(&self, value: T, order: Ordering) -> T {
        self.0.swap(value, order)
    }

    /// Replaces the value if it is `current`.
    ///
    /// # Errors
    ///
    /// The value found, where it was another one.
    ///
    /// # Panics
    ///
    /// When `failure` is Release or `AcqRel`.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.0.compare_exchange(current, new, success, failure)
    }

    /// As [`Self::compare_exchange`], and may fail without a reason.
    ///
    /// # Errors
    ///
    /// The value found.
    ///
    /// # Panics
    ///
    /// When `failure` is Release or `AcqRel`.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange_weak(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }

    /// Replaces the value by what `next` makes of it, until that succeeds or `next` declines;
    /// `next` may be called several times.
    ///
    /// # Errors
    ///
    /// The value found, where `next` returned `None`.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn fetch_update<F>(&self, success: Ordering, failure: Ordering, mut next: F) -> Result<T, T>
    where
        F: FnMut(T) -> Option<T>,
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
}

impl<T: NoUninit> AtomicMut for Atomic<T> {
    type Value = T;

    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn load_mut(&mut self) -> T {
        self.0.load_mut()
    }

    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    fn store_mut(&mut self, value: T) {
        self.0.store_mut(value);
    }
}

impl<T: NoUninit + Default> Default for Atomic<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: NoUninit> From<T> for Atomic<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
impl<T: NoUninit + fmt::Debug> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Atomic").field(&self.load(Ordering::Relaxed)).finish()
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
impl<T> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Reading it would be one more step of the model.
        f.write_str("Atomic")
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real {
    use super::{NoUninit, Ordering};

    /// The `atomic` crate's word.
    #[repr(transparent)]
    pub(super) struct Word<T>(atomic::Atomic<T>);

    impl<T> Word<T> {
        #[inline(always)]
        pub(super) const fn new(value: T) -> Self {
            Self(atomic::Atomic::new(value))
        }
    }

    impl<T: NoUninit> Word<T> {
        #[inline(always)]
        pub(super) fn into_inner(self) -> T {
            self.0.into_inner()
        }

        #[inline(always)]
        pub(super) fn load_mut(&mut self) -> T {
            *self.0.get_mut()
        }

        #[inline(always)]
        pub(super) fn store_mut(&mut self, value: T) {
            *self.0.get_mut() = value;
        }

        #[inline(always)]
        pub(super) fn load(&self, order: Ordering) -> T {
            self.0.load(order)
        }

        #[inline(always)]
        pub(super) fn store(&self, value: T, order: Ordering) {
            self.0.store(value, order);
        }

        #[inline(always)]
        pub(super) fn swap(&self, value: T, order: Ordering) -> T {
            self.0.swap(value, order)
        }

        #[inline(always)]
        pub(super) fn compare_exchange(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            self.0.compare_exchange(current, new, success, failure)
        }

        #[inline(always)]
        pub(super) fn compare_exchange_weak(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            self.0.compare_exchange_weak(current, new, success, failure)
        }
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked {
    use core::cell::Cell;
    use core::marker::PhantomData;

    use super::NoUninit;
    use crate::atomic::{AtomicMut, AtomicU64, Ordering};

    /// A value of up to 8 bytes in one word of the explorer's.
    ///
    /// The word holds nothing but what `pack::<T>` made.
    pub(super) struct Word<T> {
        word: AtomicU64,
        value: PhantomData<Cell<T>>,
    }

    // SAFETY: the word is an atomic, out of which threads take copies: moves of a `Send` value.
    unsafe impl<T: Copy + Send> Sync for Word<T> {}

    fn pack<T: NoUninit>(value: T) -> u64 {
        let bytes = bytemuck::bytes_of(&value);
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_ne_bytes(word)
    }

    fn unpack<T: NoUninit>(word: u64) -> T {
        const { assert!(size_of::<T>() <= 8) };
        let bytes = word.to_ne_bytes();
        // SAFETY: every word was made by `pack::<T>`, so its first bytes are a valid `T`.
        unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
    }

    fn both<T: NoUninit>(result: Result<u64, u64>) -> Result<T, T> {
        result.map(unpack).map_err(unpack)
    }

    impl<T: NoUninit> Word<T> {
        #[track_caller]
        pub(super) fn new(value: T) -> Self {
            Self { word: AtomicU64::new(pack(value)), value: PhantomData }
        }

        #[track_caller]
        pub(super) fn into_inner(mut self) -> T {
            self.load_mut()
        }

        #[track_caller]
        pub(super) fn load_mut(&mut self) -> T {
            unpack(self.word.load_mut())
        }

        #[track_caller]
        pub(super) fn store_mut(&mut self, value: T) {
            self.word.store_mut(pack(value));
        }

        #[track_caller]
        pub(super) fn load(&self, order: Ordering) -> T {
            unpack(self.word.load(order))
        }

        #[track_caller]
        pub(super) fn store(&self, value: T, order: Ordering) {
            self.word.store(pack(value), order);
        }

        #[track_caller]
        pub(super) fn swap(&self, value: T, order: Ordering) -> T {
            unpack(self.word.swap(pack(value), order))
        }

        #[track_caller]
        pub(super) fn compare_exchange(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            both(self.word.compare_exchange(pack(current), pack(new), success, failure))
        }

        #[track_caller]
        pub(super) fn compare_exchange_weak(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            both(self.word.compare_exchange_weak(pack(current), pack(new), success, failure))
        }
    }
}
