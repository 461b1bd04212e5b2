//! A history: operations with the interval in which each took place.

use core::fmt::Debug;
use std::collections::BTreeMap;

use crate::check::search;
use crate::{Log, Spec, Violation};

/// One operation of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<C, R> {
    /// Who called.
    pub thread: usize,
    /// What was called.
    pub call: C,
    /// When: no effect is earlier.
    pub start: u64,
    /// When it returned and what: no effect is later. `None` for one that never returned.
    pub end: Option<(u64, R)>,
}

/// Operations, in the order in which they were called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<C, R> {
    operations: Vec<Operation<C, R>>,
}

impl<C, R> History<C, R> {
    /// A history of these operations. Where one ends at the very moment at which another starts,
    /// they overlap.
    ///
    /// # Panics
    ///
    /// When an operation ends before it starts.
    pub fn new(operations: impl IntoIterator<Item = Operation<C, R>>) -> Self {
        let mut operations: Vec<_> = operations.into_iter().collect();
        for operation in &operations {
            let ordered = operation.end.as_ref().is_none_or(|(end, _)| operation.start <= *end);
            assert!(ordered, "an operation of thread {} ends before it starts", operation.thread);
        }
        operations.sort_by_key(|operation| operation.start);
        Self { operations }
    }

    /// What several threads have logged against one clock.
    pub fn of(logs: impl IntoIterator<Item = Log<C, R>>) -> Self {
        Self::new(logs.into_iter().flat_map(Log::into_operations))
    }

    /// The operations, by their start.
    pub fn operations(&self) -> &[Operation<C, R>] {
        &self.operations
    }

    /// One history for each key, where operations on different keys don't touch each other: a
    /// history is linearizable exactly if each of these is, and they are much cheaper to check.
    pub fn split<K: Ord>(self, key: impl Fn(&C) -> K) -> BTreeMap<K, Self> {
        let mut parts = BTreeMap::new();
        for operation in self.operations {
            parts
                .entry(key(&operation.call))
                .or_insert_with(|| Self { operations: Vec::new() })
                .operations
                .push(operation);
        }
        parts
    }

    /// An order of the operations (as indices into [`operations`](Self::operations)) in which
    /// each takes effect at one moment between its start and its end, as `spec` allows.
    /// Operations that never returned and had no effect are left out.
    ///
    /// Searches all orders: time and memory grow exponentially with the number of operations that
    /// overlap.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn check<S>(&self, spec: &S) -> Result<Vec<usize>, Violation>
    where
        S: Spec<Call = C, Return = R>,
        C: Debug,
        R: Debug,
    {
        search(spec, &self.operations).map_err(|stuck| Violation::new(&self.operations, &stuck))
    }
}
