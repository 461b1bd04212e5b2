use core::fmt;
use core::marker::PhantomData;

use super::{Owned, Tagged};

/// A pointer that was loaded under a guard or a shield, and may be null.
///
/// The lifetime is that of the guard (or of the shield's borrow): a `Shared` can't outlive what
/// protects it.
pub struct Shared<'g, T, H = ()> {
    tagged: Tagged<T, H>,
    protected: PhantomData<&'g T>,
}

impl<'g, T, H> Shared<'g, T, H> {
    #[inline(always)]
    pub(crate) fn from_tagged(tagged: Tagged<T, H>, protected: PhantomData<&'g T>) -> Self {
        Self { tagged, protected }
    }

    /// The null pointer with tag 0.
    #[inline]
    pub const fn null() -> Self {
        Self { tagged: Tagged::null(), protected: PhantomData }
    }

    /// The pointer without its protection, for comparing.
    #[inline(always)]
    pub fn as_tagged(self) -> Tagged<T, H> {
        self.tagged
    }

    /// Whether the address is null, whatever the tag.
    #[inline]
    pub fn is_null(self) -> bool {
        self.tagged.is_null()
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> usize {
        self.tagged.tag()
    }

    /// The same pointer with another tag; bits beyond [`Tagged::TAG_MASK`] are dropped.
    #[inline]
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Self {
        Self { tagged: self.tagged.with_tag(tag), protected: PhantomData }
    }

    /// The object.
    ///
    /// # Safety
    ///
    /// The pointer is not null and points to an object that was made in full before it was
    /// published with Release or stronger; no thread writes to it except through atomics and
    /// cells. And one of these holds:
    ///
    /// - the scheme allows [optimistic traversal](crate::Scheme::OPTIMISTIC_TRAVERSAL), and a thread that
    ///   held this guard throughout loaded the pointer;
    /// - the pointer came from a `protect`, and the object was not yet retired when that
    ///   `protect` loaded it last: its source was reachable then;
    /// - the caller unlinked the object and has not yet retired it, or is its only owner.
    #[inline]
    pub unsafe fn deref(self) -> &'g T {
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        // SAFETY: as below.
        unsafe { &*self.tagged.block() }.look();
        // SAFETY: the caller says that the object is there for `'g`.
        unsafe { &*self.tagged.value() }
    }

    /// The object, or none where the pointer is null.
    ///
    /// # Safety
    ///
    /// As [`Shared::deref`], except that the pointer may be null.
    #[inline]
    pub unsafe fn as_ref(self) -> Option<&'g T> {
        // SAFETY: the caller says that the object, if any, is there for `'g`.
        (!self.is_null()).then(|| unsafe { self.deref() })
    }

    /// Takes the object back.
    ///
    /// # Safety
    ///
    /// As [`Tagged::into_owned`].
    #[inline]
    pub unsafe fn into_owned(self) -> Owned<T, H> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.tagged.into_owned() }
    }
}

impl<T, H> Clone for Shared<'_, T, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, H> Copy for Shared<'_, T, H> {}

impl<T, H> PartialEq for Shared<'_, T, H> {
    fn eq(&self, other: &Self) -> bool {
        self.tagged == other.tagged
    }
}

impl<T, H> Eq for Shared<'_, T, H> {}

impl<T, H> fmt::Debug for Shared<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("address", &self.tagged.block())
            .field("tag", &self.tag())
            .finish()
    }
}

impl<T, H> From<Shared<'_, T, H>> for Tagged<T, H> {
    fn from(shared: Shared<'_, T, H>) -> Self {
        shared.tagged
    }
}

/// What can be put into an [`Atomic`](super::Atomic), and is given back where that fails.
pub trait Pointer<T, H>: Sized {
    /// The pointer; what it owned is now owned by who holds the result.
    fn into_tagged(self) -> Tagged<T, H>;

    /// Undoes [`Pointer::into_tagged`].
    ///
    /// # Safety
    ///
    /// `tagged` came from `into_tagged` of a value of this type, and nothing was done with it.
    unsafe fn from_tagged(tagged: Tagged<T, H>) -> Self;
}

impl<T, H> Pointer<T, H> for Owned<T, H> {
    fn into_tagged(self) -> Tagged<T, H> {
        self.into_tagged()
    }

    unsafe fn from_tagged(tagged: Tagged<T, H>) -> Self {
        // SAFETY: it came from an `Owned`, which nobody has taken over since.
        unsafe { tagged.into_owned() }
    }
}

impl<T, H> Pointer<T, H> for Shared<'_, T, H> {
    fn into_tagged(self) -> Tagged<T, H> {
        self.tagged
    }

    unsafe fn from_tagged(tagged: Tagged<T, H>) -> Self {
        Self { tagged, protected: PhantomData }
    }
}

impl<T, H> Pointer<T, H> for Tagged<T, H> {
    fn into_tagged(self) -> Tagged<T, H> {
        self
    }

    unsafe fn from_tagged(tagged: Tagged<T, H>) -> Self {
        tagged
    }
}
