//! No reclamation: what is retired is kept until the domain ends. For tests and measurements.
//!
//! | | |
//! | --- | --- |
//! | guarantee | nothing is freed while the domain lives |
//! | reader's cost | none |
//! | garbage | everything |
//! | links of unlinked objects | may be followed |
//! | choose another when | the program is to run for long |
//!
//! A structure that fails under another scheme and passes under this one has a fault in its use
//! of guards, retires an object too early, or meets an address again that it took for another
//! object's. It is also the measure of what reclamation costs.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use latchwork_sync::atomic::{AtomicMut, AtomicPtr, AtomicUsize, Ordering};

use crate::pointer::{Atomic, Shared};
use crate::retired::{Retired, free_all};
use crate::scheme;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use alloc::sync::Arc;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
use latchwork_sync::lock::Arc;

/// A domain that frees nothing before its end. See the [module](self).
///
/// Cloning gives another reference to the same domain; with the last one, which every handle holds
/// one of, everything is freed.
///
/// ```
/// use latchwork_reclaim::{Guard, Handle, Leak, Scheme};
/// use std::sync::Arc;
///
/// let value = Arc::new(7);
/// let domain = Leak::new();
/// let mut handle = domain.register();
/// let held = Arc::clone(&value);
/// handle.pin().defer(move || drop(held));
/// handle.barrier();
/// assert_eq!((domain.pending(), Arc::strong_count(&value)), (1, 2));
///
/// drop((domain, handle));
/// assert_eq!(Arc::strong_count(&value), 1);
/// ```
#[derive(Clone, Default)]
pub struct Leak(Arc<Kept>);

/// What was retired: a stack that is taken at the end alone.
#[derive(Default)]
struct Kept {
    head: AtomicPtr<Node>,
    pending: AtomicUsize,
}

struct Node {
    retired: Retired,
    next: *mut Node,
}

// SAFETY: what is kept may be dropped on any thread (`Guard::retire`).
unsafe impl Send for Kept {}
// SAFETY: as above; until then nobody looks at it.
unsafe impl Sync for Kept {}

impl Kept {
    fn push(&self, retired: Retired) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node { retired, next: ptr::null_mut() }));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is this thread's own until the exchange publishes it.
            unsafe { (*node).next = head };
            // Relaxed: it is taken when the last reference is gone, after everything else.
            match self.head.compare_exchange_weak(head, node, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut all = Vec::new();
        let mut next = self.head.load_mut();
        while !next.is_null() {
            // SAFETY: `push` made the node from a box, and nobody else is left.
            let node = *unsafe { Box::from_raw(next) };
            all.push(node.retired);
            next = node.next;
        }
        // SAFETY: no guard is left, since each holds a reference.
        unsafe { free_all(all) };
    }
}

impl Leak {
    /// A domain of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Objects that were retired.
    pub fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leak").field("pending", &self.pending()).finish()
    }
}

/// A registration with a [`Leak`].
#[derive(Clone, Debug)]
pub struct Handle(Leak);

/// A section, in which there is nothing to do.
#[derive(Debug)]
pub struct Guard<'h> {
    domain: &'h Leak,
    /// Bound to its thread, as guards that do something are.
    bound: PhantomData<*const ()>,
}

/// A shield, which has nothing to do.
#[derive(Debug)]
pub struct Shield<'g>(PhantomData<&'g ()>);

// SAFETY: nothing is freed while a guard is there, since each holds a reference to the domain.
unsafe impl scheme::Scheme for Leak {
    type Header = ();
    type Handle = Handle;

    const NAME: &'static str = "leak";
    const ROBUST: bool = false;
    const OPTIMISTIC_TRAVERSAL: bool = true;
    const NEEDS_SHIELDS: bool = false;

    fn register(&self) -> Handle {
        Handle(self.clone())
    }
}

impl scheme::Handle for Handle {
    type Scheme = Leak;
    type Header = ();
    type Guard<'h> = Guard<'h>;

    #[inline(always)]
    fn pin(&mut self) -> Guard<'_> {
        Guard { domain: &self.0, bound: PhantomData }
    }

    /// Frees nothing.
    fn flush(&mut self) {}

    /// Frees nothing, and doesn't wait for it.
    fn barrier(&mut self) {}
}

// SAFETY: as the scheme.
unsafe impl scheme::Guard for Guard<'_> {
    type Scheme = Leak;
    type Header = ();
    type Shield<'g>
        = Shield<'g>
    where
        Self: 'g;

    fn guards(&self, domain: &Leak) -> bool {
        ptr::eq(&raw const *self.domain.0, &raw const *domain.0)
    }

    #[inline(always)]
    fn header(&self) {}

    #[inline(always)]
    fn shield(&self) -> Shield<'_> {
        Shield(PhantomData)
    }

    unsafe fn retire_erased(&self, retired: Retired) {
        self.domain.0.push(retired);
    }

    fn flush(&self) {}
}

// SAFETY: as the scheme.
unsafe impl scheme::Shield for Shield<'_> {
    type Header = ();

    #[inline(always)]
    fn protect<'s, T>(&'s mut self, source: &Atomic<T>) -> Shared<'s, T> {
        load(source)
    }
}

#[inline(always)]
fn load<'g, T>(source: &Atomic<T>) -> Shared<'g, T> {
    // Acquire: pairs with the Release that published the object.
    source.peek(Ordering::Acquire).as_shared()
}

// SAFETY: as the scheme.
unsafe impl scheme::Section for Guard<'_> {
    #[inline(always)]
    fn load<'g, T>(&'g self, source: &Atomic<T>) -> Shared<'g, T> {
        load(source)
    }
}
