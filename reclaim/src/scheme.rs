//! The traits that a structure is written against once, to run on every scheme.
//!
//! ```text
//! Scheme   a domain: who shares its garbage and waits for its readers
//!   └─ Handle   a thread's registration with it
//!        └─ Guard   a section in which the thread may look at shared objects
//!             └─ Shield   protection of one object (nothing where a guard protects all)
//! ```
//!
//! The cost of a trait is nothing: each scheme's guard and shield are inlined, and a scheme that
//! needs no shields has shields of no size. The constants of [`Scheme`] let a structure refuse a
//! scheme at compile time, or choose another traversal.

use core::marker::PhantomData;

use crate::pointer::{Atomic, Owned, Shared};
use crate::retired::{DropObject, Reclaim, Retired, RunClosure};

/// A domain of reclamation: what its guards protect, and whose garbage it frees.
///
/// Cloning gives another reference to the same domain. Domains know nothing of each other: a
/// guard of one protects nothing of another.
///
/// # Safety
///
/// An object that is retired as [`Guard::retire`] asks is freed only after every guard or shield
/// that may protect it has ended: every guard that began before the retire where
/// [`Scheme::NEEDS_SHIELDS`] is false, every shield whose `protect` returned it where it is true.
/// What a guard's thread did under it happens before the free. The constants tell the truth.
pub unsafe trait Scheme: Clone + Send + Sync + 'static {
    /// What each object of this domain carries; `()` where nothing is needed.
    type Header: Copy + Send + Sync + 'static;

    /// A thread's registration.
    type Handle: Handle<Scheme = Self, Header = Self::Header>;

    /// The name in reports.
    const NAME: &'static str;

    /// Whether a stalled guard holds back a bounded amount of garbage only.
    const ROBUST: bool;

    /// Whether a link that is read out of an unlinked object may be followed: that is, whether a
    /// guard protects everything that was reachable at some time since it began. Where this is
    /// false, a `protect` protects only if its source was reachable when it loaded it last, and a
    /// structure must make sure of that (see [`Shield::protect`]).
    const OPTIMISTIC_TRAVERSAL: bool;

    /// Whether each pointer needs a shield of its own. Where this is false, shields cost nothing.
    const NEEDS_SHIELDS: bool;

    /// Registers the caller.
    ///
    /// Cost: a walk over the domain's records, at worst an allocation; keep the handle.
    fn register(&self) -> Self::Handle;
}

/// A registration with a domain: guards come from it. It keeps the domain alive.
///
/// Dropping it hands its garbage over to the domain's other threads.
pub trait Handle: Sized + Send {
    /// The domain's scheme.
    type Scheme: Scheme<Handle = Self, Header = Self::Header>;

    /// What each object carries.
    type Header: Copy + Send + Sync + 'static;

    /// A guard of this handle.
    type Guard<'h>: Guard<Scheme = Self::Scheme, Header = Self::Header>
    where
        Self: 'h;

    /// Begins a guarded section, which ends with the guard. A guard that was leaked ends here.
    ///
    /// Cost: two or three plain stores or less, with its end, for the schemes of this crate; see
    /// each. Progress: wait-free.
    fn pin(&mut self) -> Self::Guard<'_>;

    /// Frees what can be freed of this handle's garbage, without waiting for a guard to end.
    ///
    /// Cost: at most one heavy fence, a walk over the domain's records, and the destructors.
    fn flush(&mut self);

    /// Waits until everything that was retired through this handle before the call has been freed;
    /// for the schemes of this crate, everything in the domain, whichever thread has retired it.
    /// ([`Leak`](crate::Leak) frees nothing and waits for nothing.)
    ///
    /// Cost: a heavy fence for each of the domain's records, to take what its thread holds, and one
    /// more. Progress: blocks for as long as a guard that may protect any of it lasts.
    ///
    /// # Panics
    ///
    /// When a destructor that the domain runs on this handle makes the call.
    fn barrier(&mut self);
}

/// A section in which its thread may look at objects of the domain.
///
/// # Safety
///
/// [`Guard::guards`] is true only for the domain that this guard belongs to, and
/// [`Guard::retire_erased`] and the guard's shields keep what [`Scheme`] promises.
pub unsafe trait Guard: Sized {
    /// The domain's scheme.
    type Scheme: Scheme<Header = Self::Header>;

    /// What each object carries.
    type Header: Copy + Send + Sync + 'static;

    /// Protection for one object at a time.
    type Shield<'g>: Shield<Header = Self::Header>
    where
        Self: 'g;

    /// Whether this guard belongs to `domain`. A safe structure asserts it: a guard of another
    /// domain protects nothing.
    fn guards(&self, domain: &Self::Scheme) -> bool;

    /// A header for a new object of this domain.
    fn header(&self) -> Self::Header;

