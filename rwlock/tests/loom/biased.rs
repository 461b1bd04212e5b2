//! The bias: readers in slots and writers that take it back.

use latchwork_rwlock::Policy as _;
use latchwork_rwlock::biased::{Bias, Slot};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, advance};
use latchwork_sync::thread;
use latchwork_sync::time::Instant;

use crate::scene::{Unbounded, ticks_from_now};

type Core = latchwork_rwlock::raw::Core<Unbounded>;

const NAME: usize = 8;

/// A biased lock around a counter, with two slots.
struct Locked {
    bias: Bias,
    slots: [Slot; 2],
    core: Core,
    value: UnsafeCell<u32>,
}

// SAFETY: the scenes share it on purpose: loom reports accesses that race.
unsafe impl Sync for Locked {}
// SAFETY: the value is a plain integer.
unsafe impl Send for Locked {}

impl Locked {
    fn new() -> Arc<Self> {
        let locked = Self {
            bias: Bias::new(),
            slots: [Slot::new(), Slot::new()],
            core: Core::new(<Unbounded>::DEFAULT),
            value: UnsafeCell::new(0),
        };
        locked.bias.turn_on();
        Arc::new(locked)
    }

    fn get(&self) -> u32 {
        // SAFETY: loom fails the scene where this races.
        self.value.with(|value| unsafe { *value })
    }

    fn add(&self) {
        // SAFETY: loom fails the scene where this races.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    /// Reads by a slot, or below, where it turns the bias on.
    fn read(&self, slot: usize) -> u32 {
        let slot = &self.slots[slot];
        if self.bias.is_on() && self.bias.enter(slot, NAME) {
            let seen = self.get();
            self.bias.leave(slot);
            return seen;
        }
        self.read_below()
    }

    fn read_below(&self) -> u32 {
        assert!(self.core.lock_shared(None));
        self.bias.turn_on();
        let seen = self.get();
        // SAFETY: acquired above.
        unsafe { self.core.unlock_shared() };
        seen
    }

    fn revoke(&self, deadline: Option<Instant>) -> bool {
        self.bias.revoke(NAME, self.slots.iter(), deadline).is_ok()
    }

    /// Counts up, if the readers leave in time.
    fn write(&self, deadline: Option<Instant>) -> bool {
        assert!(self.core.lock_exclusive(None));
        let revoked = !self.bias.is_on() || self.revoke(deadline);
        if revoked {
            self.add();
        }
        // SAFETY: acquired above.
        unsafe { self.core.unlock_exclusive() };
        revoked
    }
}

fn start<T: Send + 'static>(
    locked: &Arc<Locked>,
    body: impl FnOnce(&Locked) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let locked = Arc::clone(locked);
    thread::spawn(move || body(&locked))
}

/// A reader in its slot, or not yet, against a writer.
fn revocation_waits_for_the_reader() -> String {
    let locked = Locked::new();
    let reader = start(&locked, |locked| locked.read(0));
    assert!(locked.write(None));
    let seen = reader.join().unwrap();
    assert_eq!(locked.get(), 1);
    seen.to_string()
}

/// A reader that doesn't look at the bias again after it has entered.
fn reader_that_trusts_its_first_look() -> String {
    let locked = Locked::new();
    let reader = start(&locked, |locked| {
        let entered = locked.bias.is_on();
        if entered {
            locked.bias.enter(&locked.slots[0], NAME);
            locked.get();
            locked.bias.leave(&locked.slots[0]);
        }
        entered
    });
    assert!(locked.write(None));
    reader.join().unwrap().to_string()
}

/// A writer that looks for no reader.
fn writer_that_only_turns_it_off() -> String {
    let locked = Locked::new();
    let reader = start(&locked, |locked| locked.read(0));
    assert!(locked.core.lock_exclusive(None));
    assert!(locked.bias.revoke(NAME, core::iter::empty(), None).is_ok());
    locked.add();
    // SAFETY: acquired above.
    unsafe { locked.core.unlock_exclusive() };
    reader.join().unwrap().to_string()
}

/// The bias is turned on again after a write: who enters then sees the write. `BEFORE` turns it on
/// before it has a share.
fn bias_turned_on_shows_the_write<const BEFORE: bool>() -> String {
    let locked = Locked::new();
    let reader = start(&locked, |locked| locked.read(0));
    if BEFORE {
        let early = start(&locked, |locked| locked.bias.turn_on());
        assert!(locked.write(None));
        early.join().unwrap();
    } else {
        assert!(locked.write(None));
    }
    assert_eq!(locked.read_below(), 1);
    let seen = reader.join().unwrap();
    seen.to_string()
}

/// The writer gives up on a reader that stays, and the bias is as before; the next one gets in.
/// `WRITES` where it has given up too.
fn revocation_times_out<const WRITES: bool>() -> String {
    let locked = Locked::new();
    let deadline = ticks_from_now(1);
    // The readers first: the explorer's barrier doesn't reach threads that start after it.
    let reader = start(&locked, |locked| locked.read(0));
    let writer = start(&locked, move |locked| {
        let wrote = locked.write(deadline);
        if WRITES && !wrote {
            locked.add();
        }
        wrote
    });
    advance(1);
    let wrote = writer.join().unwrap();
    let seen = reader.join().unwrap();
    assert!(locked.write(None));
    assert_eq!(locked.get(), 1 + u32::from(wrote || WRITES));
    format!("{wrote} {seen}")
}

