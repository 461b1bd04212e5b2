//! `Atomic<T>`: a plain-old-data word as an atomic.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub use atomic::Atomic;
pub use bytemuck::NoUninit;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub use checked::Atomic;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod checked {
    use core::fmt;
    use core::marker::PhantomData;

    use super::NoUninit;
    use crate::atomic::{AtomicU64, Ordering};

    /// A value of up to 8 bytes in one word of the explorer's.
    pub struct Atomic<T> {
        word: AtomicU64,
        value: PhantomData<T>,
    }

    fn pack<T: NoUninit>(value: T) -> u64 {
        let bytes = bytemuck::bytes_of(&value);
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_ne_bytes(word)
    }

    fn unpack<T: NoUninit>(word: u64) -> T {
        assert!(size_of::<T>() <= 8, "Atomic<T> holds at most 8 bytes");
        // SAFETY: every word was made by `pack::<T>`, so its first bytes are a valid `T`.
        unsafe { word.to_ne_bytes().as_ptr().cast::<T>().read_unaligned() }
    }

    impl<T: NoUninit> Atomic<T> {
        /// An atomic with this value.
        #[track_caller]
        pub fn new(value: T) -> Self {
            Self { word: AtomicU64::new(pack(value)), value: PhantomData }
        }

        /// Reads the value.
        #[track_caller]
        pub fn load(&self, order: Ordering) -> T {
            unpack(self.word.load(order))
        }

        /// Replaces the value.
        #[track_caller]
        pub fn store(&self, value: T, order: Ordering) {
            self.word.store(pack(value), order);
        }

        /// Replaces the value and returns the one before.
        #[track_caller]
        pub fn swap(&self, value: T, order: Ordering) -> T {
            unpack(self.word.swap(pack(value), order))
        }

        /// Replaces the value if it is `current`.
        ///
        /// # Errors
        ///
        /// The value found, where it was another one.
        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            match self.word.compare_exchange(pack(current), pack(new), success, failure) {
                Ok(word) => Ok(unpack(word)),
                Err(word) => Err(unpack(word)),
            }
        }

        /// As [`Self::compare_exchange`], and may fail without a reason.
        ///
        /// # Errors
        ///
        /// The value found.
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            match self.word.compare_exchange_weak(pack(current), pack(new), success, failure) {
                Ok(word) => Ok(unpack(word)),
                Err(word) => Err(unpack(word)),
            }
        }
    }

    impl<T> fmt::Debug for Atomic<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Atomic")
        }
    }
}
