//! `crossbeam-epoch`'s default collector as a scheme.
//!
//! | | |
//! | --- | --- |
//! | guarantee | that of [`epoch`](crate::epoch) |
//! | domain | one for the process, shared with every other user of `crossbeam_epoch::pin` |
//! | garbage | without bound while a guard stalls |
//! | price beside the original | a count for each retired object, for [`barrier`](crate::Handle::barrier) |
//!
//! What is retired under a guard waits in a bag of the thread that the guard was on: before a
//! handle is sent to another thread, flush it there if a barrier is to come.

use core::fmt;

use latchwork_sync::atomic::Ordering;

use super::{Freeing, Pending};
use crate::pointer::{Atomic, Shared};
use crate::retired::Retired;
use crate::scheme;

/// The default collector of `crossbeam-epoch`. See the [module](self).
///
/// ```
/// use latchwork_reclaim::adapters::crossbeam::CrossbeamEpoch;
/// use latchwork_reclaim::{Guard, Handle, Scheme};
///
/// let mut handle = CrossbeamEpoch.register();
/// handle.pin().defer(|| println!("nobody can be looking"));
/// handle.barrier();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossbeamEpoch;

/// A registration: a count of what was retired through it.
#[derive(Debug, Default)]
pub struct Handle {
    pending: Pending,
}

/// A guard of `crossbeam-epoch`.
pub struct Guard<'h> {
    guard: crossbeam_epoch::Guard,
    pending: &'h Pending,
}

/// A shield, which has nothing to do.
#[derive(Debug)]
pub struct Shield<'g>(core::marker::PhantomData<&'g crossbeam_epoch::Guard>);

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

// SAFETY: the collector runs what was deferred after every guard of that time has ended.
unsafe impl scheme::Scheme for CrossbeamEpoch {
    type Header = ();
    type Handle = Handle;

    const NAME: &'static str = "crossbeam-epoch";
    const ROBUST: bool = false;
    const OPTIMISTIC_TRAVERSAL: bool = true;
    const NEEDS_SHIELDS: bool = false;

    fn register(&self) -> Handle {
        Handle::default()
    }
}

impl scheme::Handle for Handle {
    type Scheme = CrossbeamEpoch;
    type Header = ();
    type Guard<'h> = Guard<'h>;

    #[inline]
    fn pin(&mut self) -> Guard<'_> {
        Guard { guard: crossbeam_epoch::pin(), pending: &self.pending }
    }

    fn flush(&mut self) {
        crossbeam_epoch::pin().flush();
    }

    fn barrier(&mut self) {
        self.pending.wait(|| crossbeam_epoch::pin().flush());
    }
}

// SAFETY: as the scheme.
unsafe impl scheme::Guard for Guard<'_> {
    type Scheme = CrossbeamEpoch;
    type Header = ();
    type Shield<'g>
        = Shield<'g>
    where
        Self: 'g;

    fn guards(&self, _domain: &CrossbeamEpoch) -> bool {
        true
    }

    #[inline(always)]
    fn header(&self) {}

    #[inline(always)]
    fn shield(&self) -> Shield<'_> {
        Shield(core::marker::PhantomData)
    }

    #[inline]
    unsafe fn retire_erased(&self, retired: Retired) {
        self.pending.add();
        let (object, free) = (retired.address(), retired.free_function());
        let pending = self.pending.clone();
        let run = move || {
            let _freeing = Freeing(pending);
            // SAFETY: every guard that could see the object has ended.
            unsafe { free(object) };
        };
        // SAFETY: the caller says that the object may be freed on any thread, at any later time.
        unsafe { self.guard.defer_unchecked(run) };
    }

    fn flush(&self) {
        self.guard.flush();
    }
}

// SAFETY: as the scheme: the guard protects everything.
unsafe impl scheme::Shield for Shield<'_> {
    type Header = ();

    #[inline(always)]
    fn protect<'s, T>(&'s mut self, source: &Atomic<T>) -> Shared<'s, T> {
        // Acquire: pairs with the Release that published the object.
        source.peek(Ordering::Acquire).as_shared()
    }
}

// SAFETY: as the scheme.
unsafe impl scheme::Section for Guard<'_> {
    #[inline(always)]
    fn load<'g, T>(&'g self, source: &Atomic<T>) -> Shared<'g, T> {
        // Acquire, as `Shield::protect`.
        source.peek(Ordering::Acquire).as_shared()
    }
}
