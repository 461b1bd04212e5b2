//! Bags of retired objects.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::forget;

use latchwork_sync::atomic::{AtomicMut, AtomicPtr, AtomicUsize, Ordering};
use latchwork_sync::const_fn;

use super::Mode;
use crate::retired::Retired;

/// A retired object in a bag; its size went into the bag's sum.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    object: *mut (),
    free: unsafe fn(*mut ()),
}

impl Entry {
    #[inline(always)]
    pub(super) fn new(retired: &Retired) -> Self {
        Self { object: retired.address(), free: retired.free_function() }
    }

    /// When the object was born.
    ///
    /// # Safety
    ///
    /// The object is of a domain of mode `M`, and not yet freed.
    pub(super) unsafe fn birth<M: Mode>(self) -> u64 {
        // SAFETY: the caller says that the object is there; its header is at its address.
        M::birth(unsafe { self.object.cast::<M::Header>().read() })
    }

    /// # Safety
    ///
    /// As [`Retired::free`].
    #[inline(always)]
    pub(super) unsafe fn free(self) {
        // SAFETY: the two came from one `Retired`; the caller has the right to free it.
        unsafe { (self.free)(self.object) }
    }
}

/// A bag that was sealed with the number of the heavy it waits for.
pub(super) struct Sealed {
    /// The heavy; below the first one where the bag is ripe already.
    pub(super) number: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: usize,
}

/// Frees every entry, going on with the rest where a destructor panics (and aborting, as
/// unwinding does, at the second).
///
/// # Safety
///
/// As [`Retired::free`], for every entry.
pub(super) unsafe fn free_all(entries: Vec<Entry>) {
    struct Rest(Vec<Entry>);

    impl Drop for Rest {
        fn drop(&mut self) {
            while let Some(entry) = self.0.pop() {
                let rest = Rest(core::mem::take(&mut self.0));
                // SAFETY: the caller of `free_all` has promised it for all of them.
                unsafe { entry.free() };
                self.0 = rest.into_entries();
            }
        }
    }

    impl Rest {
        fn into_entries(mut self) -> Vec<Entry> {
            let entries = core::mem::take(&mut self.0);
            forget(self);
            entries
        }
    }

    drop(Rest(entries));
}

/// Bags that threads left behind, for whoever comes first: a stack that is only taken whole.
pub(super) struct Orphans {
    head: AtomicPtr<Orphan>,
    /// Statistics, Relaxed.
    objects: AtomicUsize,
    bytes: AtomicUsize,
}

struct Orphan {
    bags: VecDeque<Sealed>,
    next: *mut Orphan,
}

impl Orphans {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                head: AtomicPtr::new(core::ptr::null_mut()),
                objects: AtomicUsize::new(0),
                bytes: AtomicUsize::new(0),
            }
        }
    }

    /// Objects and bytes in the list.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.objects.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Leaves `bags` behind.
    pub(super) fn push(&self, bags: VecDeque<Sealed>) {
        for bag in &bags {
            self.objects.fetch_add(bag.entries.len(), Ordering::Relaxed);
            self.bytes.fetch_add(bag.bytes, Ordering::Relaxed);
        }
        let node = Box::into_raw(Box::new(Orphan { bags, next: core::ptr::null_mut() }));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is this thread's own until the exchange publishes it.
            unsafe { (*node).next = head };
            // Release: pairs with the Acquire in `take`, also for nodes further down, since every
            // change of the head is a read-modify-write.
            match self.head.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all bags there are, and gives each to `keep`.
    pub(super) fn take(&self, mut keep: impl FnMut(Sealed)) {
        // Relaxed: only a reason to look closer.
        if self.head.load(Ordering::Relaxed).is_null() {
            return;
        }
        // Acquire: pairs with the Release in `push`.
        let mut next = self.head.swap(core::ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            // SAFETY: `push` made the node from a box; the swap made it this thread's own.
            let node = *unsafe { Box::from_raw(next) };
            next = node.next;
            for bag in node.bags {
                self.objects.fetch_sub(bag.entries.len(), Ordering::Relaxed);
                self.bytes.fetch_sub(bag.bytes, Ordering::Relaxed);
                keep(bag);
            }
        }
    }

    /// Takes all bags of a list that the caller has for itself.
    pub(super) fn take_mut(&mut self, keep: impl FnMut(Sealed)) {
        if !self.head.load_mut().is_null() {
            self.take(keep);
        }
    }
}
