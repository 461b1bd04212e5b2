//! What the lock tells its probe, and when.

use core::panic::Location;

use crate::holder::{Access, Holder};
use crate::raw::Watch;

/// Where in the program a lock was asked for.
pub(crate) type Caller = &'static Location<'static>;

/// What the lock tells its probe. Everything but `watch` and what follows it is on the fast path.
pub trait Observe: Send + Sync + 'static {
    /// A probe with its default settings.
    const NEW: Self;

    /// What a guard carries for the probe.
    type Held: Send + Sync;

    /// The probe's eyes while a thread waits.
    type Watching<'a>: Watch;

    /// A thread is about to ask; it may panic, and then doesn't.
    fn asks(&self, access: Access, site: Caller);

    /// The lock was to be had at once.
    fn acquired(&self, access: Access, site: Caller) -> Self::Held;

    /// It was not, and the thread waits; it may panic, and then doesn't.
    fn watch(&self, access: Access, site: Caller) -> Self::Watching<'_>;

    /// The wait has ended with the lock.
    fn acquired_late(&self, watching: Self::Watching<'_>) -> Self::Held;

    /// The wait has ended with the change of what is held, of which `changed` is told.
    fn waited(&self, watching: Self::Watching<'_>);

    /// The wait has ended without it.
    fn gave_up(&self, watching: Self::Watching<'_>);

    /// When the lock was released, which has just happened; nobody was woken yet. `waited_for`:
    /// somebody waited.
    fn stamp(&self, held: &Self::Held, waited_for: bool) -> u64;

    /// The lock was released and everyone told.
    fn released(&self, held: Self::Held, at: u64);

    /// What was held is held in another way.
    fn changed(&self, held: Self::Held, to: Access) -> Self::Held;

    /// Who has held the lock for longest, if the probe knows.
    fn holder(&self) -> Option<Holder>;
}
