//! The fences under a checker: a cell per thread. `light` is a read-modify-write of the caller's
//! own cell, `heavy` of every thread's, which gives each light/heavy pair an order with
//! synchronisation one way or the other, and two lights none.
//!
//! With `LATCHWORK_ASYM=symmetric` in the environment the fallback is explored instead.

use core::panic::Location;

use super::Kind;
use crate::atomic::{Ordering, fence};
use crate::model::site::{Role, is_dropped};
use crate::model::threads;

/// The fence of the many.
#[track_caller]
pub fn light() {
    if is_dropped(Location::caller(), Role::Light) {
        return;
    }
    match kind() {
        Kind::Model => threads::touch_own_cell(),
        _ => fence(Ordering::SeqCst),
    }
}

/// The fence of the few.
#[track_caller]
pub fn heavy() {
    if is_dropped(Location::caller(), Role::Heavy) {
        return;
    }
    match kind() {
        Kind::Model => threads::touch_every_cell(),
        _ => fence(Ordering::SeqCst),
    }
}

/// How the fences of this run work.
pub fn kind() -> Kind {
    if crate::model::symmetric_fences() { Kind::Symmetric } else { Kind::Model }
}
