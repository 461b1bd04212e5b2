//! The shapes that every paper on weak memory draws, and those on which stock loom is blind.
//!
//! Names as in Alglave, Maranget, Tautschnig, "Herding Cats" (2014).

use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::program::{Program, Step};

const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

/// A shape with its orderings.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name in the literature, or what it shows.
    pub name: &'static str,
    /// The orderings of its accesses, or the fence between the two accesses of each thread.
    pub variant: &'static str,
    /// The program.
    pub program: Program,
}

/// In what loom, even corrected, is known to differ from C11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// A read-modify-write, and a failing exchange, reads the newest write in the modification
    /// order at the time it runs. C11 lets a relaxed one, and one that is not ordered otherwise,
    /// come earlier in that order. Outcomes are missing: such a model may miss a bug in which an
    /// update takes place before a write that its thread has not yet heard of.
    NewestReadByUpdates,
    /// A sequentially consistent access counts as one with acquire and release. Outcomes are
    /// added: a correct program may be blamed. Fences are exact, and the family uses only these.
    WeakSeqCstAccesses,
    /// A sequentially consistent fence synchronises with those that come after it. C11 only
    /// orders them. Races on cells that nothing but the order of two fences prevents go unseen.
    SynchronisingSeqCstFences,
}

/// The list of known deviations.
pub const DEVIATIONS: [Deviation; 3] = [
    Deviation::NewestReadByUpdates,
    Deviation::WeakSeqCstAccesses,
    Deviation::SynchronisingSeqCstFences,
];

/// What loom can't show at all; no shape depends on it.
pub const ABSENT: [&str; 4] = [
    "load buffering (nor does RC11)",
    "spurious failure of compare_exchange_weak",
    "more than seven writes of history for each word",
    "more than five threads",
];

struct Strength {
    name: &'static str,
    load: Ordering,
    store: Ordering,
    fence: Option<Ordering>,
}

const STRENGTHS: [Strength; 5] = [
    Strength { name: "relaxed", load: Relaxed, store: Relaxed, fence: None },
    Strength { name: "acquire release", load: Acquire, store: Release, fence: None },
    Strength { name: "seq_cst", load: SeqCst, store: SeqCst, fence: None },
    Strength { name: "fence acq_rel", load: Relaxed, store: Relaxed, fence: Some(AcqRel) },
    Strength { name: "fence seq_cst", load: Relaxed, store: Relaxed, fence: Some(SeqCst) },
];

/// The classic shapes: two accesses a thread, with every strength.
pub fn classic() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for strength in &STRENGTHS {
        let load = |word| Step::Load(word, strength.load);
        let store = |word, value| Step::Store(word, value, strength.store);
        let pair = |first, second| match strength.fence {
            Some(order) => vec![first, Step::Fence(order), second],
            None => vec![first, second],
        };
        let mut add = |name, threads: Vec<Vec<Step>>| {
            let program = Program::new(threads);
            shapes.push(Shape { name, variant: strength.name, program });
        };
        add("SB", vec![pair(store(X, 1), load(Y)), pair(store(Y, 1), load(X))]);
        add("MP", vec![pair(store(X, 1), store(Y, 1)), pair(load(Y), load(X))]);
        add("LB", vec![pair(load(X), store(Y, 1)), pair(load(Y), store(X, 1))]);
        add("S", vec![pair(store(X, 2), store(Y, 1)), pair(load(Y), store(X, 1))]);
        add("R", vec![pair(store(X, 1), store(Y, 1)), pair(store(Y, 2), load(X))]);
        add("2+2W", vec![pair(store(X, 1), store(Y, 2)), pair(store(Y, 1), store(X, 2))]);
        add("CoRR", vec![vec![store(X, 1)], pair(load(X), load(X))]);
        add("CoWR", vec![pair(store(X, 1), load(X)), vec![store(X, 2)]]);
        add("CoRW", vec![pair(load(X), store(X, 1)), vec![store(X, 2)]]);
        let reader = || pair(load(X), store(Y, 1));
        add("WRC", vec![vec![store(X, 1)], reader(), pair(load(Y), load(X))]);
        add("RWC", vec![vec![store(X, 1)], pair(load(X), load(Y)), pair(store(Y, 1), load(X))]);
        add(
            "W+RWC",
            vec![
                pair(store(X, 1), store(Y, 1)),
                pair(load(Y), load(Z)),
                pair(store(Z, 1), load(X)),
            ],
        );
        add(
            "ISA2",
            vec![
                pair(store(X, 1), store(Y, 1)),
                pair(load(Y), store(Z, 1)),
                pair(load(Z), load(X)),
            ],
        );
        add(
            "CoRR2",
            vec![
                vec![store(X, 1)],
                vec![store(X, 2)],
                pair(load(X), load(X)),
                pair(load(X), load(X)),
            ],
        );
        add(
            "IRIW",
            vec![
                vec![store(X, 1)],
                vec![store(Y, 1)],
                pair(load(X), load(Y)),
                pair(load(Y), load(X)),
            ],
        );
    }
    shapes
}