    /// Makes an object for this domain. To be published later than this call, in any structure of
    /// this domain.
    #[inline]
    fn own<T>(&self, value: T) -> Owned<T, Self::Header> {
        Owned::with_header(value, self.header())
    }

    /// A shield, which protects nothing yet.
    fn shield(&self) -> Self::Shield<'_>;

    /// Retires an object: it is dropped and its memory freed once nobody can be looking at it.
    ///
    /// What the caller did before happens before the drop. Older objects may be dropped within this
    /// call, mostly one; a panic of such a drop goes on to the caller, and loses nothing else.
    ///
    /// Cost, for the schemes of this crate: a few plain stores into the thread's bag. With each
    /// full bag ([`Config`](crate::Config)) at most one heavy fence and a walk over the records; an
    /// allocation where no emptied bag is at hand. Progress: waits for no reader; for a moment for
    /// a `barrier` that is taking this thread's garbage.
    ///
    /// # Safety
    ///
    /// - The object came from an [`Owned`] made with a header of this domain
    ///   ([`Guard::own`]; any, where the header is `()`), and is retired once.
    /// - It is unlinked: no guard that begins after this call can come by the pointer. Where
    ///   [`Scheme::OPTIMISTIC_TRAVERSAL`] is false, also no `protect` that loads its source after
    ///   this call returns the pointer to someone who dereferences it.
    /// - Its drop may run on any thread, at any later time until the domain ends: what it touches
    ///   allows that (as `T: Send + 'static` does).
    #[inline]
    unsafe fn retire<T>(&self, object: Shared<'_, T, Self::Header>) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.retire_with::<T, DropObject>(object) }
    }

    /// Retires an object that is to be handed to `R` instead of being dropped.
    ///
    /// # Safety
    ///
    /// As [`Guard::retire`], with `R::reclaim` in the place of the drop.
    #[inline]
    unsafe fn retire_with<T, R: Reclaim<T, Self::Header>>(
        &self,
        object: Shared<'_, T, Self::Header>,
    ) {
        let retired = Retired::new::<T, Self::Header, R>(object.as_tagged());
        // SAFETY: the caller's promise, and the erased form knows the object's own type.
        unsafe { self.retire_erased(retired) }
    }

    /// Runs `f` once every guard that is there now has ended.
    ///
    /// It runs on any thread of the domain, as a destructor would, and not before some thread
    /// retires, flushes or calls for a barrier. Cost: an allocation, and that of [`Guard::retire`].
    fn defer<F: FnOnce() + Send + 'static>(&self, f: F) {
        let object = Shared::from_tagged(self.own(f).into_tagged(), PhantomData);
        // SAFETY: only this call knows the object, which is whole, and retires it once; what it
        // holds may go to another thread and has no borrows.
        unsafe { self.retire_with::<F, RunClosure>(object) };
    }

    /// Retires an object whose type is forgotten.
    ///
    /// # Safety
    ///
    /// As [`Guard::retire`], for the object that `retired` was made from.
    unsafe fn retire_erased(&self, retired: Retired);

    /// Frees what can be freed of this thread's garbage, without waiting for a guard to end. What
    /// is retired under this guard is not yet among it where guards protect everything.
    ///
    /// Cost: at most one heavy fence, a walk over the domain's records, and the destructors.
    fn flush(&self);
}

/// Protection of one object at a time.
///
/// # Safety
///
/// What [`Scheme`] promises of a protected object holds for the pointer last returned by
/// `protect`, until the next call or the shield's end.
pub unsafe trait Shield {
    /// What each object carries.
    type Header: Copy + Send + Sync + 'static;

    /// Loads the pointer from `source` (with Acquire) and protects the object.
    ///
    /// If the object was not yet retired when this call loaded `source` last, it is not freed
    /// while the result is in use. A `source` at the root of a structure always satisfies that; a
    /// link inside an object satisfies it if the object is still linked after the call, which the
    /// structure must check in its own way (the source unchanged and unmarked, the head still the
    /// same), except where [`Scheme::OPTIMISTIC_TRAVERSAL`] makes every link safe.
    ///
    /// Progress: lock-free; retries when `source` changes.
    fn protect<'s, T>(
        &'s mut self,
        source: &Atomic<T, Self::Header>,
    ) -> Shared<'s, T, Self::Header>;
}

/// A guard that protects every pointer loaded under it, with no shield for each.
///
/// # Safety
///
/// What [`Scheme`] promises of a protected object holds for every pointer that `load` returns,
/// until the guard ends.
pub unsafe trait Section: Guard {
    /// Loads the pointer from `source`, with Acquire; the object is protected as by
    /// [`Shield::protect`], for as long as the guard lasts.
    fn load<'g, T>(&'g self, source: &Atomic<T, Self::Header>) -> Shared<'g, T, Self::Header>;
}
