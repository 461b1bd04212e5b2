//! The biased lock on threads' slots, and `lock_api`'s traits for it.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::time::{Duration, Instant};

use super::bias::{Bias, Slot};
use super::policy::Inhibition;
use crate::lock::after;
use crate::policy::{Bounded, Policy};
use crate::raw::Core;
use crate::registry::{self, Block};

/// A [`RawRwLock`](crate::RawRwLock) with slots for its readers; see the [module](super).
///
/// Memory ordering and progress are [`Core`]'s. Cost of a read and its release while biased: two
/// stores and three loads of the thread's own lines and of one that nobody writes.
///
/// A read guard that is forgotten ([`mem::forget`](core::mem::forget)) holds the lock for ever, as
/// in every lock, and one of its thread's four slots until the lock is dropped.
///
/// ```
/// use latchwork_rwlock::biased::ReadBiased;
///
/// static SCHEMA: ReadBiased<Vec<&str>> = ReadBiased::new(Vec::new());
/// SCHEMA.write().push("accounts");
/// for _ in 0..1000 {
///     assert_eq!(SCHEMA.read().len(), 1);
/// }
/// ```
#[derive(Debug)]
#[repr(C)]
pub struct RawReadBiased<P = Bounded> {
    // In a lock at the beginning of a cache line, what every reader looks at first has that line,
    // which changes with the bias alone; the lock below shares the next one with the value.
    bias: Bias,
    /// What slots know the lock by; 0 until it is first biased.
    number: AtomicUsize,
    inhibition: Inhibition,
    rest_of_line: [u64; 2],
    core: Core<P>,
}

/// A reader/writer lock whose readers don't meet while nobody writes; see the [module](super) for
/// when, and [`RawReadBiased`] for what it costs.
///
/// `ReadBiased::new` is `const` and takes the policy's default settings; for others use `from_raw`
/// with [`RawReadBiased::with_policy`]. Its methods are those of
/// [`RwLock`](crate::RwLock), without upgradable shares and patient writes.
pub type ReadBiased<T, P = Bounded> = lock_api::RwLock<RawReadBiased<P>, T>;

/// How many readers a writer waits for, one after the other, before it keeps new ones out again.
const MOST_FOLLOWED: usize = 8;

/// How a reader holds the lock.
#[derive(Debug)]
pub struct Share {
    /// By this slot; none by a share of the lock below.
    slot: Option<&'static Slot>,
}

impl<P: Policy> RawReadBiased<P> {
    /// A free lock with the policy's default settings, not biased yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_policy(P::DEFAULT)
    }

    /// A free lock, not biased yet.
    pub const fn with_policy(policy: P) -> Self {
        Self {
            bias: Bias::new(),
            number: AtomicUsize::new(0),
            inhibition: Inhibition::new(),
            rest_of_line: [0; 2],
            core: Core::new(policy),
        }
    }

    /// The lock below: its counts are there, but for the readers in slots.
    pub fn core(&self) -> &Core<P> {
        &self.core
    }

    /// Whether readers may take slots just now. It may have changed by the time the answer is
    /// there.
    pub fn is_biased(&self) -> bool {
        self.bias.is_on()
    }

    /// The lock's name in slots; 0 for none.
    #[inline]
    fn name(&self) -> usize {
        // Relaxed: a number orders nothing.
        self.number.load(Ordering::Relaxed)
    }

    #[inline]
    fn enter(&self) -> Option<Share> {
        if !self.bias.is_on() {
            return None;
        }
        let name = self.name();
        if name == 0 {
            // It was given before the bias was turned on, and isn't seen yet.
            return None;
        }
        let slots = &registry::own_block()?.slots;
        slots.iter().find(|slot| self.bias.enter(slot, name)).map(|slot| Share { slot: Some(slot) })
    }

    /// Holds a share of the lock below.
    #[inline]
    fn by_share(&self) -> Share {
        if self.inhibition.allows() && !self.bias.is_on() {
            registry::number(&self.number);
            self.bias.turn_on();
        }
        Share { slot: None }
    }

    #[inline]
    fn read(&self, deadline: Option<Instant>) -> Option<Share> {
        self.enter().or_else(|| self.core.lock_shared(deadline).then(|| self.by_share()))
    }

    #[inline]
    fn try_read(&self) -> Option<Share> {
        self.enter().or_else(|| self.core.try_lock_shared().then(|| self.by_share()))
    }

    #[inline]
    fn write(&self, deadline: Option<Instant>) -> bool {
        self.core.lock_exclusive(deadline) && (!self.bias.is_on() || self.revoke(deadline))
    }

    /// Takes the bias back, as the writer; false if the deadline passed, and then the caller
    /// doesn't hold the lock.
    #[cold]
    fn revoke(&self, deadline: Option<Instant>) -> bool {
        let policy = self.core.policy();
        let start = Instant::now();
        let urgent_at = policy.longest_writer_wait().and_then(|wait| start.checked_add(wait));
        let mut now = start;
        loop {
            let urgent = urgent_at.is_some_and(|at| now >= at);
            let patience = policy.patience().filter(|_| !urgent);
            let gives_way_at = patience.and_then(|patience| now.checked_add(patience));
            let until = deadline.into_iter().chain(gives_way_at).min();
            let slot = match self.take_bias(until) {
                Ok(()) => return true,
                Err(slot) => slot,
            };
            now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return false;
            }
            let again = now.checked_add(policy.cool_down());
            if self.follow_readers(slot, deadline.into_iter().chain(again).min()) {
                return true;
            }
            if !self.core.lock_exclusive(deadline) {
                return false;
            }
            if !self.bias.is_on() {
                return true;
            }
            now = Instant::now();
        }
    }

    /// Takes the bias back, as the writer. If a reader stays in its slot until the moment, gives
    /// the lock back, the bias on.
    fn take_bias(&self, until: Option<Instant>) -> Result<(), &'static Slot> {
        let begun = Instant::now();
        let result = self.bias.revoke(self.name(), all_slots(), until);
        if result.is_ok() {
            self.inhibition.revoked(begun);
        } else {
            // SAFETY: the write lock was taken by the caller.
            unsafe { self.core.unlock_exclusive_fair() };
        }
        result
    }

    /// Waits without keeping anybody out until the reader in a slot has left, then for the next
    /// that is found in one, and takes the lock if there is none; whether it was taken before the
    /// moment.
    fn follow_readers(&self, mut slot: &'static Slot, moment: Option<Instant>) -> bool {
        for _ in 0..MOST_FOLLOWED {
            if !self.bias.watch(slot, self.name(), moment) {
                return false;
            }
            if let Some(other) = all_slots().find(|slot| slot.has(self.name())) {
                slot = other;
                continue;
            }
            if !self.core.try_lock_exclusive() {
                break;
            }
            if !self.bias.is_on() {
                return true;
            }
            match self.take_bias(Some(Instant::now())) {
                Ok(()) => return true,
                Err(other) => slot = other,
            }
        }
        // Readers overlap: the lock is not to be had without keeping them out.
        if let Some(moment) = moment {
            self.bias.sleep_until(moment);
        }
        false
    }

    /// As `write`, without waiting: a reader in a slot is one that holds the lock.
    #[inline]
    fn try_write(&self) -> bool {
        self.core.try_lock_exclusive() && (!self.bias.is_on() || self.try_revoke())
    }

    #[cold]
    fn try_revoke(&self) -> bool {
        self.take_bias(Some(Instant::now())).is_ok()
    }

    /// Whether a reader holds the lock by a slot.
    fn is_in_a_slot(&self) -> bool {
        let name = self.name();
        name != 0 && all_slots().any(|slot| slot.has(name))
    }
}

