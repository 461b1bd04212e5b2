//! The search for an order, after Wing and Gong, "Testing and Verifying Concurrent Objects"
//! (1993), with Lowe's memory of what was tried, "Testing for Linearizability" (2017).
//!
//! The events, a start and an end for each operation, lie in one list in the order of time. The
//! first operations of the order can only be those whose start comes before the first end. Taking
//! one means to lift its two events out of the list; the search is stuck when the first event left
//! is an end, for then that operation should have been taken before.
//!
//! - I1: the list holds exactly the events of the operations that are not in `order`.
//! - I2: `tried` holds every pair of taken operations and state from which the search has gone on,
//!   so none is entered twice, whatever the order that led to it.

use std::collections::HashSet;

use crate::{Operation, Spec};

/// Where a search that failed had come farthest.
#[derive(Debug)]
pub(crate) struct Stuck {
    /// The longest order found.
    pub(crate) order: Vec<usize>,
    /// The operation that then should have taken effect, and could not.
    pub(crate) blocked: usize,
}

/// Events as a doubly linked list: operation `i` starts at `2 * i` and ends at `2 * i + 1`; the
/// last index is the list's head.
struct Events {
    next: Vec<usize>,
    previous: Vec<usize>,
}

impl Events {
    fn new<C, R>(operations: &[Operation<C, R>]) -> Self {
        let mut stamped: Vec<(u64, bool, usize)> = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            stamped.push((operation.start, false, 2 * index));
            if let Some((end, _)) = operation.end {
                stamped.push((end, true, 2 * index + 1));
            }
        }
        // Starts before ends of the same moment: those operations overlap.
        stamped.sort_unstable();
        let head = 2 * operations.len();
        let mut events = Self { next: vec![head; head + 1], previous: vec![head; head + 1] };
        let mut last = head;
        for (_, _, event) in stamped {
            events.link(last, event);
            last = event;
        }
        events.link(last, head);
        events
    }

    fn head(&self) -> usize {
        self.next.len() - 1
    }

    fn link(&mut self, event: usize, next: usize) {
        self.next[event] = next;
        self.previous[next] = event;
    }

    fn lift(&mut self, event: usize) {
        let (previous, next) = (self.previous[event], self.next[event]);
        self.link(previous, next);
    }

    /// Undoes the latest `lift` that is not yet undone.
    fn put_back(&mut self, event: usize) {
        let (previous, next) = (self.previous[event], self.next[event]);
        self.next[previous] = event;
        self.previous[next] = event;
    }
}

/// An operation taken into the order.
struct Taken<T> {
    operation: usize,
    /// The state before it.
    before: T,
    /// Other states that may come after it, not yet tried.
    others: Vec<T>,
}

/// A set of operations.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Set(Box<[u64]>);

impl Set {
    fn empty(operations: usize) -> Self {
        Self(vec![0; operations.div_ceil(64)].into())
    }

    fn flip(&mut self, operation: usize) {
        self.0[operation / 64] ^= 1 << (operation % 64);
    }
}

struct Search<'a, S: Spec> {
    spec: &'a S,
    operations: &'a [Operation<S::Call, S::Return>],
    events: Events,
    state: S::State,
    order: Vec<Taken<S::State>>,
    members: Set,
    tried: HashSet<(Set, S::State)>,
}

pub(crate) fn search<S: Spec>(
    spec: &S,
    operations: &[Operation<S::Call, S::Return>],
) -> Result<Vec<usize>, Stuck> {
    let mut search = Search {
        spec,
        operations,
        events: Events::new(operations),
        state: spec.start(),
        order: Vec::new(),
        members: Set::empty(operations.len()),
        tried: HashSet::new(),
    };
    let mut ends_left = operations.iter().filter(|operation| operation.end.is_some()).count();
    let mut stuck = None::<Stuck>;
    let mut event = search.events.next[search.events.head()];
    while ends_left > 0 {
        let operation = event / 2;
        if event.is_multiple_of(2) {
            if search.take(operation) {
                ends_left -= usize::from(operations[operation].end.is_some());
                event = search.events.next[search.events.head()];
            } else {
                event = search.events.next[event];
            }
            continue;
        }
        // An end: its operation had to be taken before.
        if stuck.as_ref().is_none_or(|stuck| stuck.order.len() < search.order.len()) {
            stuck = Some(Stuck { order: search.indices(), blocked: operation });
        }
        let Some((undone, again)) = search.step_back() else {
            return Err(stuck.expect("set just above"));
        };
        if again {
            event = search.events.next[search.events.head()];
        } else {
            ends_left += usize::from(operations[undone].end.is_some());
            event = search.events.next[2 * undone];
        }
    }
    Ok(search.indices())
}

impl<S: Spec> Search<'_, S> {
    fn indices(&self) -> Vec<usize> {
        self.order.iter().map(|taken| taken.operation).collect()
    }

    /// Takes an operation next, if the specification allows it and that was not tried before.
    fn take(&mut self, operation: usize) -> bool {
        let Operation { call, end, .. } = &self.operations[operation];
        let returned = end.as_ref().map(|(_, returned)| returned);
        let mut others = self.spec.next(&self.state, call, returned);
        self.members.flip(operation);
        let Some(state) = self.untried(&mut others) else {
            self.members.flip(operation);
            return false;
        };
        let before = core::mem::replace(&mut self.state, state);
        self.order.push(Taken { operation, before, others });
        self.events.lift(2 * operation);
        if end.is_some() {
            self.events.lift(2 * operation + 1);
        }
        true
    }

    /// The next of `states` from which the search has not yet gone on, with the taken operations
    /// as they are.
    fn untried(&mut self, states: &mut Vec<S::State>) -> Option<S::State> {
        while let Some(state) = states.pop() {
            if self.tried.insert((self.members.clone(), state.clone())) {
                return Some(state);
            }
        }
        None
    }

    /// Leaves the last operation out again, or goes on from another of the states after it (then
    /// the second result is true). `None` where the order is empty.
    fn step_back(&mut self) -> Option<(usize, bool)> {
        let mut last = self.order.pop()?;
        let operation = last.operation;
        if let Some(state) = self.untried(&mut last.others) {
            self.state = state;
            self.order.push(last);
            return Some((operation, true));
        }
        self.state = last.before;
        self.members.flip(operation);
        if self.operations[operation].end.is_some() {
            self.events.put_back(2 * operation + 1);
        }
        self.events.put_back(2 * operation);
        Some((operation, false))
    }
}