/// Shapes with read-modify-writes: loads followed by an exchange of the same word, on which stock
/// loom misses outcomes, and those of release sequences and of the modification order.
pub fn updates() -> Vec<Shape> {
    let shape = |name, variant, threads: Vec<Vec<Step>>| Shape {
        name,
        variant,
        program: Program::new(threads),
    };
    let load = |word| Step::Load(word, Relaxed);
    let store = |word, value| Step::Store(word, value, Relaxed);
    let swap = |word, value| Step::Swap(word, value, Relaxed);
    let add = |word, value, order| Step::Add(word, value, order);
    let exchange = |word, from, to| Step::Exchange(word, from, to, Relaxed, Relaxed);
    let mut spawned = shape(
        "load | load; exchange",
        "both started",
        vec![vec![load(X)], vec![load(X), exchange(X, 0, 1)]],
    );
    spawned.program.first_is_main = false;
    vec![
        shape("load | store", "relaxed", vec![vec![load(X)], vec![store(X, 1)]]),
        shape("load | load; store", "relaxed", vec![vec![load(X)], vec![load(X), store(X, 1)]]),
        shape("load | load; swap", "relaxed", vec![vec![load(X)], vec![load(X), swap(X, 1)]]),
        shape(
            "load | load; exchange",
            "relaxed",
            vec![vec![load(X)], vec![load(X), exchange(X, 0, 1)]],
        ),
        spawned,
        shape(
            "load | add 0; exchange",
            "relaxed",
            vec![vec![load(X)], vec![add(X, 0, Relaxed), exchange(X, 0, 1)]],
        ),
        shape(
            "loads | two exchanges",
            "relaxed",
            vec![
                vec![load(X), load(X)],
                vec![load(X), exchange(X, 0, 1), load(X), exchange(X, 1, 2)],
            ],
        ),
        shape(
            "load | swap; load",
            "and an idle thread",
            vec![vec![load(X)], vec![swap(X, 1), load(X)], vec![]],
        ),
        shape("store | add", "relaxed", vec![vec![store(X, 1)], vec![add(X, 16, Relaxed)]]),
        shape(
            "store; store | store; load",
            "relaxed",
            vec![vec![store(X, 2), store(X, 3)], vec![store(X, 5), load(X)]],
        ),
        shape(
            "update MP",
            "acq_rel",
            vec![vec![store(X, 1), add(Y, 1, AcqRel)], vec![add(Y, 1, AcqRel), load(X)]],
        ),
        shape(
            "release sequence",
            "relaxed update",
            vec![
                vec![store(X, 1), Step::Store(Y, 1, Release)],
                vec![add(Y, 1, Relaxed)],
                vec![Step::Load(Y, Acquire), load(X)],
            ],
        ),
        shape(
            "release sequence",
            "ended by a store",
            vec![
                vec![store(X, 1), Step::Store(Y, 1, Release), store(Y, 2)],
                vec![Step::Load(Y, Acquire), load(X)],
            ],
        ),
        shape(
            "update of an old write",
            "relaxed",
            vec![vec![store(X, 1), store(X, 2), store(Y, 1)], vec![load(Y), add(X, 16, Relaxed)]],
        ),
        shape(
            "failing exchange of an old write",
            "relaxed",
            vec![vec![store(X, 1), store(Y, 1)], vec![load(Y), exchange(X, 7, 8)]],
        ),
        shape(
            "ordered by fences alone",
            "seq_cst",
            vec![
                vec![Step::CellWrite(0), Step::Fence(SeqCst), load(Y), Step::If(0, 1), store(Z, 1)],
                vec![store(Y, 1), Step::Fence(SeqCst), load(Z), Step::If(1, 1), Step::CellRead(0)],
            ],
        ),
    ]
}
