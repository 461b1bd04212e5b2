//! A cell whose accesses a checker can see.

#[cfg(latchwork_loom)]
use crate::engine::cell as imp;
#[cfg(not(latchwork_loom))]
use core::cell as imp;

/// Shared memory without synchronisation of its own, as `core::cell::UnsafeCell`; accesses go
/// through closures, so that loom reports two that race.
///
/// ```
/// use latchwork_sync::cell::UnsafeCell;
///
/// let cell = UnsafeCell::new(1);
/// // SAFETY: no other thread can reach `cell`.
/// cell.with_mut(|value| unsafe { *value += 1 });
/// assert_eq!(cell.into_inner(), 2);
/// ```
#[derive(Debug)]
#[cfg_attr(not(latchwork_loom), repr(transparent))]
pub struct UnsafeCell<T>(imp::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    crate::const_fn! {
        /// Wraps `value`.
        #[inline(always)]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        pub fn new(value: T) -> Self {
            Self(imp::UnsafeCell::new(value))
        }
    }

    /// A read: `f` may read through the pointer, no other thread may write meanwhile.
    #[inline(always)]
    #[cfg_attr(latchwork_loom, track_caller)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(not(latchwork_loom))]
        {
            f(self.0.get())
        }
        #[cfg(latchwork_loom)]
        self.0.with(f)
    }

    /// A write: `f` may read and write through the pointer, no other thread may do either
    /// meanwhile.
    #[inline(always)]
    #[cfg_attr(latchwork_loom, track_caller)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(not(latchwork_loom))]
        {
            f(self.0.get())
        }
        #[cfg(latchwork_loom)]
        self.0.with_mut(f)
    }

    /// The value of a cell that the caller has for itself.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        #[cfg(not(latchwork_loom))]
        {
            self.0.get_mut()
        }
        #[cfg(latchwork_loom)]
        {
            let pointer = self.0.with_mut(|pointer| pointer);
            // SAFETY: `&mut self` is exclusive for the lifetime of the result.
            unsafe { &mut *pointer }
        }
    }

    /// Unwraps the value.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: Default> Default for UnsafeCell<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