/// The slots of all threads.
fn all_slots() -> impl Iterator<Item = &'static Slot> {
    registry::ALL.blocks().flat_map(|block: &'static Block| &block.slots)
}

impl<P> Drop for RawReadBiased<P> {
    fn drop(&mut self) {
        // Relaxed: nobody else has the lock.
        let name = self.number.load(Ordering::Relaxed);
        if name != 0 {
            all_slots().for_each(|slot| slot.clear(name));
        }
    }
}

impl<P: Policy> Default for RawReadBiased<P> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: B1 to B3 of `bias`: a writer holds the lock below, and the bias is off, so that nobody
// holds a slot; the lock below excludes all others.
unsafe impl<P: Policy> lock_api::RawRwLock for RawReadBiased<P> {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's way to a const new")]
    const INIT: Self = Self::new();

    type SharedGuard = Share;
    type ExclusiveGuard = lock_api::GuardSend;

    #[inline]
    fn lock_shared(&self) -> Share {
        let share = self.read(None);
        debug_assert!(share.is_some(), "only a deadline ends a wait without the lock");
        // SAFETY: it is none only where a deadline passed, and there was none.
        unsafe { share.unwrap_unchecked() }
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<Share> {
        self.try_read()
    }

    #[inline]
    unsafe fn unlock_shared(&self, share: Share) {
        match share.slot {
            Some(slot) => self.bias.leave(slot),
            // SAFETY: the caller's promise: the share is one of the lock below.
            None => unsafe { self.core.unlock_shared() },
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> lock_api::GuardSend {
        let held = self.write(None);
        debug_assert!(held, "only a deadline ends a wait without the lock");
        lock_api::GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<lock_api::GuardSend> {
        self.try_write().then(lock_api::GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: lock_api::GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_exclusive() }
    }

    fn is_locked(&self) -> bool {
        self.core.is_locked() || self.is_in_a_slot()
    }

    fn is_locked_exclusive(&self) -> bool {
        self.core.is_locked_exclusive()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> lock_api::RawRwLockFair for RawReadBiased<P> {
    /// As the plain unlock: the next writer is woken, and may be overtaken.
    #[inline]
    unsafe fn unlock_shared_fair(&self, share: Share) {
        // SAFETY: the caller's promise.
        unsafe { lock_api::RawRwLock::unlock_shared(self, share) }
    }

    /// Hands the lock to the readers that wait, before any other writer.
    #[inline]
    unsafe fn unlock_exclusive_fair(&self, _guard: lock_api::GuardSend) {
        // SAFETY: the caller's promise.
        unsafe { self.core.unlock_exclusive_fair() }
    }
}

// SAFETY: as for `RawRwLock`; the change is one step, with no other writer between.
unsafe impl<P: Policy> lock_api::RawRwLockDowngrade for RawReadBiased<P> {
    #[inline]
    unsafe fn downgrade(&self, _guard: lock_api::GuardSend) -> Share {
        // SAFETY: the caller's promise.
        unsafe { self.core.downgrade() };
        Share { slot: None }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<P: Policy> lock_api::RawRwLockTimed for RawReadBiased<P> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<Share> {
        self.try_read().or_else(|| self.read(after(timeout)))
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<Share> {
        self.read(Some(timeout))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<lock_api::GuardSend> {
        (self.try_write() || self.write(after(timeout))).then(lock_api::GuardSend::new)
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<lock_api::GuardSend> {
        self.write(Some(timeout)).then(lock_api::GuardSend::new)
    }
}
