//! Who keeps everybody waiting.

use core::fmt;

use latchwork_sync::atomic::{AtomicU64, Ordering};
use latchwork_sync::lock::Mutex;
use latchwork_sync::time::{Instant, from_nanos, to_nanos};
use std::thread::{Thread, current};

use super::word::{UNIT, era_of};

/// A registration whose guard holds back garbage.
///
/// ```
/// use latchwork_reclaim::{Config, Epoch, Guard};
///
/// let domain = Epoch::with_config(Config::DEFAULT.batch(1));
/// let (mut reader, mut writer) = (domain.register(), domain.register());
/// let stalled = reader.pin();
/// for _ in 0..10 {
///     writer.pin().defer(|| ());
/// }
/// let report = domain.stalled(2);
/// assert_eq!(report.len(), 1);
/// println!("{}", report[0]); // thread main (ThreadId(1)) is 9 barriers behind, for 35 µs
/// # drop(stalled);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stalled {
    /// The thread that registered, which may have sent its handle to another since; none where
    /// it did so in the destructor of a thread-local.
    pub thread: Option<Thread>,
    /// Heavy fences that were issued since the guard began.
    pub behind: u64,
    /// When a thread that wanted to free noticed it; none where that is yet to come.
    pub since: Option<Instant>,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("thread ")?;
        match &self.thread {
            Some(thread) => {
                write!(f, "{} ({:?})", thread.name().unwrap_or("without a name"), thread.id())?;
            }
            None => f.write_str("unknown")?,
        }
        write!(f, " is {} barriers behind", self.behind)?;
        match self.since {
            Some(since) => write!(f, ", for {:?}", since.elapsed()),
            None => Ok(()),
        }
    }
}

/// What a record keeps for the report.
#[derive(Default)]
pub(super) struct Watch {
    thread: Mutex<Option<Thread>>,
    /// The era of the guard that was noticed last, and when. Statistics, Relaxed.
    era: AtomicU64,
    noticed: AtomicU64,
}

impl Watch {
    /// Notes who owns the record from here on.
    pub(super) fn set_owner(&self) {
        std::thread_local! {
            /// Gone when the thread's own data may be.
            static ALIVE: Alive = const { Alive };
        }
        struct Alive;
        impl Drop for Alive {
            fn drop(&mut self) {}
        }

        let thread = ALIVE.try_with(|_| ()).ok().map(|()| current());
        *self.thread.lock().expect("held for a store only") = thread;
    }

    /// Notes that the guard with this word was there at `era`.
    #[inline]
    pub(super) fn notice(&self, word: u64, era: u64) {
        let began = era_of(word);
        if began + UNIT < era && self.era.load(Ordering::Relaxed) != began {
            self.noticed.store(to_nanos(Instant::now()), Ordering::Relaxed);
            self.era.store(began, Ordering::Relaxed);
        }
    }

    /// The report on a guard with this word.
    pub(super) fn report(&self, word: u64, behind: u64) -> Stalled {
        let noticed = self.era.load(Ordering::Relaxed) == era_of(word);
        let since = from_nanos(self.noticed.load(Ordering::Relaxed)).filter(|_| noticed);
        let thread = self.thread.lock().expect("held for a store only").clone();
        Stalled { thread, behind, since }
    }
}
