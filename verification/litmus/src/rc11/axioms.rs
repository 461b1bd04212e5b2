//! RC11's axioms, on relations as rows of bits.

use core::sync::atomic::Ordering;

use super::{Event, Graph, Id, Kind};

/// Events at most: those of a program that can be enumerated at all.
const EVENTS: usize = 32;

/// A relation: bit `b` of row `a` stands for the pair (a, b).
#[derive(Clone, Copy)]
struct Relation([u32; EVENTS]);

impl Relation {
    const EMPTY: Self = Self([0; EVENTS]);

    fn add(&mut self, a: usize, b: usize) {
        self.0[a] |= 1 << b;
    }

    fn has(&self, a: usize, b: usize) -> bool {
        self.0[a] & 1 << b != 0
    }

    fn or(mut self, other: &Self) -> Self {
        for (row, more) in self.0.iter_mut().zip(&other.0) {
            *row |= more;
        }
        self
    }

    /// First this, then the other.
    fn then(&self, other: &Self) -> Self {
        let mut joined = Self::EMPTY;
        for (row, into) in self.0.iter().zip(&mut joined.0) {
            let mut left = *row;
            while left != 0 {
                *into |= other.0[left.trailing_zeros() as usize];
                left &= left - 1;
            }
        }
        joined
    }

    /// Its transitive closure.
    fn closed(mut self) -> Self {
        for middle in 0..EVENTS {
            let through = self.0[middle];
            for row in &mut self.0 {
                if *row & 1 << middle != 0 {
                    *row |= through;
                }
            }
        }
        self
    }

    /// With every pair (a, a).
    fn or_same(mut self) -> Self {
        for (index, row) in self.0.iter_mut().enumerate() {
            *row |= 1 << index;
        }
        self
    }

    /// Only pairs from the first set to the second.
    fn between(&self, from: u32, to: u32) -> Self {
        let mut part = Self::EMPTY;
        for (index, row) in self.0.iter().enumerate() {
            if from & 1 << index != 0 {
                part.0[index] = row & to;
            }
        }
        part
    }

    fn same(set: u32) -> Self {
        Self::EMPTY.or_same().between(set, set)
    }

    fn is_irreflexive(&self) -> bool {
        self.0.iter().enumerate().all(|(index, row)| row & 1 << index == 0)
    }
}

/// The events of a graph, numbered, first writes first.
struct Numbered {
    events: Vec<Event>,
    first_of_thread: Vec<usize>,
}

impl Numbered {
    fn new(graph: &Graph) -> Self {
        let first_write = |place| Event {
            thread: None,
            kind: Kind::Write,
            place,
            order: Ordering::Relaxed,
            written: 0,
            from: None,
        };
        let mut events: Vec<_> = (0..graph.modifications.len()).map(first_write).collect();
        let mut first_of_thread = Vec::new();
        for thread in &graph.threads {
            first_of_thread.push(events.len());
            events.extend(thread);
        }
        assert!(events.len() <= EVENTS, "the program is too large to enumerate");
        Self { events, first_of_thread }
    }

    fn number(&self, (thread, position): Id) -> usize {
        thread.map_or(position, |thread| self.first_of_thread[thread] + position)
    }

    fn set(&self, of: impl Fn(&Event) -> bool) -> u32 {
        let member = |(index, event)| if of(event) { 1_u32 << index } else { 0 };
        self.events.iter().enumerate().map(member).sum()
    }

    fn pairs(&self, of: impl Fn(&Event, &Event) -> bool) -> Relation {
        let mut relation = Relation::EMPTY;
        for (a, first) in self.events.iter().enumerate() {
            for (b, second) in self.events.iter().enumerate() {
                if a != b && of(first, second) {
                    relation.add(a, b);
                }
            }
        }
        relation
    }
}

