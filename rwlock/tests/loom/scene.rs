//! What the scenes share: a lock with a counter that loom watches, and a policy in ticks.

use core::marker::PhantomData;

use latchwork_rwlock::Policy;
use latchwork_rwlock::policy::Fault;
use latchwork_rwlock::raw::Core;
use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::advance;
use latchwork_sync::thread::{self, JoinHandle};
use latchwork_sync::time::{Duration, Instant};

/// No defect.
pub(crate) const SOUND: u8 = 0;
pub(crate) const CANCEL_FORGETS_READERS: u8 = 1;
pub(crate) const CANCEL_KEEPS_WAKE: u8 = 2;
pub(crate) const DEADLINE_BEFORE_LOCK: u8 = 3;
pub(crate) const DEADLINE_BEFORE_GRANT: u8 = 4;
pub(crate) const GRANT_WITHOUT_WAKE: u8 = 5;
pub(crate) const LAST_READER_IS_SILENT: u8 = 6;
pub(crate) const WRITER_IS_SILENT: u8 = 7;
pub(crate) const BLOCK_IS_SILENT: u8 = 8;
pub(crate) const URGENT_GIVES_WAY: u8 = 9;
pub(crate) const UPGRADE_LETS_GO: u8 = 10;
pub(crate) const DOWNGRADE_LETS_GO: u8 = 11;
pub(crate) const TURN_IS_SILENT: u8 = 12;
pub(crate) const SLEEPER_KEEPS_WAKE: u8 = 13;
pub(crate) const TIMED_READ_STAYS_COUNTED: u8 = 14;
pub(crate) const URGENT_FORGETS_READERS: u8 = 15;
pub(crate) const FAIR_UNLOCK_IS_PLAIN: u8 = 16;
pub(crate) const WAKE_IS_TRUSTED: u8 = 17;
pub(crate) const TAGS_WRAP: u8 = 18;
pub(crate) const WRITER_IGNORES_READERS: u8 = 19;
pub(crate) const UNCOUNTED_FORGET_DEADLINES: u8 = 20;

const FAULTS: [Option<Fault>; 21] = [
    None,
    Some(Fault::CancelForgetsReaders),
    Some(Fault::CancelKeepsWake),
    Some(Fault::DeadlineBeforeLock),
    Some(Fault::DeadlineBeforeGrant),
    Some(Fault::GrantWithoutWake),
    Some(Fault::LastReaderIsSilent),
    Some(Fault::WriterIsSilent),
    Some(Fault::BlockIsSilent),
    Some(Fault::UrgentGivesWay),
    Some(Fault::UpgradeLetsGo),
    Some(Fault::DowngradeLetsGo),
    Some(Fault::TurnIsSilent),
    Some(Fault::SleeperKeepsWake),
    Some(Fault::TimedReadStaysCounted),
    Some(Fault::UrgentForgetsReaders),
    Some(Fault::FairUnlockIsPlain),
    Some(Fault::WakeIsTrusted),
    Some(Fault::TagsWrap),
    Some(Fault::WriterIgnoresReaders),
    Some(Fault::UncountedForgetDeadlines),
];

/// Bounded writer priority in ticks of the model's clock, 0 standing for no bound, with a defect.
/// `URGENT` is the longest wait of a writer; at most `MOST` of each kind can wait.
pub(crate) struct Ticks<
    const PATIENCE: u64,
    const COOL_DOWN: u64,
    const FAULT: u8 = SOUND,
    const URGENT: u64 = 0,
    const MOST: u64 = 0xfff,
>;

/// Writer priority without a clock.
pub(crate) type Unbounded<const FAULT: u8 = SOUND> = Ticks<0, 0, FAULT>;

/// Writer priority in which one reader and one writer can wait.
pub(crate) type Narrow<const FAULT: u8 = SOUND> = Ticks<0, 0, FAULT, 0, 1>;

impl<const PATIENCE: u64, const COOL_DOWN: u64, const FAULT: u8, const URGENT: u64, const MOST: u64>
    Policy for Ticks<PATIENCE, COOL_DOWN, FAULT, URGENT, MOST>
{
    const DEFAULT: Self = Self;
    const GATES: bool = true;
    const PHASES: bool = false;
    const FAULT: Option<Fault> = FAULTS[FAULT as usize];
    const MOST_BLOCKED: u64 = MOST;
    const MOST_WAITING: u64 = MOST;

    fn patience(&self) -> Option<Duration> {
        (PATIENCE > 0).then(|| Duration::from_millis(PATIENCE))
    }

    fn cool_down(&self) -> Duration {
        Duration::from_millis(COOL_DOWN)
    }

    fn longest_writer_wait(&self) -> Option<Duration> {
        (URGENT > 0).then(|| Duration::from_millis(URGENT))
    }
}

/// Another policy with a defect of its own, or the other's if it has none, and with no more than so
/// many grants without a write section between.
pub(crate) struct Altered<P, const FAULT: u8, const MOST_GRANTS: u64>(PhantomData<P>);

/// A policy with a defect.
pub(crate) type Faulty<P, const FAULT: u8> = Altered<P, FAULT, { u64::MAX }>;

/// A policy without a tag for any grant but that after a write section.
pub(crate) type Untagged<P> = Altered<P, SOUND, 0>;

