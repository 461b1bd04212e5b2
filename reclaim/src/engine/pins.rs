//! What a scan by birth has seen.

use alloc::vec::Vec;

/// The pins there were, and the number below which a heavy had ended.
#[derive(Default)]
pub(super) struct Pins {
    /// Low and high of each.
    pub(super) pins: Vec<(u64, u64)>,
    pub(super) era: u64,
}

impl Pins {
    /// The youngest birth that a pin may hold of a bag with this number; 0 if there is none.
    pub(super) fn youngest_held(&self, number: u64) -> u64 {
        let holders = self.pins.iter().filter(|(low, _)| *low <= number);
        holders.map(|(_, high)| *high).max().unwrap_or(0)
    }
}
