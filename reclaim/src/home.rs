//! Where a domain's shared part lives.

use core::ops::Deref;
use core::ptr::NonNull;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use alloc::sync::Arc;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use latchwork_sync::lock::Arc;

/// A reference to what a domain shares: a static, or an allocation that is freed with the last
/// reference. Either stays where it is, which the records' pointers to it rely on.
///
/// To look through it takes a load and no branch.
pub(crate) struct Home<E> {
    shared: NonNull<E>,
    /// Counts `shared`, if it is no static.
    keep: Option<Arc<E>>,
}

// SAFETY: a shared reference, and at most a count: as `Arc`.
unsafe impl<E: Send + Sync> Send for Home<E> {}
// SAFETY: as above.
unsafe impl<E: Send + Sync> Sync for Home<E> {}

impl<E> Home<E> {
    pub(crate) fn new(shared: E) -> Self {
        let keep = Arc::new(shared);
        Self { shared: NonNull::from(&*keep), keep: Some(keep) }
    }

    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    pub(crate) fn of_process(shared: &'static E) -> Self {
        Self { shared: NonNull::from(shared), keep: None }
    }
}

impl<E> Deref for Home<E> {
    type Target = E;

    #[inline(always)]
    fn deref(&self) -> &E {
        // SAFETY: a static, or kept by `keep`; shared references alone are made from it.
        unsafe { self.shared.as_ref() }
    }
}

impl<E> Clone for Home<E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared, keep: self.keep.clone() }
    }
}