impl<P: Policy, const FAULT: u8, const MOST_GRANTS: u64> Policy for Altered<P, FAULT, MOST_GRANTS> {
    const DEFAULT: Self = Self(PhantomData);
    const GATES: bool = P::GATES;
    const PHASES: bool = P::PHASES;
    const FAULT: Option<Fault> = match FAULTS[FAULT as usize] {
        None => P::FAULT,
        fault => fault,
    };
    const MOST_BLOCKED: u64 = P::MOST_BLOCKED;
    const MOST_WAITING: u64 = P::MOST_WAITING;
    const MOST_GRANTS: u64 = MOST_GRANTS;

    fn patience(&self) -> Option<Duration> {
        P::DEFAULT.patience()
    }

    fn cool_down(&self) -> Duration {
        P::DEFAULT.cool_down()
    }

    fn longest_writer_wait(&self) -> Option<Duration> {
        P::DEFAULT.longest_writer_wait()
    }
}

/// A lock around a counter.
pub(crate) struct Locked<P> {
    pub(crate) lock: Core<P>,
    value: UnsafeCell<u32>,
    /// What the mover of the clock waits for.
    pub(crate) over: AtomicBool,
}

// SAFETY: the scenes share it on purpose: loom reports accesses that race.
unsafe impl<P: Policy> Sync for Locked<P> {}
// SAFETY: the value is a plain integer.
unsafe impl<P: Policy> Send for Locked<P> {}

impl<P: Policy> Locked<P> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: Core::new(P::DEFAULT),
            value: UnsafeCell::new(0),
            over: AtomicBool::new(false),
        })
    }

    pub(crate) fn get(&self) -> u32 {
        // SAFETY: loom fails the scene where this races.
        self.value.with(|value| unsafe { *value })
    }

    pub(crate) fn add(&self) {
        // SAFETY: loom fails the scene where this races.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    /// Reads the counter, if the lock is to be had in time.
    pub(crate) fn read_until(&self, deadline: Option<Instant>) -> Option<u32> {
        self.lock.lock_shared(deadline).then(|| {
            let value = self.get();
            // SAFETY: acquired above.
            unsafe { self.lock.unlock_shared() };
            value
        })
    }

    pub(crate) fn read(&self) -> u32 {
        self.read_until(None).expect("waits for ever")
    }

    /// Counts up, if the lock is to be had in time.
    pub(crate) fn write_until(&self, deadline: Option<Instant>) -> bool {
        let held = self.lock.lock_exclusive(deadline);
        if held {
            self.add();
            // SAFETY: acquired above.
            unsafe { self.lock.unlock_exclusive() };
        }
        held
    }

    pub(crate) fn write(&self) {
        assert!(self.write_until(None), "waits for ever");
    }

    /// Reads upgradably, if the share is to be had in time, then counts up, if the upgrade is;
    /// whether it did.
    pub(crate) fn upgrade_until(&self, share: Option<Instant>, upgrade: Option<Instant>) -> bool {
        if !self.lock.lock_upgradable(share) {
            return false;
        }
        let before = self.get();
        // SAFETY: acquired above.
        let upgraded = unsafe { self.lock.upgrade(upgrade) };
        assert_eq!(self.get(), before, "another writer came between");
        if upgraded {
            self.add();
            // SAFETY: upgraded above.
            unsafe { self.lock.unlock_exclusive() };
        } else {
            // SAFETY: the upgrade failed, so the share is still held.
            unsafe { self.lock.unlock_upgradable() };
        }
        upgraded
    }

    pub(crate) fn upgrade(&self) {
        assert!(self.upgrade_until(None, None), "waits for ever");
    }

    /// Counts up, and reads that as a reader: no other writer comes between.
    pub(crate) fn downgrade(&self) -> u32 {
        assert!(self.lock.lock_exclusive(None));
        self.add();
        let written = self.get();
        // SAFETY: acquired above.
        unsafe { self.lock.downgrade() };
        assert_eq!(self.get(), written, "another writer came between");
        // SAFETY: downgraded above.
        unsafe { self.lock.unlock_shared() };
        written
    }

    /// The end of a scene: nobody is left behind, `writes` writes were made, and the word is idle
    /// again after one more.
    pub(crate) fn check(&self, writes: u32) {
        assert_eq!(self.lock.readers(), 0, "{:?}", self.lock);
        assert_eq!(self.lock.blocked_readers(), 0, "{:?}", self.lock);
        assert_eq!(self.lock.waiting_writers(), 0, "{:?}", self.lock);
        assert!(self.lock.try_lock_exclusive(), "{:?}", self.lock);
        assert_eq!(self.get(), writes);
        // SAFETY: acquired above.
        unsafe { self.lock.unlock_exclusive() };
        let idle = "Core { state: 0 active, 0 blocked, 0 waiting, .. }";
        assert_eq!(format!("{:?}", self.lock), idle);
    }
}

#[allow(clippy::unnecessary_wraps, reason = "what waits take")]
pub(crate) fn ticks_from_now(ticks: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(ticks))
}

/// Lets the others run until `condition` holds.
pub(crate) fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

/// Moves the clock for as long as the others need, which is not for ever.
pub(crate) fn pass_time_until(over: &AtomicBool) {
    for _ in 0..1_000 {
        if over.load(Ordering::Acquire) {
            return;
        }
        advance(1);
        thread::yield_now();
    }
    panic!("no time is enough");
}

/// Starts a thread that shares `locked`.
pub(crate) fn start<P: Policy, T: Send + 'static>(
    locked: &Arc<Locked<P>>,
    body: impl FnOnce(&Locked<P>) -> T + Send + 'static,
) -> JoinHandle<T> {
    let locked = Arc::clone(locked);
    thread::spawn(move || body(&locked))
}