fn is_acquire(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

fn is_release(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

/// Whether the graph has a race; `None` if it is not consistent.
pub(super) fn consistent(graph: &Graph) -> Option<bool> {
    let numbered = Numbered::new(graph);
    let events = &numbered.events;

    let mut program_order = Relation::EMPTY;
    for (a, first) in events.iter().enumerate() {
        for (b, second) in events.iter().enumerate() {
            let after_first_writes = first.thread.is_none() && second.thread.is_some();
            let same_thread = first.thread.is_some() && first.thread == second.thread && a < b;
            if after_first_writes || same_thread {
                program_order.add(a, b);
            }
        }
    }
    let (mut reads_from, mut modification) = (Relation::EMPTY, Relation::EMPTY);
    for (index, event) in events.iter().enumerate() {
        if let Some(from) = event.from {
            reads_from.add(numbered.number(from), index);
        }
    }
    for order in &graph.modifications {
        for (place, first) in order.iter().enumerate() {
            for second in &order[place + 1..] {
                modification.add(numbered.number(*first), numbered.number(*second));
            }
        }
    }
    // Reads before: a write newer than the one read from, other than the update itself.
    let mut reads_before = Relation::EMPTY;
    for (index, event) in events.iter().enumerate() {
        if let Some(from) = event.from {
            reads_before.0[index] = modification.0[numbered.number(from)] & !(1 << index);
        }
    }

    let happens_before = happens_before(&numbered, &program_order, &reads_from);
    let coherence = reads_from.or(&modification).or(&reads_before).closed();
    let coherent = happens_before.then(&coherence.or_same()).is_irreflexive();
    if !coherent || !updates_are_atomic(&numbered, &modification) {
        return None;
    }
    let order = Orders { program_order, modification, reads_before, happens_before, coherence };
    if !seq_cst(&numbered, &order) {
        return None;
    }
    let races = numbered.pairs(|first, second| match (first.kind, second.kind) {
        (Kind::Cell { writes }, Kind::Cell { writes: too }) => {
            first.place == second.place && first.thread != second.thread && (writes || too)
        }
        _ => false,
    });
    let unordered = |a, b| !happens_before.has(a, b) && !happens_before.has(b, a);
    let count = events.len();
    Some((0..count).any(|a| (0..count).any(|b| races.has(a, b) && unordered(a, b))))
}

fn happens_before(
    numbered: &Numbered,
    program_order: &Relation,
    reads_from: &Relation,
) -> Relation {
    let all = u32::MAX;
    let updates = numbered.set(|event| event.kind == Kind::Update);
    let writes = numbered.set(|event| matches!(event.kind, Kind::Write | Kind::Update));
    let reads = numbered.set(|event| matches!(event.kind, Kind::Read | Kind::Update));
    let fences = numbered.set(|event| event.kind == Kind::Fence);
    let cells = numbered.set(|event| matches!(event.kind, Kind::Cell { .. }));
    let releases = numbered.set(|event| is_release(event.order)) & !cells;
    let acquires = numbered.set(|event| is_acquire(event.order)) & !cells;
    // A release sequence: a write and the updates that follow on it.
    let sequence =
        Relation::same(writes).then(&reads_from.between(all, updates).closed().or_same());
    let from_fence = program_order.between(fences, writes);
    let to_fence = program_order.between(reads, fences);
    let release = Relation::same(writes & releases).or(&from_fence.between(releases, all));
    let acquire = Relation::same(reads & acquires).or(&to_fence.between(all, acquires));
    let synchronises = release.then(&sequence).then(reads_from).then(&acquire);
    program_order.or(&synchronises).closed()
}

/// An update comes right after the write it reads from.
fn updates_are_atomic(numbered: &Numbered, modification: &Relation) -> bool {
    numbered.events.iter().enumerate().all(|(index, event)| {
        let (Kind::Update, Some(from)) = (event.kind, event.from) else { return true };
        let from = numbered.number(from);
        modification.has(from, index)
            && (0..numbered.events.len())
                .all(|other| !(modification.has(from, other) && modification.has(other, index)))
    })
}

struct Orders {
    program_order: Relation,
    modification: Relation,
    reads_before: Relation,
    happens_before: Relation,
    coherence: Relation,
}

/// The partial order of sequentially consistent events has no cycle.
fn seq_cst(numbered: &Numbered, orders: &Orders) -> bool {
    let all = u32::MAX;
    let accesses = numbered.set(|event| {
        event.order == Ordering::SeqCst && event.kind != Kind::Fence && event.thread.is_some()
    });
    let fences = numbered.set(|event| event.order == Ordering::SeqCst && event.kind == Kind::Fence);
    if accesses | fences == 0 {
        return true;
    }
    let atomic = |event: &Event| !matches!(event.kind, Kind::Fence | Kind::Cell { .. });
    let same_place = numbered
        .pairs(|first, second| atomic(first) && atomic(second) && first.place == second.place);
    let intersect = |relation: &Relation, other: &Relation, keep: bool| {
        let mut part = *relation;
        for (row, mask) in part.0.iter_mut().zip(&other.0) {
            *row &= if keep { *mask } else { !mask };
        }
        part
    };
    let hb = &orders.happens_before;
    let elsewhere = intersect(&orders.program_order, &same_place, false);
    let base = orders
        .program_order
        .or(&elsewhere.then(hb).then(&elsewhere))
        .or(&intersect(hb, &same_place, true))
        .or(&orders.modification)
        .or(&orders.reads_before);
    let into = Relation::same(accesses).or(&hb.or_same().between(fences, all));
    let out = Relation::same(accesses).or(&hb.or_same().between(all, fences));
    let by_accesses = into.then(&base).then(&out);
    let by_fences = hb.or(&hb.then(&orders.coherence).then(hb)).between(fences, fences);
    by_accesses.or(&by_fences).closed().is_irreflexive()
}
