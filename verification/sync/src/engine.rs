//! The two explorers under one name, so that a checked build is written once.

#[cfg(latchwork_loom)]
#[allow(unused_imports, reason = "which of these a build needs depends on its features")]
pub(crate) use loom::{cell, hint, sync, sync::atomic, thread};

#[cfg(latchwork_shuttle)]
#[allow(unused_imports, reason = "which of these a build needs depends on its features")]
pub(crate) use shuttle::{hint, sync, sync::atomic, thread};
