//! The machine's own atomics, re-exported: nothing is added to them, except for a sanitizer.

#[cfg(not(latchwork_tsan))]
use core::sync::atomic as words;

#[cfg(latchwork_tsan)]
#[path = "tsan.rs"]
mod words;

pub use words::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16,
    AtomicU32, AtomicUsize, fence,
};
#[cfg(target_has_atomic = "64")]
pub use words::{AtomicI64, AtomicU64};

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
    AtomicI8 => i8,
    AtomicI16 => i16,
    AtomicI32 => i32,
    AtomicIsize => isize,
    AtomicU8 => u8,
    AtomicU16 => u16,
    AtomicU32 => u32,
    AtomicUsize => usize,
}

#[cfg(target_has_atomic = "64")]
exclusive! {
    AtomicI64 => i64,
    AtomicU64 => u64,
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
