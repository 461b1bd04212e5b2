//! How closely a probe watches.

use core::cell::Cell;

use latchwork_sync::CachePadded;
use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::time::{Instant, coarse_nanos, to_nanos};

/// How closely a [`Probed`](super::Probed) watches those that needn't wait.
///
/// A program may bring its own, with a clock of its own. Nothing depends on it but what the probe
/// tells: a clock that goes back gives holds of no length.
pub trait Level: Send + Sync + 'static {
    /// How it is called in a report.
    const NAME: &'static str;

    /// Of how many acquisitions one is measured, as the report tells it; none where only those are
    /// that waited.
    const ONE_IN: Option<u32>;

    /// Whether the clock stands still for longer than most holds last: then only those count in
    /// which it moved.
    const COARSE: bool = false;

    /// The level's clock, in nanoseconds since any moment. 0 counts as 1.
    fn now() -> u64;

    /// The clock where an acquisition that needn't wait is to be measured; else 0.
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

/// Of each thread's acquisitions, of all locks together, one in `ONE_IN` is measured with the clock
/// at both ends. 0: none.
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
/// milliseconds. Counted are the holds in which it moved; each is measured to within a tick.
///
/// Most of what it costs is two looks at that clock, which the row `probe_coarse` of `cargo versus`
/// has beside it (`clock`). One wouldn't do: a hold couldn't be told from the time before it.
/// Where that is too much, [`Ticked`] looks at a word.
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

/// Every acquisition is measured, with a clock that stands still until the program calls [`tick`].
/// Counted are the holds in which it moved; each is measured to within the time between two ticks.
///
/// For programs that have a thread which wakes up now and then in any case: a look at this clock is
/// a load of a word that hardly ever changes. Where nobody ticks nothing is counted but waits, which
/// are timed by the system's clock as at every level.
///
/// ```
/// use std::time::Duration;
/// use latchwork_rwlock::probe::{Probed, Probing, Ticked, tick};
/// use latchwork_rwlock::{Bounded, RwLock};
///
/// let lock = RwLock::<_, Bounded, Probed<Ticked>>::new(0);
/// *lock.write() += 1;
/// assert_eq!(lock.report().write.held.count(), 0, "no tick");
///
/// let value = lock.read();
/// std::thread::sleep(Duration::from_millis(1));
/// tick(); // by any thread
/// drop(value);
/// assert!(lock.report().read.held.longest >= Duration::from_millis(1));
/// ```
#[derive(Debug)]
pub struct Ticked;

/// The clock of [`Ticked`], in nanoseconds; 0 until someone looks. On lines of its own: all threads
/// look at it all the time.
static TICKED: CachePadded<AtomicU64> = CachePadded::new(AtomicU64::new(0));

/// Moves the clock of every lock with a [`Ticked`] probe to the present.
///
/// Any thread may call it at any time, several too: the clock never goes back. Wait-free. Each call
/// costs a look at the system's clock, and each thread that uses such a lock a cache miss after it.
/// Orders nothing.
pub fn tick() {
    // Relaxed: a number that orders nothing; looks of one thread, and of one after another, don't
    // go back on one word.
    TICKED.fetch_max(precise(), Ordering::Relaxed);
}

#[cold]
fn first_look() -> u64 {
    tick();
    // Relaxed: as in `tick`.
    TICKED.load(Ordering::Relaxed)
}

impl Level for Ticked {
    const NAME: &'static str = "ticked";
    const COARSE: bool = true;
    const ONE_IN: Option<u32> = Some(1);

    #[inline]
    fn now() -> u64 {
        // Relaxed: as in `tick`.
        match TICKED.load(Ordering::Relaxed) {
            0 => first_look(),
            now => now,
        }
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
