//! The fences under a checker: a cell per thread. `light` is a read-modify-write of the caller's
//! own cell, `heavy` of every thread's, which gives each light/heavy pair an order with
//! synchronisation one way or the other, and two lights none.
//!
//! `heavy` isn't combined here: it is what the models of `Barriers` hold the combining against.

use core::panic::Location;

use super::{AlreadyDecided, Kind};
use crate::atomic::{Ordering, fence};
use crate::model::site::{Role, is_dropped};
use crate::model::threads;

#[track_caller]
pub(super) fn light() {
    if is_dropped(Location::caller(), Role::Light) {
        return;
    }
    match kind() {
        Kind::Model => threads::touch_own_cell(),
        _ => fence(Ordering::SeqCst),
    }
}

#[track_caller]
pub(super) fn heavy() {
    if !is_dropped(Location::caller(), Role::Heavy) {
        barrier();
    }
}

/// One barrier, not combined with any other.
#[track_caller]
pub(super) fn barrier() {
    match kind() {
        Kind::Model => threads::touch_every_cell(),
        _ => fence(Ordering::SeqCst),
    }
}

/// Whether a barrier is dear enough to be shared.
pub(super) fn is_shared() -> bool {
    kind() == Kind::Model
}

/// How often the process is a copy of another.
pub(super) fn forks() -> u32 {
    0
}

pub(super) fn kind() -> Kind {
    if crate::model::symmetric_fences() { Kind::Symmetric } else { Kind::Model }
}

pub(super) fn describe() -> &'static str {
    match kind() {
        Kind::Model => "the explorer's cell for each thread",
        _ => "sequentially consistent fences, as chosen",
    }
}

pub(super) fn use_symmetric() -> Result<(), AlreadyDecided> {
    match kind() {
        Kind::Symmetric => Ok(()),
        kind => Err(AlreadyDecided { kind }),
    }
}
