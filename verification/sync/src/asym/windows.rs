//! `FlushProcessWriteBuffers`.

use super::Kind;

pub(super) const KIND: Kind = Kind::FlushProcessWriteBuffers;
pub(super) const NAME: &str = "FlushProcessWriteBuffers";

#[link(name = "kernel32")]
unsafe extern "system" {
    /// Documented since Windows Vista: interrupts every processor that runs a thread of the
    /// process. Takes nothing, returns nothing, can't fail.
    safe fn FlushProcessWriteBuffers();
}

/// Whether the barrier can be had: always.
pub(super) fn register() -> bool {
    true
}

/// A full barrier on every processor that runs a thread of this process.
pub(super) fn barrier() {
    FlushProcessWriteBuffers();
}
