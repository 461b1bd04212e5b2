//! Two machine words exchanged as one.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use real::AtomicPair;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use checked::AtomicPair;

use super::Ordering;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real {
    use core::fmt;

    use portable_atomic::AtomicU128;

    use crate::atomic::{AtomicMut, Ordering};

    /// A pair of 64-bit values that is read and exchanged as one word: `cmpxchg16b`, `casp` or
    /// `ldxp`/`stxp` where the processor has them, a lock inside `portable-atomic` elsewhere
    /// (see [`AtomicPair::is_lock_free`]).
    ///
    /// ```
    /// use latchwork_sync::atomic::{AtomicPair, Ordering};
    ///
    /// let pair = AtomicPair::new((1, 2));
    /// let before = pair.compare_exchange((1, 2), (3, 4), Ordering::AcqRel, Ordering::Acquire);
    /// assert_eq!(before, Ok((1, 2)));
    /// assert_eq!(pair.load(Ordering::Acquire), (3, 4));
    /// ```
    pub struct AtomicPair(AtomicU128);

    #[inline(always)]
    const fn pack((low, high): (u64, u64)) -> u128 {
        low as u128 | (high as u128) << 64
    }

    #[inline(always)]
    const fn unpack(word: u128) -> (u64, u64) {
        (word as u64, (word >> 64) as u64)
    }

    impl AtomicPair {
        /// A pair with this value.
        #[inline(always)]
        pub const fn new(value: (u64, u64)) -> Self {
            Self(AtomicU128::new(pack(value)))
        }

        /// Whether the processor at hand exchanges the pair in one instruction or a
        /// load-linked pair.
        pub fn is_lock_free() -> bool {
            AtomicU128::is_lock_free()
        }

        /// Unwraps the words.
        pub fn into_inner(self) -> (u64, u64) {
            unpack(self.0.into_inner())
        }

        /// Reads both words at one instant.
        ///
        /// Cost: where the processor has no 128-bit load that is atomic, an exchange, which takes
        /// the cache line for itself.
        #[inline(always)]
        pub fn load(&self, order: Ordering) -> (u64, u64) {
            unpack(self.0.load(order))
        }

        /// Replaces both words and returns those before.
        #[inline(always)]
        pub fn swap(&self, value: (u64, u64), order: Ordering) -> (u64, u64) {
            unpack(self.0.swap(pack(value), order))
        }

        /// Replaces both words if both are as in `current`.
        ///
        /// # Errors
        ///
        /// The words found, where one differed.
        #[inline(always)]
        pub fn compare_exchange(
            &self,
            current: (u64, u64),
            new: (u64, u64),
            success: Ordering,
            failure: Ordering,
        ) -> Result<(u64, u64), (u64, u64)> {
            self.0
                .compare_exchange(pack(current), pack(new), success, failure)
                .map(unpack)
                .map_err(unpack)
        }

        /// As [`Self::compare_exchange`], and may fail without a reason.
        ///
        /// # Errors
        ///
        /// The words found.
        #[inline(always)]
        pub fn compare_exchange_weak(
            &self,
            current: (u64, u64),
            new: (u64, u64),
            success: Ordering,
            failure: Ordering,
        ) -> Result<(u64, u64), (u64, u64)> {
            self.0
                .compare_exchange_weak(pack(current), pack(new), success, failure)
                .map(unpack)
                .map_err(unpack)
        }
    }

    impl AtomicMut for AtomicPair {
        type Value = (u64, u64);

        #[inline(always)]
        fn load_mut(&mut self) -> (u64, u64) {
            unpack(*self.0.get_mut())
        }

        #[inline(always)]
        fn store_mut(&mut self, value: (u64, u64)) {
            *self.0.get_mut() = pack(value);
        }
    }

    impl fmt::Debug for AtomicPair {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("AtomicPair").field(&self.load(Ordering::Relaxed)).finish()
        }
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked {
    use core::fmt;
    use std::sync::Mutex;

    use crate::atomic::{AtomicMut, AtomicUsize, Ordering};

    /// A pair under a checker: its values are interned, and the word that the explorer sees is
    /// their number, so that orderings are explored exactly.
    pub struct AtomicPair {
        word: AtomicUsize,
        values: Mutex<Vec<(u64, u64)>>,
    }

    impl AtomicPair {
        /// A pair with this value.
        #[track_caller]
        pub fn new(value: (u64, u64)) -> Self {
            Self { word: AtomicUsize::new(0), values: Mutex::new(vec![value]) }
        }

        /// Whether the pair is exchanged without a lock.
        pub fn is_lock_free() -> bool {
            true
        }

        /// Unwraps the words.
        pub fn into_inner(mut self) -> (u64, u64) {
            self.load_mut()
        }

        fn intern(&self, value: (u64, u64)) -> usize {
            let mut values = self.values.lock().expect("held for a look-up only");
            values.iter().position(|known| *known == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            })
        }

        fn value(&self, number: usize) -> (u64, u64) {
            self.values.lock().expect("held for a look-up only")[number]
        }

        /// Reads both words at one instant.
        #[track_caller]
        pub fn load(&self, order: Ordering) -> (u64, u64) {
            self.value(self.word.load(order))
        }

        /// Replaces both words and returns those before.
        #[track_caller]
        pub fn swap(&self, value: (u64, u64), order: Ordering) -> (u64, u64) {
            let new = self.intern(value);
            self.value(self.word.swap(new, order))
        }

        /// Replaces both words if both are as in `current`.
        ///
        /// # Errors
        ///
        /// The words found, where one differed.
        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: (u64, u64),
            new: (u64, u64),
            success: Ordering,
            failure: Ordering,
        ) -> Result<(u64, u64), (u64, u64)> {
            let (current, new) = (self.intern(current), self.intern(new));
            match self.word.compare_exchange(current, new, success, failure) {
                Ok(word) => Ok(self.value(word)),
                Err(word) => Err(self.value(word)),
            }
        }

        /// As [`Self::compare_exchange`], and may fail without a reason.
        ///
        /// # Errors
        ///
        /// The words found.
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: (u64, u64),
            new: (u64, u64),
            success: Ordering,
            failure: Ordering,
        ) -> Result<(u64, u64), (u64, u64)> {
            let (current, new) = (self.intern(current), self.intern(new));
            match self.word.compare_exchange_weak(current, new, success, failure) {
                Ok(word) => Ok(self.value(word)),
                Err(word) => Err(self.value(word)),
            }
        }
    }

    impl AtomicMut for AtomicPair {
        type Value = (u64, u64);

        #[track_caller]
        fn load_mut(&mut self) -> (u64, u64) {
            let number = self.word.load_mut();
            self.value(number)
        }

        #[track_caller]
        fn store_mut(&mut self, value: (u64, u64)) {
            let number = self.intern(value);
            self.word.store_mut(number);
        }
    }

    impl fmt::Debug for AtomicPair {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("AtomicPair")
        }
    }
}

/// What both builds have in common.
impl AtomicPair {
    /// Replaces the words by what `next` makes of them, until that succeeds or `next` declines;
    /// `next` may be called several times.
    ///
    /// # Errors
    ///
    /// The words found, where `next` returned `None`.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn fetch_update<F>(
        &self,
        success: Ordering,
        failure: Ordering,
        mut next: F,
    ) -> Result<(u64, u64), (u64, u64)>
    where
        F: FnMut((u64, u64)) -> Option<(u64, u64)>,
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

impl Default for AtomicPair {
    fn default() -> Self {
        Self::new((0, 0))
    }
}

impl From<(u64, u64)> for AtomicPair {
    fn from(value: (u64, u64)) -> Self {
        Self::new(value)
    }
}
