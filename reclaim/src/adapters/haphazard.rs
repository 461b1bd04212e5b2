//! A domain of `haphazard` as a scheme.
//!
//! | | |
//! | --- | --- |
//! | guarantee | that of [`hazard`](crate::hazard) |
//! | garbage | bounded, whatever stalls |
//! | price beside the original | sixteen bytes an object, for its destructor and a count |

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr;

use haphazard::raw::Pointer;
use haphazard::{Domain, HazardPointer};
use latchwork_sync::atomic::{AtomicUsize, Ordering, fence};

use super::{Freeing, Pending};
use crate::pointer::{Atomic, Shared};
use crate::retired::Retired;
use crate::scheme;

/// What each object carries: what to do with it, from the time when it is retired.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    free: Option<unsafe fn(*mut ())>,
    pending: *const AtomicUsize,
}

// SAFETY: written by who retires the object and read by who frees it; the count may be used from
// any thread.
unsafe impl Send for Header {}
// SAFETY: as above.
unsafe impl Sync for Header {}

/// An object that was handed to `haphazard`, which drops this to free it.
struct Doomed(*mut Header);

// SAFETY: the pointer given is the one that comes back; who hands it over keeps it valid.
unsafe impl Pointer<Header> for Doomed {
    fn into_raw(self) -> *mut Header {
        core::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(ptr: *mut Header) -> Self {
        Self(ptr)
    }
}

impl Deref for Doomed {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: the object is there until it is dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let Header { free, pending } = **self;
        // SAFETY: `retire_erased` has set it, once.
        let _freeing = Freeing(unsafe { Pending::from_raw(pending) });
        if let Some(free) = free {
            // SAFETY: the domain says that nobody protects the object any more.
            unsafe { free(self.0.cast()) };
        }
    }
}

/// The family of our domains.
#[derive(Debug)]
struct Family;

/// A domain of `haphazard`. See the [module](self).
///
/// ```
/// use latchwork_reclaim::adapters::haphazard::Haphazard;
/// use latchwork_reclaim::{Guard, Handle, Scheme};
///
/// let mut handle = Haphazard::new().register();
/// handle.pin().defer(|| println!("nobody can be looking"));
/// handle.barrier();
/// ```
#[derive(Clone)]
pub struct Haphazard(Arc<Domain<Family>>);

/// A registration: a reference to the domain, and a count of what was retired through it.
pub struct Handle {
    domain: Haphazard,
    pending: Pending,
}

/// A section, which protects nothing by itself: its shields do.
pub struct Guard<'h> {
    handle: &'h Handle,
    /// Bound to its thread, as other schemes' guards are.
    bound: PhantomData<*const ()>,
}

/// A hazard pointer.
pub struct Shield<'g>(HazardPointer<'g, Family>);

impl Haphazard {
    /// A domain of its own.
    pub fn new() -> Self {
        Self(Arc::new(Domain::new(&Family)))
    }
}

impl Default for Haphazard {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! opaque {
    ($($type:ty: $name:literal),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    )*};
}
opaque!(Haphazard: "Haphazard", Handle: "Handle", Guard<'_>: "Guard", Shield<'_>: "Shield");

// SAFETY: the domain frees what no hazard pointer protects.
unsafe impl scheme::Scheme for Haphazard {
    type Header = Header;
    type Handle = Handle;

    const NAME: &'static str = "haphazard";
    const ROBUST: bool = true;
    const OPTIMISTIC_TRAVERSAL: bool = false;
    const NEEDS_SHIELDS: bool = true;

    fn register(&self) -> Handle {
        Handle { domain: self.clone(), pending: Pending::default() }
    }
}

impl scheme::Handle for Handle {
    type Scheme = Haphazard;
    type Header = Header;
    type Guard<'h> = Guard<'h>;

    #[inline(always)]
    fn pin(&mut self) -> Guard<'_> {
        Guard { handle: self, bound: PhantomData }
    }

    fn flush(&mut self) {
        self.domain.0.eager_reclaim();
    }

    fn barrier(&mut self) {
        self.pending.wait(|| {
            self.domain.0.eager_reclaim();
        });
    }
}

// SAFETY: as the scheme.
unsafe impl scheme::Guard for Guard<'_> {
    type Scheme = Haphazard;
    type Header = Header;
    type Shield<'g>
        = Shield<'g>
    where
        Self: 'g;

    fn guards(&self, domain: &Haphazard) -> bool {
        Arc::ptr_eq(&self.handle.domain.0, &domain.0)
    }

    #[inline(always)]
    fn header(&self) -> Header {
        Header { free: None, pending: ptr::null() }
    }

    #[inline]
    fn shield(&self) -> Shield<'_> {
        Shield(HazardPointer::new_in_domain(&self.handle.domain.0))
    }

    unsafe fn retire_erased(&self, retired: Retired) {
        let pending = &self.handle.pending;
        pending.add();
        let header: *mut Header = retired.address().cast();
        let filled =
            Header { free: Some(retired.free_function()), pending: pending.clone().into_raw() };
        // SAFETY: the header lies at the object's address; readers look at the value alone.
        unsafe { header.write(filled) };
        // SAFETY: the caller says that the object is unlinked and retired once.
        unsafe { self.handle.domain.0.retire_ptr::<Header, Doomed>(header) };
    }

    fn flush(&self) {
        self.handle.domain.0.eager_reclaim();
    }
}

// SAFETY: as the scheme.
unsafe impl scheme::Shield for Shield<'_> {
    type Header = Header;

    #[inline]
    fn protect<'s, T>(&'s mut self, source: &Atomic<T, Header>) -> Shared<'s, T, Header> {
        // Relaxed: checked by the load below.
        let mut seen = source.peek(Ordering::Relaxed);
        loop {
            self.0.protect_raw(seen.block());
            // SeqCst: pairs with the fence of the domain's scan, as its own `protect` does.
            fence(Ordering::SeqCst);
            // Acquire: pairs with the Release that published the object.
            let now = source.peek(Ordering::Acquire);
            if now == seen {
                return now.as_shared();
            }
            seen = now;
        }
    }
}
