//! Objects whose type is forgotten until they are freed.

use alloc::vec::Vec;
use core::fmt;

use crate::pointer::{Block, Owned, Tagged};

/// What becomes of a retired object once nobody can be looking at it.
///
/// ```
/// use latchwork_reclaim::{Atomic, Guard, Owned, Reclaim, Section, epoch};
///
/// struct Announce;
/// impl Reclaim<u64> for Announce {
///     fn reclaim(object: Owned<u64>) {
///         println!("{object:?} is gone");
///     }
/// }
///
/// let cell = Atomic::new(Owned::new(7_u64));
/// let guard = epoch::pin();
/// let old = cell.swap(Owned::new(8), std::sync::atomic::Ordering::AcqRel, &guard);
/// // SAFETY: `cell` was the only way to the object, and it is retired once.
/// unsafe { guard.retire_with::<_, Announce>(old) };
/// # let mut cell = cell;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { cell.take() });
/// ```
pub trait Reclaim<T, H = ()> {
    /// Takes the object, which nobody else can reach any more. Runs on any thread of the domain,
    /// within a `retire`, `flush`, `barrier`, or the end of the domain.
    ///
    /// A panic goes through to whoever made that call; the object counts as freed.
    fn reclaim(object: Owned<T, H>);
}

/// Drops the object and frees its memory: what [`Guard::retire`](crate::Guard::retire) does.
#[derive(Clone, Copy, Debug)]
pub struct DropObject;

impl<T, H> Reclaim<T, H> for DropObject {
    #[inline]
    fn reclaim(object: Owned<T, H>) {
        drop(object);
    }
}

/// Calls the closure that the object is.
pub(crate) struct RunClosure;

impl<F: FnOnce(), H> Reclaim<F, H> for RunClosure {
    fn reclaim(object: Owned<F, H>) {
        object.into_inner()();
    }
}

/// A retired object, with what is needed to free it.
///
/// The object's header lies at its address.
#[derive(Clone, Copy)]
pub struct Retired {
    object: *mut (),
    free: unsafe fn(*mut ()),
    bytes: usize,
}

impl Retired {
    /// Forgets the type of an object that `R` is to reclaim.
    #[inline]
    pub fn new<T, H, R: Reclaim<T, H>>(object: Tagged<T, H>) -> Self {
        Self {
            object: object.block().cast(),
            free: free::<T, H, R>,
            bytes: size_of::<Block<T, H>>(),
        }
    }

    /// Where the object lies, its header first.
    #[inline]
    pub fn address(&self) -> *mut () {
        self.object
    }

    /// The size of its allocation.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts `bytes` more for this object, for what it keeps elsewhere on the heap.
    #[inline]
    #[must_use]
    pub fn with_more_bytes(mut self, bytes: usize) -> Self {
        self.bytes += bytes;
        self
    }

    /// The function that frees the object at [`Retired::address`].
    #[inline]
    pub fn free_function(&self) -> unsafe fn(*mut ()) {
        self.free
    }

    /// Reclaims the object.
    ///
    /// # Safety
    ///
    /// It was retired as [`Guard::retire`](crate::Guard::retire) asks, nobody can be looking at it
    /// any more, and this is the only call for it.
    #[inline]
    pub unsafe fn free(self) {
        // SAFETY: the caller says that the object is theirs alone; `free` was made for its type.
        unsafe { (self.free)(self.object) }
    }
}

impl fmt::Debug for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retired")
            .field("object", &self.object)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A retired object in the form that a scheme keeps.
///
/// # Safety
///
/// `free` frees the object, and nothing else does.
pub(crate) unsafe trait Doomed: Copy {
    /// # Safety
    ///
    /// As [`Retired::free`].
    unsafe fn free(self);
}

// SAFETY: `free` frees the object, and nothing else does.
unsafe impl Doomed for Retired {
    unsafe fn free(self) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.free() }
    }
}

/// Frees every object, going on with the rest where a destructor panics (and aborting, as
/// unwinding does, at the second).
///
/// # Safety
///
/// As [`Retired::free`], for every object.
pub(crate) unsafe fn free_all<D: Doomed>(doomed: Vec<D>) {
    struct Rest<D: Doomed>(Vec<D>);

    impl<D: Doomed> Drop for Rest<D> {
        fn drop(&mut self) {
            while let Some(next) = self.0.pop() {
                let rest = Rest(core::mem::take(&mut self.0));
                // SAFETY: the caller of `free_all` has promised it for all of them.
                unsafe { next.free() };
                self.0 = rest.defuse();
            }
        }
    }

    impl<D: Doomed> Rest<D> {
        fn defuse(mut self) -> Vec<D> {
            core::mem::take(&mut self.0)
        }
    }

    drop(Rest(doomed));
}

/// # Safety
///
/// `object` is the address of a `Block<T, H>` that the caller owns.
unsafe fn free<T, H, R: Reclaim<T, H>>(object: *mut ()) {
    let tagged = Tagged::<T, H>::from_word(object.cast());
    // SAFETY: the caller owns the block.
    R::reclaim(unsafe { tagged.into_owned() });
}
