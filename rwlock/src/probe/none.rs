//! Nobody watches.

use super::observe::{Caller, Observe};
use crate::holder::{Access, Holder};
use crate::raw::Unwatched;

/// No probe: no byte in the lock or in its guards, and no instruction.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Observe for NoProbe {
    const NEW: Self = Self;

    type Held = ();
    type Watching<'a> = Unwatched;

    #[inline]
    fn asks(&self, _access: Access, _site: Caller) {}

    #[inline]
    fn acquired(&self, _access: Access, _site: Caller) {}

    #[inline]
    fn watch(&self, _access: Access, _site: Caller) -> Unwatched {
        Unwatched
    }

    #[inline]
    fn acquired_late(&self, _watching: Unwatched) {}

    #[inline]
    fn waited(&self, _watching: Unwatched) {}

    #[inline]
    fn gave_up(&self, _watching: Unwatched) {}

    #[inline]
    fn stamp(&self, (): &(), _waited_for: bool) -> u64 {
        0
    }

    #[inline]
    fn released(&self, (): (), _at: u64) {}

    #[inline]
    fn changed(&self, (): (), _to: Access) {}

    #[inline]
    fn holder(&self) -> Option<Holder> {
        None
    }
}
