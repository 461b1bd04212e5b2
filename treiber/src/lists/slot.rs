//! A slot: the node of the value stacks.

use core::mem::ManuallyDrop;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::const_fn;

/// What a slot holds beside its `next`: a value while it is on the stack, and the word of another
/// slot while it lies in a row of free ones.
#[repr(C)]
union Payload<T> {
    #[allow(dead_code, reason = "read and written by pointer: all fields are at the start")]
    value: ManuallyDrop<T>,
    link: u64,
}

/// 16 bytes for values of up to 8; it carries no generation, since that travels in the word.
///
/// All zeros are a valid slot.
#[repr(C)]
pub struct Slot<T> {
    /// The word below this slot's on its list. Written by the slot's owner, read by anyone who
    /// has seen the slot's word on top, be it long ago: so it is atomic, and Relaxed is enough,
    /// since a reader whose word is outdated fails in its exchange (I3).
    next: AtomicU64,
    /// The owner's alone.
    payload: UnsafeCell<Payload<T>>,
}

impl<T> Slot<T> {
    const_fn! {
        #[inline]
        pub(crate) fn new() -> Self {
            Self { next: AtomicU64::new(0), payload: UnsafeCell::new(Payload { link: 0 }) }
        }
    }

    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_next(&self, word: u64) {
        self.next.store(word, Ordering::Relaxed);
    }

    /// # Safety
    ///
    /// The caller owns the slot, and it is a free one.
    #[inline]
    pub(crate) unsafe fn link(&self) -> u64 {
        // SAFETY: I4: a free slot's payload is a link, and the owner's alone.
        self.payload.with(|payload| unsafe { payload.cast::<u64>().read() })
    }

    /// # Safety
    ///
    /// The caller owns the slot, and its value was taken.
    #[inline]
    pub(crate) unsafe fn set_link(&self, word: u64) {
        // SAFETY: I4: the payload is the owner's alone.
        self.payload.with_mut(|payload| unsafe { payload.cast::<u64>().write(word) });
    }

    /// # Safety
    ///
    /// The caller owns the slot, and it is a free one.
    #[inline]
    pub(crate) unsafe fn put(&self, value: T) {
        // SAFETY: I4: the payload is the owner's alone.
        self.payload.with_mut(|payload| unsafe { payload.cast::<T>().write(value) });
    }

    /// Where the value is. Its owner may read it.
    #[inline]
    pub(crate) fn value(&self) -> *const T {
        self.payload.with(<*const _>::cast)
    }

    /// Where the value is. Its owner may change it.
    #[inline]
    pub(crate) fn value_mut(&self) -> *mut T {
        self.payload.with_mut(<*mut _>::cast)
    }

    /// # Safety
    ///
    /// The caller owns the slot, which has a value; from now on it is a free one.
    #[inline]
    pub(crate) unsafe fn take(&self) -> T {
        // SAFETY: I4: the payload is a value, the owner's alone, and not read again.
        self.payload.with(|payload| unsafe { payload.cast::<T>().read() })
    }
}
