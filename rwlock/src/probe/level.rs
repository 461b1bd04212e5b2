//! How closely a probe watches.

use core::cell::Cell;

use latchwork_sync::time::{Instant, coarse_nanos, to_nanos};

/// How closely a [`Probed`](super::Probed) watches those that needn't wait.
pub trait Level: Send + Sync + 'static {
    /// How it is called in a report.
    const NAME: &'static str;

    /// Of how many acquisitions one is measured; none where only those are that waited.
    const ONE_IN: Option<u32>;

    /// Whether the clock stands still for longer than most holds last: then only those count in
    /// which it moved.
    const COARSE: bool = false;

    /// The level's clock, in nanoseconds.
    fn now() -> u64;

    /// When an acquisition that needn't wait began to be measured; 0 if it isn't.
    fn begin() -> u64;
}

fn precise() -> u64 {
    // 0 stands for none.
    to_nanos(Instant::now()).max(1)
}

/// The call site rides in the guard, and nothing is measured but waits, and holds that began with
/// one.
#[derive(Debug)]
pub struct Sites;

impl Level for Sites {
    const NAME: &'static str = "sites";
    const ONE_IN: Option<u32> = None;

    fn now() -> u64 {
        precise()
    }

    #[inline]
    fn begin() -> u64 {
        0
    }
}

/// Of each thread's acquisitions one in `ONE_IN` is measured with the clock at both ends.
#[derive(Debug)]
pub struct Sampled<const ONE_IN: u32 = 64>;

std::thread_local! {
    // Without a destructor, so that a look costs no check.
    static ACQUISITIONS: Cell<u32> = const { Cell::new(0) };
}

impl<const ONE_IN: u32> Level for Sampled<ONE_IN> {
    const NAME: &'static str = "sampled";
    const ONE_IN: Option<u32> = Some(ONE_IN);

    fn now() -> u64 {
        precise()
    }

    #[inline]
    fn begin() -> u64 {
        let count = ACQUISITIONS.get().wrapping_add(1);
        ACQUISITIONS.set(count);
        if count.is_multiple_of(ONE_IN) { precise() } else { 0 }
    }
}

/// Every acquisition is measured, with the system's coarse clock, whose ticks are some
/// milliseconds. Counted are the holds in which it moved.
#[derive(Debug)]
pub struct Coarse;

impl Level for Coarse {
    const NAME: &'static str = "coarse";
    const COARSE: bool = true;
    const ONE_IN: Option<u32> = Some(1);

    #[inline]
    fn now() -> u64 {
        coarse_nanos().max(1)
    }

    #[inline]
    fn begin() -> u64 {
        Self::now()
    }
}

/// Every acquisition is measured, with the clock at both ends.
#[derive(Debug)]
pub struct Full;

impl Level for Full {
    const NAME: &'static str = "full";
    const ONE_IN: Option<u32> = Some(1);

    #[inline]
    fn now() -> u64 {
        precise()
    }

    #[inline]
    fn begin() -> u64 {
        precise()
    }
}