/// A writer that comes after a write and gives up leaves the bias on: who enters by that sees the
/// write. `WRITES` where it has given up too.
fn bias_left_on_shows_the_write<const WRITES: bool>() -> String {
    let locked = Locked::new();
    let reader = start(&locked, |locked| locked.read(0));
    let impatient = start(&locked, |locked| {
        let wrote = locked.write(ticks_from_now(0));
        if WRITES && !wrote {
            locked.add();
        }
        wrote
    });
    assert!(locked.write(None));
    locked.read_below();
    let stays = locked.bias.enter(&locked.slots[1], NAME);
    let wrote = impatient.join().unwrap();
    if stays {
        locked.bias.leave(&locked.slots[1]);
    }
    let seen = reader.join().unwrap();
    assert_eq!(locked.get(), 1 + u32::from(wrote));
    format!("{wrote} {seen}")
}

/// A share that another thread gives back, and a slot that is used again by its owner: a writer
/// that finds the later name knows that the earlier reader is gone. `EARLY` gives it back before it
/// has read.
fn slot_is_freed_by_another_thread<const EARLY: bool>() -> String {
    let locked = Locked::new();
    assert!(locked.bias.enter(&locked.slots[0], NAME));
    let other = start(&locked, |locked| {
        if EARLY {
            locked.bias.leave(&locked.slots[0]);
            locked.get();
        } else {
            locked.get();
            locked.bias.leave(&locked.slots[0]);
        }
    });
    let writer = start(&locked, |locked| locked.write(None));
    // For another lock, whose bias is on.
    let second = Bias::new();
    second.turn_on();
    let entered = second.enter(&locked.slots[0], 2 * NAME);
    if entered {
        second.leave(&locked.slots[0]);
    }
    assert!(writer.join().unwrap());
    other.join().unwrap();
    entered.to_string()
}

/// Two readers in slots of their own. `ONE`: the writer looks at one of them only.
fn two_readers_and_a_writer<const ONE: bool>() -> String {
    let locked = Locked::new();
    let other = start(&locked, |locked| locked.read(1));
    let writer = start(&locked, |locked| {
        assert!(locked.core.lock_exclusive(None));
        let slots = if ONE { &locked.slots[1..] } else { &locked.slots[..] };
        if locked.bias.is_on() {
            assert!(locked.bias.revoke(NAME, slots.iter(), None).is_ok());
        }
        locked.add();
        // SAFETY: acquired above.
        unsafe { locked.core.unlock_exclusive() };
    });
    let seen = locked.read(0);
    writer.join().unwrap();
    format!("{seen} {}", other.join().unwrap())
}

/// Writes, once the readers that are found in slots have left, each of which tells.
fn follow_readers<'a>(locked: &'a Locked, mut slot: &'a Slot) {
    loop {
        locked.bias.watch(slot, NAME, None);
        if let Some(other) = locked.slots.iter().find(|slot| slot.has(NAME)) {
            slot = other;
        } else if locked.write(ticks_from_now(0)) {
            return;
        }
    }
}

/// A writer that gives way with the bias on is woken by the reader that was in its way, and only
/// by that one: no time passes. `MUTE` is the reader that doesn't tell.
fn reader_wakes_the_writer_that_gave_way<const MUTE: bool>() -> String {
    let locked = Locked::new();
    assert!(locked.bias.enter(&locked.slots[0], NAME));
    let other = start(&locked, |locked| locked.read(1));
    let writer = start(&locked, |locked| follow_readers(locked, &locked.slots[0]));
    locked.get();
    if MUTE {
        // As another bias, which nobody watches.
        Bias::new().leave(&locked.slots[0]);
    } else {
        locked.bias.leave(&locked.slots[0]);
    }
    writer.join().unwrap();
    let seen = other.join().unwrap();
    assert_eq!(locked.get(), 1);
    seen.to_string()
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("revocation_waits_for_the_reader", revocation_waits_for_the_reader)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("reader_trusts_its_first_look", reader_that_trusts_its_first_look)
            .twin("writer_only_turns_it_off", writer_that_only_turns_it_off),
        Model::new("revocation_symmetric", revocation_waits_for_the_reader)
            .symmetric_fences()
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("reader_trusts_its_first_look", reader_that_trusts_its_first_look),
        Model::new("bias_turned_on_shows_the_write", bias_turned_on_shows_the_write::<false>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("turned_on_without_a_share", bias_turned_on_shows_the_write::<true>),
        Model::new("revocation_times_out", revocation_times_out::<false>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("writes_all_the_same", revocation_times_out::<true>),
        Model::new("bias_left_on_shows_the_write", bias_left_on_shows_the_write::<false>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("writes_all_the_same", bias_left_on_shows_the_write::<true>),
        Model::new("slot_is_freed_by_another_thread", slot_is_freed_by_another_thread::<false>)
            .bound(2)
            .random_under_shuttle(20_000)
            .twin("leaves_before_it_reads", slot_is_freed_by_another_thread::<true>),
        Model::new("two_readers_and_a_writer_biased", two_readers_and_a_writer::<false>)
            .bound(1)
            .random_under_shuttle(20_000)
            .twin("writer_looks_at_one_slot", two_readers_and_a_writer::<true>),
        Model::new(
            "reader_wakes_the_writer_that_gave_way",
            reader_wakes_the_writer_that_gave_way::<false>,
        )
        .bound(1)
        .random_under_shuttle(20_000)
        .twin("reader_is_mute", reader_wakes_the_writer_that_gave_way::<true>),
    ]
}
