//! Garbage that threads left behind, for whoever comes first: a stack that is only taken whole.

use alloc::boxed::Box;

use latchwork_sync::atomic::{AtomicMut, AtomicPtr, AtomicUsize, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::const_fn;

/// Garbage that can be handed over.
pub(crate) trait Bundle {
    /// Objects and bytes in it.
    fn amount(&self) -> (usize, usize);
}

/// What was left behind.
pub(crate) struct Orphans<B: Bundle> {
    head: AtomicPtr<Orphan<B>>,
    /// Statistics, Relaxed.
    objects: AtomicUsize,
    bytes: AtomicUsize,
}

struct Orphan<B> {
    bundle: B,
    /// Written before the node is published, read by who has taken it.
    next: UnsafeCell<*mut Orphan<B>>,
}

impl<B: Bundle> Orphans<B> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                head: AtomicPtr::new(core::ptr::null_mut()),
                objects: AtomicUsize::new(0),
                bytes: AtomicUsize::new(0),
            }
        }
    }

    /// Objects and bytes that no thread has.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.objects.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Counts a bundle that is on its way out of a thread's hands.
    pub(crate) fn count(&self, (objects, bytes): (usize, usize)) {
        self.objects.fetch_add(objects, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Undoes [`Orphans::count`].
    pub(crate) fn discount(&self, (objects, bytes): (usize, usize)) {
        self.objects.fetch_sub(objects, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Leaves `bundle` behind, which was counted.
    pub(crate) fn push(&self, bundle: B) {
        let next = UnsafeCell::new(core::ptr::null_mut());
        let node = Box::into_raw(Box::new(Orphan { bundle, next }));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node was just made.
            let next = unsafe { &(*node).next };
            // SAFETY: the node is this thread's own until the exchange publishes it.
            next.with_mut(|next| unsafe { *next = head });
            // Release: pairs with the Acquire in `take`, also for nodes further down, since every
            // change of the head is a read-modify-write.
            match self.head.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all bundles there are, and gives each to `keep`, still counted.
    #[inline]
    pub(crate) fn take(&self, keep: impl FnMut(B)) {
        // Relaxed: only a reason to look closer.
        if !self.head.load(Ordering::Relaxed).is_null() {
            self.take_some(keep);
        }
    }

    #[cold]
    fn take_some(&self, mut keep: impl FnMut(B)) {
        // Acquire: pairs with the Release in `push`.
        let mut next = self.head.swap(core::ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            // SAFETY: `push` made the node from a box; the swap made it this thread's own.
            let node = *unsafe { Box::from_raw(next) };
            // SAFETY: as above.
            next = node.next.with(|next| unsafe { *next });
            keep(node.bundle);
        }
    }

    /// Takes all bundles of a list that the caller has for itself.
    pub(crate) fn take_mut(&mut self, keep: impl FnMut(B)) {
        if !self.head.load_mut().is_null() {
            self.take_some(keep);
        }
    }
}
