//! Every pair and every triple of the lock's operations: exclusion, nobody left behind, and the
//! counts that the results say.

use latchwork_rwlock::Policy;
use latchwork_sync::model::{Model, Scene, advance};
use latchwork_sync::time::Instant;

use crate::scene::{Locked, Ticks, start, ticks_from_now};

/// An operation: how many writes it made.
type Operation<P> = fn(&Locked<P>, Option<Instant>) -> u32;

const OPERATIONS: usize = 7;

/// Gives up while it upgrades, if another reads; else writes.
fn timed_upgrade<P: Policy>(locked: &Locked<P>, deadline: Option<Instant>) -> u32 {
    if !locked.lock.lock_upgradable(deadline) {
        return 0;
    }
    let before = locked.get();
    // SAFETY: acquired above.
    let upgraded = unsafe { locked.lock.upgrade(deadline) };
    assert_eq!(locked.get(), before, "another writer came between");
    if upgraded {
        locked.add();
        // SAFETY: upgraded above.
        unsafe { locked.lock.unlock_exclusive() };
    } else {
        // SAFETY: the upgrade failed, so the share is still held.
        unsafe { locked.lock.unlock_upgradable() };
    }
    upgraded.into()
}

fn downgrade<P: Policy>(locked: &Locked<P>) -> u32 {
    assert!(locked.lock.lock_exclusive(None));
    locked.add();
    let written = locked.get();
    // SAFETY: acquired above.
    unsafe { locked.lock.downgrade() };
    assert_eq!(locked.get(), written, "another writer came between");
    // SAFETY: downgraded above.
    unsafe { locked.lock.unlock_shared() };
    1
}

/// Read, write, both with a deadline, upgrade, upgrade that may be cancelled, downgrade.
fn operations<P: Policy>() -> [Operation<P>; OPERATIONS] {
    [
        |locked, _| {
            locked.read();
            0
        },
        |locked, _| {
            locked.write();
            1
        },
        |locked, deadline| {
            locked.read_until(deadline);
            0
        },
        |locked, deadline| locked.write_until(deadline).into(),
        |locked, _| timed_upgrade(locked, None),
        timed_upgrade,
        |locked, _| downgrade(locked),
    ]
}

/// Bounded writer priority with everything on.
type All = Ticks<1, 1>;

/// The `N`th choice of so many operations, whose order doesn't matter, side by side. The clock
/// moves once, which ends every deadline and patience.
fn mix<const CHOSEN: usize, const N: usize>() -> String {
    let chosen = combination::<CHOSEN>(N);
    let locked = Locked::<All>::new();
    let deadline = ticks_from_now(1);
    let threads = chosen.map(|which| {
        let operation = operations::<All>()[which];
        start(&locked, move |locked| operation(locked, deadline))
    });
    advance(1);
    let writes = threads.map(|thread| thread.join().unwrap());
    locked.check(writes.iter().sum());
    format!("{writes:?}")
}

/// The `n`th non-decreasing choice of numbers below `OPERATIONS`.
const fn combination<const CHOSEN: usize>(n: usize) -> [usize; CHOSEN] {
    let mut chosen = [0; CHOSEN];
    let mut left = n;
    while left > 0 {
        left -= 1;
        let mut place = CHOSEN - 1;
        while chosen[place] == OPERATIONS - 1 {
            place -= 1;
        }
        let next = chosen[place] + 1;
        while place < CHOSEN {
            chosen[place] = next;
            place += 1;
        }
    }
    chosen
}

const NAMES: [&str; OPERATIONS] =
    ["read", "write", "timed_read", "timed_write", "upgrade", "timed_upgrade", "downgrade"];

/// The scenes with their names, built once and kept.
fn scenes<const CHOSEN: usize>(scenes: &[Scene]) -> Vec<(&'static str, Scene)> {
    let name = |n: usize| {
        let names: Vec<_> = combination::<CHOSEN>(n).iter().map(|&which| NAMES[which]).collect();
        names.join("_and_").leak() as &'static str
    };
    scenes.iter().enumerate().map(|(n, scene)| (name(n), *scene)).collect()
}

macro_rules! mixes {
    ($chosen:literal: $($n:literal)*) => { scenes::<$chosen>(&[$(mix::<$chosen, $n>),*]) };
}

pub(crate) fn models() -> Vec<Model> {
    let pairs =
        mixes!(2: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27);
    let triples = mixes!(3:
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
        34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
        65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83
    );
    let model = |bound: usize| {
        move |(name, scene): (&'static str, Scene)| {
            Model::new(name, scene).bound(bound).random_under_shuttle(2_000)
        }
    };
    pairs.into_iter().map(model(2)).chain(triples.into_iter().map(model(1))).collect()
}
