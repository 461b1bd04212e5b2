//! The domain of the whole process, in which threads register by themselves.
//!
//! A thread's record is found through a thread-local cell without a destructor, so that it can be
//! read to the thread's very end; a second one, with a destructor, gives the record back. Guards
//! that are alive at that time, or begin in later destructors, hold a record that they give back
//! themselves ([`TRANSIENT`](super::word::TRANSIENT)).

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::{Engine, Mode, Record};

/// A guarded section of this thread in the global domain; see
/// [`epoch::Guard`](crate::epoch::Guard).
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct ThreadGuard<M: Mode> {
    record: NonNull<Record<M>>,
    /// Bound to its thread: others of the same record are, too.
    bound: PhantomData<*const ()>,
}

impl<M: Mode> ThreadGuard<M> {
    #[inline(always)]
    pub(super) fn record(&self) -> &Record<M> {
        // SAFETY: the records of the global domain are never freed.
        unsafe { self.record.as_ref() }
    }

    /// Ends this section and begins another, unless other guards of this thread are alive: whoever
    /// waits for this guard need not wait longer.
    #[inline]
    pub fn repin(&mut self) {
        self.record().repin(&M::global().0.era);
    }
}

impl<M: Mode> Drop for ThreadGuard<M> {
    #[inline(always)]
    fn drop(&mut self) {
        self.record().leave_nested();
    }
}

impl<M: Mode> fmt::Debug for ThreadGuard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl<M: Mode> ThreadGuard<M> {
    #[inline(always)]
    pub(crate) fn enter(record: NonNull<Record<M>>, engine: &'static Engine<M>) -> Self {
        let guard = Self { record, bound: PhantomData };
        guard.record().enter_nested(&engine.era);
        guard
    }

    /// A guard past the thread's own clean-up.
    pub(crate) fn enter_transient(record: NonNull<Record<M>>, engine: &'static Engine<M>) -> Self {
        let guard = Self { record, bound: PhantomData };
        guard.record().enter_transient(&engine.era);
        guard
    }
}

/// Where a thread finds its record.
pub(crate) struct Slot<M: Mode>(Cell<Option<NonNull<Record<M>>>>);

impl<M: Mode> Slot<M> {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    #[inline(always)]
    pub(crate) fn record(&self) -> Option<NonNull<Record<M>>> {
        self.0.get()
    }

    pub(crate) fn set(&self, record: Option<NonNull<Record<M>>>) {
        self.0.set(record);
    }
}

/// Defines a mode's global domain, and the functions that use it, in the module where it stands.
macro_rules! global_domain {
    ($mode:ty) => {
        static GLOBAL: $crate::engine::Engine<$mode> =
            $crate::engine::Engine::new($crate::Config::DEFAULT);

        /// Gives the thread's record back when the thread ends.
        struct Exit;

        impl Drop for Exit {
            fn drop(&mut self) {
                if let Some(record) = SLOT.with($crate::engine::Slot::record) {
                    SLOT.with(|slot| slot.set(None));
                    // SAFETY: the records of the global domain are never freed.
                    unsafe { record.as_ref() }.release_when_unpinned();
                }
            }
        }

        latchwork_sync::thread::thread_local! {
            static SLOT: $crate::engine::Slot<$mode> = const { $crate::engine::Slot::new() };
            static EXIT: Exit = const { Exit };
        }

        pub(crate) fn global_engine() -> &'static $crate::engine::Engine<$mode> {
            &GLOBAL
        }

        /// Begins a guarded section of this thread in the global domain.
        ///
        /// Guards of a thread may nest and be dropped in any order; the section lasts until the
        /// last of them ends. The first one registers the thread, which leaves the domain when it
        /// ends. Works in destructors of thread-locals too.
        ///
        /// Cost: two plain stores, with the guard's end; no fence where the system has process-wide
        /// barriers ([`latchwork_sync::asym`]). Progress: wait-free after the first.
        ///
        /// # Panics
        ///
        /// When 2,047 guards of the thread are alive.
        #[inline(always)]
        pub fn pin() -> Guard {
            match SLOT.with($crate::engine::Slot::record) {
                Some(record) => Guard::enter(record, &GLOBAL),
                None => pin_first(),
            }
        }

        #[cold]
        #[inline(never)]
        fn pin_first() -> Guard {
            let record = GLOBAL.acquire_record();
            if EXIT.try_with(|_| ()).is_ok() {
                SLOT.with(|slot| slot.set(Some(record)));
                Guard::enter(record, &GLOBAL)
            } else {
                Guard::enter_transient(record, &GLOBAL)
            }
        }

        /// Runs `f` in a guarded section of this thread.
        #[inline(always)]
        pub fn with_pin<R>(f: impl FnOnce(&Guard) -> R) -> R {
            f(&pin())
        }

        /// Whether the thread holds a guard of the global domain.
        pub fn is_pinned() -> bool {
            SLOT.with($crate::engine::Slot::record).is_some_and(|record| {
                // SAFETY: the records of the global domain are never freed.
                unsafe { record.as_ref() }.depth() != 0
            })
        }

        /// Frees what can be freed of this thread's garbage, without waiting for anyone.
        pub fn flush() {
            $crate::Guard::flush(&pin());
        }

        /// Waits until every guard of the global domain that was there at the call has ended:
        /// what the caller had unlinked before, nobody is looking at any more.
        ///
        /// Progress: blocks; a guard that stays keeps it waiting.
        ///
        /// # Panics
        ///
        /// When the thread holds a guard itself.
        pub fn synchronize() {
            assert!(!is_pinned(), "a thread that holds a guard would wait for itself");
            GLOBAL.synchronize();
        }

        /// Waits until everything that was retired in the global domain before the call has been
        /// freed, by whichever thread.
        ///
        /// Progress: blocks; a guard that stays keeps it waiting.
        ///
        /// # Panics
        ///
        /// When the thread holds a guard itself, or is running a destructor for the domain.
        pub fn barrier() {
            assert!(!is_pinned(), "a thread that holds a guard would wait for itself");
            // To be registered.
            drop(pin());
            match SLOT.with($crate::engine::Slot::record) {
                // SAFETY: the records of the global domain are never freed.
                Some(record) => unsafe { record.as_ref() }.barrier(),
                // Past the thread's clean-up.
                None => {
                    let record = GLOBAL.acquire_record();
                    // SAFETY: the records of the global domain are never freed.
                    let record = unsafe { record.as_ref() };
                    record.barrier();
                    record.release();
                }
            }
        }
    };
}
pub(crate) use global_domain;
