//! What barriers need to take all garbage of a domain.

use latchwork_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use latchwork_sync::const_fn;

use super::grace::Pause;

/// One barrier at a time, and how often garbage has moved from hand to hand.
pub(crate) struct Turns {
    /// Whether a barrier is under way.
    busy: AtomicBool,
    /// How often a thread has left garbage behind.
    moves: AtomicU64,
    /// Objects that barriers have freed: a statistic.
    freed: AtomicU64,
}

impl Turns {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                busy: AtomicBool::new(false),
                moves: AtomicU64::new(0),
                freed: AtomicU64::new(0),
            }
        }
    }

    /// Waits for the caller's turn to run a barrier.
    pub(crate) fn begin(&self) -> Turn<'_> {
        let pause = Pause::new();
        // Acquire: pairs with the Release of the turn before, so that what that barrier has freed
        // is gone.
        while self.busy.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            pause.step();
        }
        Turn(&self.busy)
    }

    /// Notes that a thread, still holding its garbage, has left it behind.
    pub(crate) fn note_move(&self) {
        // Release: pairs with the Acquire in `until_still`.
        self.moves.fetch_add(1, Ordering::Release);
    }

    /// Notes that a barrier frees an object.
    pub(crate) fn note_freed(&self) {
        self.freed.fetch_add(1, Ordering::Relaxed);
    }

    /// Objects that barriers have freed.
    pub(crate) fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// Calls `round`, which takes the orphans and then visits every record, until none has left
    /// anything behind meanwhile.
    ///
    /// What a record adopts between the two steps is found there; what a record has handed over
    /// before it is visited is found in the next round.
    pub(crate) fn until_still(&self, mut round: impl FnMut()) {
        loop {
            // Acquire: pairs with the Release in `note_move`: what was left behind before is among
            // the orphans, or with who has adopted it.
            let before = self.moves.load(Ordering::Acquire);
            round();
            // Relaxed: a hand-over that matters came before a visit of this round.
            if self.moves.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// A barrier's turn.
pub(crate) struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `Turns::begin`.
        self.0.store(false, Ordering::Release);
    }
}
