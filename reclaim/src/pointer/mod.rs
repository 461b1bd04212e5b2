//! Typed pointers to objects under reclamation.
//!
//! An object lives in one allocation together with the header that its scheme asks for (nothing
//! for most, a birth era for the interval scheme):
//!
//! ```text
//! Block<T, H>   | header: H | value: T |
//!                 ^ what every pointer of this module points to
//! ```
//!
//! The bits that the block's alignment leaves free carry a tag. Pointers keep their provenance:
//! tags are set with `map_addr`, never through an integer.
//!
//! | type | what it is | may be dereferenced |
//! | --- | --- | --- |
//! | [`Atomic`] | the shared word | no |
//! | [`Owned`] | an object that no other thread can reach | always |
//! | [`Shared`] | a pointer loaded under a guard or a shield | unsafe: see [`Shared::deref`] |
//! | [`Tagged`] | an address with its tag, for comparing | unsafe: turn it into one of the above |

mod atomic;
mod owned;
mod shared;
mod tagged;

pub use atomic::{Atomic, CompareExchangeError};
pub use owned::Owned;
pub use shared::{Pointer, Shared};
pub use tagged::Tagged;

/// An object with its scheme's header in front.
#[repr(C)]
pub(crate) struct Block<T, H> {
    pub(crate) header: H,
    pub(crate) value: T,
    /// Read by every look at the object and written by its end, so that a model fails where the
    /// two are not ordered. The memory is then not used again.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(crate) life: latchwork_sync::cell::UnsafeCell<bool>,
}

impl<T, H> Block<T, H> {
    #[inline(always)]
    pub(crate) fn new(header: H, value: T) -> Self {
        Self {
            header,
            value,
            #[cfg(any(latchwork_loom, latchwork_shuttle))]
            life: latchwork_sync::cell::UnsafeCell::new(true),
        }
    }

    /// Under a checker: notes a look at the object.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(crate) fn look(&self) {
        // SAFETY: the checker fails the model where this races.
        assert!(self.life.with(|alive| unsafe { *alive }), "used after it was freed");
    }

    /// Under a checker: notes the object's end.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(crate) fn end(&self) {
        // SAFETY: as above.
        let was = self.life.with_mut(|alive| unsafe { core::mem::replace(&mut *alive, false) });
        assert!(was, "freed twice");
    }
}
