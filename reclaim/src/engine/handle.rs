//! A thread's registration.

use core::fmt;
use core::ptr::NonNull;

use super::{LocalGuard, Mode, NestedGuard, Numbered, Record};
use crate::scheme::{Handle, Scheme};

/// A registration with a domain; see [`epoch::Handle`](crate::epoch::Handle).
///
/// It can be sent to another thread. Dropping it hands its garbage over to the others.
pub struct NumberedHandle<M: Mode> {
    record: NonNull<Record<M>>,
    domain: Numbered<M>,
}

// SAFETY: the record is this handle's alone, and what is in it may go to another thread: objects
// whose drop may run on any (`Guard::retire`).
unsafe impl<M: Mode> Send for NumberedHandle<M> {}

impl<M: Mode> Numbered<M> {
    /// Registers the caller. It may have any number of registrations.
    ///
    /// Cost: a walk over the domain's records, and an allocation where none of them is free.
    pub fn register(&self) -> NumberedHandle<M> {
        let record = self.engine().acquire_record();
        NumberedHandle { record, domain: self.clone() }
    }
}

impl<M: Mode> NumberedHandle<M> {
    #[inline(always)]
    pub(super) fn record(&self) -> &Record<M> {
        // SAFETY: records live as long as the domain, which `domain` keeps.
        unsafe { self.record.as_ref() }
    }

    /// The domain.
    pub fn domain(&self) -> &Numbered<M> {
        &self.domain
    }

    /// Begins a guarded section: two plain stores, with its end.
    ///
    /// A guard that is leaked protects nothing any more once the handle is pinned again, which
    /// the borrow allows only when nothing that it protected is in use.
    ///
    /// Progress: wait-free.
    #[inline(always)]
    pub fn pin(&mut self) -> LocalGuard<'_, M> {
        let record = self.record();
        record.enter(&self.domain.engine().era);
        LocalGuard::new(record)
    }

    /// Begins a guarded section that others of this handle may overlap with, in any order.
    ///
    /// Cost: a load and a branch more than [`NumberedHandle::pin`]. Progress: wait-free.
    ///
    /// # Panics
    ///
    /// When 2,047 guards of the handle are alive, or were leaked since it was last borrowed
    /// mutably.
    #[inline(always)]
    pub fn pin_nested(&self) -> NestedGuard<'_, M> {
        let record = self.record();
        record.enter_nested(&self.domain.engine().era);
        NestedGuard::new(record)
    }

    /// Runs `f` in a guarded section.
    #[inline(always)]
    pub fn with_pin<R>(&mut self, f: impl FnOnce(&LocalGuard<'_, M>) -> R) -> R {
        f(&self.pin())
    }

    /// Frees what can be freed of this handle's garbage, without waiting for anyone.
    ///
    /// Cost: at most one heavy fence, a walk over the records, and the destructors.
    pub fn flush(&mut self) {
        self.end_leaked_guard();
        self.record().flush();
    }

    /// Waits until every guard of the domain that was there at the call has ended: what the caller
    /// had unlinked before, nobody is looking at any more.
    ///
    /// Progress: blocks; a guard that stays keeps it waiting.
    pub fn synchronize(&mut self) {
        self.end_leaked_guard();
        self.domain.engine().synchronize();
    }

    /// Waits until everything that was retired in the domain before the call has been freed: by
    /// this handle, by others, alive or gone. "Before" is what happens before the call; what others
    /// retire at the same time may or may not be covered.
    ///
    /// Cost: a heavy fence for each registration, to take what its thread holds, and one more.
    /// Progress: blocks; a guard that stays keeps it waiting.
    ///
    /// # Panics
    ///
    /// When a destructor that runs on this handle's record makes the call.
    pub fn barrier(&mut self) {
        self.end_leaked_guard();
        self.record().barrier();
    }

    /// Ends the pin of a guard that was leaked: nothing that it protected is in use any more.
    fn end_leaked_guard(&mut self) {
        if self.record().depth() != 0 {
            self.record().leave();
        }
    }
}

impl<M: Mode> Drop for NumberedHandle<M> {
    fn drop(&mut self) {
        self.end_leaked_guard();
        self.record().release();
    }
}

impl<M: Mode> fmt::Debug for NumberedHandle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("domain", &self.domain).finish_non_exhaustive()
    }
}

// SAFETY: I1 to I8 of the engine.
unsafe impl<M: Mode> Scheme for Numbered<M> {
    type Header = M::Header;
    type Handle = NumberedHandle<M>;

    const NAME: &'static str = M::NAME;
    const ROBUST: bool = M::BY_BIRTH;
    const OPTIMISTIC_TRAVERSAL: bool = !M::BY_BIRTH;
    const NEEDS_SHIELDS: bool = false;

    fn register(&self) -> NumberedHandle<M> {
        self.register()
    }
}

impl<M: Mode> Handle for NumberedHandle<M> {
    type Scheme = Numbered<M>;
    type Header = M::Header;
    type Guard<'h> = LocalGuard<'h, M>;

    #[inline(always)]
    fn pin(&mut self) -> LocalGuard<'_, M> {
        self.pin()
    }

    fn flush(&mut self) {
        self.flush();
    }

    fn barrier(&mut self) {
        self.barrier();
    }
}
