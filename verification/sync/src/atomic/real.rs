//! The machine's own atomics, re-exported: nothing is added to them.

pub use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
};

use super::AtomicMut;

macro_rules! exclusive {
    ($($atomic:ty => $value:ty),* $(,)?) => {$(
        impl AtomicMut for $atomic {
            type Value = $value;

            #[inline(always)]
            fn load_mut(&mut self) -> $value {
                *self.get_mut()
            }

            #[inline(always)]
            fn store_mut(&mut self, value: $value) {
                *self.get_mut() = value;
            }
        }
    )*};
}

exclusive! {
    AtomicBool => bool,
    AtomicU8 => u8,
    AtomicU16 => u16,
    AtomicU32 => u32,
    AtomicU64 => u64,
    AtomicUsize => usize,
}

impl<T> AtomicMut for AtomicPtr<T> {
    type Value = *mut T;

    #[inline(always)]
    fn load_mut(&mut self) -> *mut T {
        *self.get_mut()
    }

    #[inline(always)]
    fn store_mut(&mut self, value: *mut T) {
        *self.get_mut() = value;
    }
}
