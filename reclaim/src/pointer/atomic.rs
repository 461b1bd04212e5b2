use core::fmt;
use core::marker::PhantomData;

use latchwork_sync::atomic::{AtomicMut, AtomicPtr, Ordering};
use latchwork_sync::const_fn;

use super::{Block, Owned, Pointer, Shared, Tagged};
use crate::scheme::{Guard, Section};

/// A shared pointer, with a tag, to an object under reclamation.
///
/// It owns nothing: what it points to when it is dropped stays where it is. The structure that
/// holds it frees its objects itself ([`Atomic::take`]).
///
/// Each method that takes an [`Ordering`] is one operation of an `AtomicPtr` with that order:
/// wait-free where the processor has it as an instruction, and panicking where the standard
/// library's does (a load can't release, a store can't acquire). An object is seen whole by who
/// loads it with Acquire, or under a guard, if it was stored with Release.
///
/// ```
/// use latchwork_reclaim::{Atomic, Owned, Section, epoch};
///
/// let head = Atomic::new(Owned::new(7));
/// let guard = epoch::pin();
/// let seen = guard.load(&head);
/// // SAFETY: the object was published whole, and is loaded and used under one guard.
/// assert_eq!(unsafe { seen.as_ref() }, Some(&7));
/// # drop(guard);
/// # let mut head = head;
/// # // SAFETY: nobody else can reach it.
/// # drop(unsafe { head.take() });
/// ```
pub struct Atomic<T, H = ()> {
    word: AtomicPtr<Block<T, H>>,
    points: PhantomData<Block<T, H>>,
}

// SAFETY: through an `Atomic` another thread can reach the object by reference and, by retiring
// it, drop it.
unsafe impl<T: Send + Sync, H: Send + Sync> Send for Atomic<T, H> {}
// SAFETY: as for Send; the word itself is atomic.
unsafe impl<T: Send + Sync, H: Send + Sync> Sync for Atomic<T, H> {}

/// A compare-exchange that found another value.
pub struct CompareExchangeError<T, H, P> {
    /// What it found.
    pub current: Tagged<T, H>,
    /// The new value, given back.
    pub new: P,
}

impl<T, H, P> fmt::Debug for CompareExchangeError<T, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompareExchangeError")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl<T, H, P> fmt::Display for CompareExchangeError<T, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pointer was changed by another thread; load it again and retry")
    }
}

impl<T, H, P> core::error::Error for CompareExchangeError<T, H, P> {}

impl<T, H> Atomic<T, H> {
    const_fn! {
        /// The null pointer with tag 0.
        pub fn null() -> Self {
            Self { word: AtomicPtr::new(core::ptr::null_mut()), points: PhantomData }
        }
    }

    /// A pointer to `object`, which it does not own.
    pub fn new(object: Owned<T, H>) -> Self {
        Self { word: AtomicPtr::new(object.into_tagged().word()), points: PhantomData }
    }

    /// Loads the pointer without protection: to compare it, not to look at the object.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn peek(&self, order: Ordering) -> Tagged<T, H> {
        Tagged::from_word(self.word.load(order))
    }

    /// Loads the pointer under a guard that protects all that is loaded under it, with Acquire.
    #[inline(always)]
    pub fn load<'g, G: Section<Header = H>>(&self, guard: &'g G) -> Shared<'g, T, H> {
        guard.load(self)
    }

    /// Stores a pointer. What was there is forgotten, not freed.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn store(&self, new: impl Pointer<T, H>, order: Ordering) {
        self.word.store(new.into_tagged().word(), order);
    }

    /// Exchanges the pointer. If nothing else leads to the object that was there, the caller is
    /// the one who may retire it, and may read it until then.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn swap<'g, G: Guard<Header = H>>(
        &self,
        new: impl Pointer<T, H>,
        order: Ordering,
        _guard: &'g G,
    ) -> Shared<'g, T, H> {
        let old = Tagged::from_word(self.word.swap(new.into_tagged().word(), order));
        Shared::from_tagged(old, PhantomData)
    }

    /// Exchanges the pointer if it is `current`, and gives what is now stored.
    ///
    /// # Errors
    ///
    /// When the pointer is another one: the error holds it, and gives `new` back.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange<P: Pointer<T, H>>(
        &self,
        current: impl Into<Tagged<T, H>>,
        new: P,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Tagged<T, H>, CompareExchangeError<T, H, P>> {
        let new = new.into_tagged();
        match self.word.compare_exchange(current.into().word(), new.word(), success, failure) {
            Ok(_) => Ok(new),
            Err(found) => Err(CompareExchangeError {
                current: Tagged::from_word(found),
                // SAFETY: the exchange failed, so nobody has seen `new`.
                new: unsafe { P::from_tagged(new) },
            }),
        }
    }

    /// As [`Atomic::compare_exchange`], but may fail although the pointer is `current`.
    ///
    /// # Errors
    ///
    /// When the pointer is another one, or for no reason.
    #[inline]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn compare_exchange_weak<P: Pointer<T, H>>(
        &self,
        current: impl Into<Tagged<T, H>>,
        new: P,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Tagged<T, H>, CompareExchangeError<T, H, P>> {
        let new = new.into_tagged();
        match self.word.compare_exchange_weak(current.into().word(), new.word(), success, failure) {
            Ok(_) => Ok(new),
            Err(found) => Err(CompareExchangeError {
                current: Tagged::from_word(found),
                // SAFETY: the exchange failed, so nobody has seen `new`.
                new: unsafe { P::from_tagged(new) },
            }),
        }
    }

    /// The pointer of an atomic that the caller has for itself.
    #[inline]
    pub fn get_mut(&mut self) -> Tagged<T, H> {
        Tagged::from_word(self.word.load_mut())
    }

    /// Takes the object out and leaves null.
    ///
    /// # Safety
    ///
    /// The object, if any, came from an [`Owned`], is not retired, and nothing else leads to it.
    pub unsafe fn take(&mut self) -> Option<Owned<T, H>> {
        let tagged = self.get_mut();
        self.word.store_mut(core::ptr::null_mut());
        // SAFETY: the caller says that this was the only way to the object.
        (!tagged.is_null()).then(|| unsafe { tagged.into_owned() })
    }
}

impl<T, H> Default for Atomic<T, H> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T, H> From<Owned<T, H>> for Atomic<T, H> {
    fn from(object: Owned<T, H>) -> Self {
        Self::new(object)
    }
}

impl<T, H> fmt::Debug for Atomic<T, H> {
    // The word alone: the object may be gone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Atomic").field(&self.word).finish()
    }
}
