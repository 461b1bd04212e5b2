//! `treiber` against its peers.

use latchwork_benches::Versus;

/// The rows of this crate.
pub(crate) fn rows(_versus: &mut Versus) {}
