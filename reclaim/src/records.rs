//! A list of records that threads take, give back, and take again.
//!
//! - I1: a record is pushed onto the list once and stays until the list is dropped, so that anyone
//!   may walk the list without protection.
//! - I2: who has set `owned` owns the record, and sees what the owner before did with it.

use alloc::boxed::Box;
use core::ptr::{self, NonNull};

use latchwork_sync::atomic::{AtomicBool, AtomicMut, AtomicPtr, Ordering};
use latchwork_sync::const_fn;

/// What the list keeps in each record.
pub(crate) struct Link<R> {
    /// Set before the record is published.
    next: AtomicPtr<R>,
    owned: AtomicBool,
}

impl<R> Link<R> {
    /// For a record that its maker owns.
    pub(crate) fn new() -> Self {
        Self { next: AtomicPtr::new(ptr::null_mut()), owned: AtomicBool::new(true) }
    }

    /// Gives the record back.
    pub(crate) fn release(&self) {
        // Release: pairs with the Acquire in `try_acquire` (I2).
        self.owned.store(false, Ordering::Release);
    }

    /// Takes the record over, if it was given back.
    fn try_acquire(&self) -> bool {
        // Relaxed: only a reason to try. Acquire: pairs with the Release in `release` (I2).
        !self.owned.load(Ordering::Relaxed)
            && self
                .owned
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }
}

/// A record that has a link.
pub(crate) trait Linked: Sized {
    fn link(&self) -> &Link<Self>;
}

/// The list.
pub(crate) struct Records<R: Linked> {
    head: AtomicPtr<R>,
}

impl<R: Linked> Records<R> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self { head: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Every record there is. Those that are pushed meanwhile may be left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &R> {
        // Acquire: pairs with the Release of the push; for records further down as well, since
        // every change of the head is a read-modify-write.
        let mut next = self.head.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: records are freed with the list alone (I1), which `self` borrows.
            let record = unsafe { next.as_ref() }?;
            // Relaxed: set before the record was published.
            next = record.link().next.load(Ordering::Relaxed);
            Some(record)
        })
    }

    /// A record for the caller alone: one that was given back, or a new one.
    pub(crate) fn acquire(&self, make: impl FnOnce() -> R) -> NonNull<R> {
        if let Some(record) = self.iter().find(|record| record.link().try_acquire()) {
            return NonNull::from(record);
        }
        let record = NonNull::from(Box::leak(Box::new(make())));
        self.push(record);
        record
    }

    /// Calls `f` with every record of a list that the caller has for itself.
    pub(crate) fn for_each_mut(&mut self, mut f: impl FnMut(&mut R)) {
        let mut next = self.head.load_mut();
        // SAFETY: the records live as long as the list, and the list is the caller's.
        while let Some(record) = unsafe { next.as_mut() } {
            next = record.link().next.load(Ordering::Relaxed);
            f(record);
        }
    }

    fn push(&self, record: NonNull<R>) {
        // SAFETY: the record was just made, and lives as long as the list.
        let link = unsafe { record.as_ref() }.link();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            link.next.store(head, Ordering::Relaxed);
            // Release: pairs with the Acquire in `iter`. That a scan after a heavy sees the record
            // follows from its owner's first light, which comes after this.
            match self.head.compare_exchange_weak(
                head,
                record.as_ptr(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

impl<R: Linked> Drop for Records<R> {
    fn drop(&mut self) {
        let mut next = self.head.load_mut();
        while !next.is_null() {
            // SAFETY: every record came from a box (`acquire`), and no owner is left.
            let record = unsafe { Box::from_raw(next) };
            next = record.link().next.load(Ordering::Relaxed);
        }
    }
}
