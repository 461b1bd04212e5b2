//! A number behind the lock as an object whose histories can be checked.

use latchwork_linearize::{Spec, play};
use latchwork_rwlock::Policy;
use latchwork_rwlock::raw::Core;
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::time::{Duration, Instant};
use proptest::prelude::*;

/// An operation on the number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Read,
    ReadWithin(u8),
    TryRead,
    Add,
    AddWithin(u8),
    TryAdd,
    /// Adds, and reads after a downgrade.
    AddThenRead,
    /// Reads upgradably, and adds if nobody reads for so long.
    ReadThenAddWithin(u8),
    /// Lets time pass.
    Wait,
}

/// What an operation returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    /// What it read, or made of the number.
    Value(u32),
    /// It read this and didn't add.
    OnlyRead(u32),
    /// It didn't get in, and did nothing.
    Nothing,
}

/// The number, which starts at 0. An operation with a limit may do nothing, and leaves no trace.
#[derive(Debug)]
struct Number;

impl Spec for Number {
    type State = u32;
    type Call = Call;
    type Return = Return;

    fn start(&self) -> u32 {
        0
    }

    fn next(&self, &state: &u32, call: &Call, returned: Option<&Return>) -> Vec<u32> {
        let reads = matches!(call, Call::Read | Call::ReadWithin(_) | Call::TryRead);
        let next = if reads { state } else { state + 1 };
        let may_fail = !matches!(call, Call::Read | Call::Add | Call::AddThenRead);
        match returned {
            Some(Return::Nothing) if may_fail => vec![state],
            Some(Return::OnlyRead(value)) if *value == state => vec![state],
            Some(Return::Value(value)) if *value == next => vec![next],
            None => vec![next],
            _ => vec![],
        }
    }
}

struct Locked<P> {
    core: Core<P>,
    number: AtomicU32,
}

impl<P: Policy> Locked<P> {
    fn get(&self) -> u32 {
        // Relaxed, both: the lock orders them.
        self.number.load(Ordering::Relaxed)
    }

    fn add(&self) -> u32 {
        let next = self.get() + 1;
        self.number.store(next, Ordering::Relaxed);
        next
    }

    fn reading(&self, held: bool) -> Return {
        if !held {
            return Return::Nothing;
        }
        let value = self.get();
        // SAFETY: the caller holds a share.
        unsafe { self.core.unlock_shared() };
        Return::Value(value)
    }

    fn adding(&self, held: bool) -> Return {
        if !held {
            return Return::Nothing;
        }
        let value = self.add();
        // SAFETY: the caller holds the write lock.
        unsafe { self.core.unlock_exclusive() };
        Return::Value(value)
    }

    fn run(&self, call: Call) -> Return {
        match call {
            Call::Read => self.reading(self.core.lock_shared(None)),
            Call::ReadWithin(time) => self.reading(self.core.lock_shared(soon(time))),
            Call::TryRead => self.reading(self.core.try_lock_shared()),
            Call::Add => self.adding(self.core.lock_exclusive(None)),
            Call::AddWithin(time) => self.adding(self.core.lock_exclusive(soon(time))),
            Call::TryAdd => self.adding(self.core.try_lock_exclusive()),
            Call::AddThenRead => {
                assert!(self.core.lock_exclusive(None), "waits for ever");
                self.add();
                // SAFETY: acquired above.
                unsafe { self.core.downgrade() };
                self.reading(true)
            }
            Call::ReadThenAddWithin(time) => {
                if !self.core.lock_upgradable(soon(time)) {
                    return Return::Nothing;
                }
                let value = self.get();
                // SAFETY: acquired above.
                if unsafe { self.core.upgrade(soon(time)) } {
                    return self.adding(true);
                }
                // SAFETY: the upgrade failed, so the share is still held.
                unsafe { self.core.unlock_upgradable() };
                Return::OnlyRead(value)
            }
            Call::Wait => {
                pass_time();
                Return::Nothing
            }
        }
    }
}

/// A tick of the model's clock, or a moment of the machine's.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn pass_time() {
    latchwork_sync::model::advance(1);
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn pass_time() {
    std::thread::sleep(TICK);
}

const TICK: Duration = if cfg!(any(latchwork_loom, latchwork_shuttle)) {
    Duration::from_millis(1)
} else {
    Duration::from_micros(2)
};

fn soon(ticks: u8) -> Option<Instant> {
    Instant::now().checked_add(TICK * u32::from(ticks))
}

/// Plays the calls on a lock, and tells why the history has no order, if it has none.
pub(crate) fn history<P: Policy>(policy: P, lists: Vec<Vec<Call>>) -> Result<(), String> {
    let locked = Arc::new(Locked { core: Core::new(policy), number: AtomicU32::new(0) });
    let history = play(lists, move |_| {
        let locked = Arc::clone(&locked);
        move |call: &Call| locked.run(*call)
    });
    history.check(&Number).map(drop).map_err(|violation| violation.to_string())
}

/// Any call.
pub(crate) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => Just(Call::Read),
        2 => (0..4_u8).prop_map(Call::ReadWithin),
        1 => Just(Call::TryRead),
        2 => Just(Call::Add),
        2 => (0..4_u8).prop_map(Call::AddWithin),
        1 => Just(Call::TryAdd),
        1 => Just(Call::AddThenRead),
        1 => (0..4_u8).prop_map(Call::ReadThenAddWithin),
        2 => Just(Call::Wait),
    ]
}
