//! A thread's registration.

use core::fmt;
use core::ptr::NonNull;

use super::domain::Hazard;
use super::guard::LocalGuard;
use super::record::Record;
use crate::scheme::{Handle as Registration, Scheme};

/// A thread's registration with a [`Hazard`] domain. It can be sent to another thread; dropping
/// it hands its garbage over to the others.
pub struct Handle {
    record: NonNull<Record>,
    domain: Hazard,
}

// SAFETY: the record is this handle's alone, and what is in it may go to another thread: objects
// whose drop may run on any (`Guard::retire`).
unsafe impl Send for Handle {}

impl Hazard {
    /// Registers the caller. It may have any number of registrations.
    ///
    /// Cost: a walk over the domain's records, and an allocation where none of them is free.
    pub fn register(&self) -> Handle {
        let record = self.engine().acquire_record();
        Handle { record, domain: self.clone() }
    }
}

impl Handle {
    #[inline(always)]
    fn record(&self) -> &Record {
        // SAFETY: records live as long as the domain, which `domain` keeps.
        unsafe { self.record.as_ref() }
    }

    /// The domain.
    pub fn domain(&self) -> &Hazard {
        &self.domain
    }

    /// Begins a section, which protects nothing by itself: its shields do.
    ///
    /// Cost: none. Progress: wait-free.
    #[inline(always)]
    pub fn pin(&mut self) -> LocalGuard<'_> {
        LocalGuard::new(self.record())
    }

    /// Frees what can be freed of this handle's garbage and of what was left behind, without
    /// waiting for anyone.
    ///
    /// Cost: a heavy fence, a walk over the slots, and the destructors.
    pub fn flush(&mut self) {
        self.record().flush();
    }

    /// Waits until everything that was retired in the domain before the call has been freed.
    ///
    /// Progress: blocks; a shield that protects any of it keeps it waiting.
    ///
    /// # Panics
    ///
    /// When a destructor of the domain that runs on this handle's record makes the call.
    pub fn barrier(&mut self) {
        self.record().barrier();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.record().release();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("domain", &self.domain).finish_non_exhaustive()
    }
}

// SAFETY: I1 to I3 of the module.
unsafe impl Scheme for Hazard {
    type Header = ();
    type Handle = Handle;

    const NAME: &'static str = "hazard";
    const ROBUST: bool = true;
    const OPTIMISTIC_TRAVERSAL: bool = false;
    const NEEDS_SHIELDS: bool = true;

    fn register(&self) -> Handle {
        self.register()
    }
}

impl Registration for Handle {
    type Scheme = Hazard;
    type Header = ();
    type Guard<'h> = LocalGuard<'h>;

    #[inline(always)]
    fn pin(&mut self) -> LocalGuard<'_> {
        self.pin()
    }

    fn flush(&mut self) {
        self.flush();
    }

    fn barrier(&mut self) {
        self.barrier();
    }
}
