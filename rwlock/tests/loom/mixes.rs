//! Every pair and every triple of the lock's operations: exclusion, nobody left behind, and the
//! counts that the results say.

use latchwork_rwlock::Policy;
use latchwork_sync::model::{Model, Scene, advance};
use latchwork_sync::time::Instant;

use crate::scene::{
    CANCEL_FORGETS_READERS, DOWNGRADE_LETS_GO, Locked, SOUND, TIMED_READ_STAYS_COUNTED, Ticks,
    UPGRADE_LETS_GO, WRITER_IGNORES_READERS, WRITER_IS_SILENT, start, ticks_from_now,
};

/// An operation: how many writes it made.
type Operation<P> = fn(&Locked<P>, Option<Instant>) -> u32;

const OPERATIONS: usize = 7;

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
        |locked, _| {
            locked.upgrade();
            1
        },
        |locked, deadline| locked.upgrade_until(deadline, deadline).into(),
        |locked, _| {
            locked.downgrade();
            1
        },
    ]
}

/// Bounded writer priority with everything on, with a defect.
type All<const FAULT: u8 = SOUND> = Ticks<1, 1, FAULT>;

/// The `N`th choice of so many operations, whose order doesn't matter, side by side. The clock
/// moves once, which ends every deadline and patience.
fn mix<const FAULT: u8, const CHOSEN: usize, const N: usize>() -> String {
    let chosen = combination::<CHOSEN>(N);
    let locked = Locked::<All<FAULT>>::new();
    let deadline = ticks_from_now(1);
    let threads = chosen.map(|which| {
        let operation = operations::<All<FAULT>>()[which];
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

/// The name of a choice.
fn name<const CHOSEN: usize>(n: usize) -> &'static str {
    let names: Vec<_> = combination::<CHOSEN>(n).iter().map(|&which| NAMES[which]).collect();
    names.join("_and_").leak()
}

/// For each operation a pair with a defect that shows in it.
macro_rules! twins {
    ($($n:literal: $bug:literal $fault:ident;)*) => {
        [$((name::<2>($n), $bug, mix::<$fault, 2, $n> as Scene)),*]
    };
}

macro_rules! mixes {
    ($chosen:literal: $($n:literal)*) => {
        [$((name::<$chosen>($n), mix::<SOUND, $chosen, $n> as Scene)),*]
    };
}

/// The model of a choice, under the least bound that shows its twins and mutants.
fn model((name, scene): (&'static str, Scene)) -> Model {
    let model = Model::new(name, scene).random_under_shuttle(2_000);
    match name {
        // Readers alone hardly meet.
        "read_and_read" | "read_and_timed_read" | "timed_read_and_timed_read" => model,
        "read_and_timed_upgrade"
        | "read_and_downgrade"
        | "write_and_timed_write"
        | "timed_write_and_downgrade"
        | "downgrade_and_downgrade" => model.bound(2),
        _ => model.bound(1),
    }
}

pub(crate) fn models() -> Vec<Model> {
    let pairs = mixes!(2:
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27
    );
    let triples = mixes!(3:
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
        34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
        65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83
    );
    let twins = twins! {
        1: "writer_ignores_readers" WRITER_IGNORES_READERS;
        7: "writer_is_silent" WRITER_IS_SILENT;
        8: "timed_read_stays_counted" TIMED_READ_STAYS_COUNTED;
        9: "cancel_forgets_readers" CANCEL_FORGETS_READERS;
        10: "upgrade_lets_go" UPGRADE_LETS_GO;
        5: "cancel_forgets_readers" CANCEL_FORGETS_READERS;
        12: "downgrade_lets_go" DOWNGRADE_LETS_GO;
    };
    let with_twins = |(n, model): (usize, Model)| {
        let own = twins.iter().filter(|(pair, ..)| *pair == name::<2>(n));
        own.fold(model, |model, &(_, bug, scene)| model.twin(bug, scene))
    };
    let pairs = pairs.map(model).into_iter().enumerate().map(with_twins);
    pairs.chain(triples.map(model)).collect()
}
