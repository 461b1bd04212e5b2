//! Why a history is not linearizable, for a reader.

use core::fmt::{self, Debug, Display, Write as _};

use crate::Operation;
use crate::check::Stuck;

/// A history that no order explains. Displays the longest order found, and what could not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    order: Vec<usize>,
    blocked: usize,
    story: String,
}

impl Violation {
    pub(crate) fn new<C: Debug, R: Debug>(
        operations: &[Operation<C, R>],
        Stuck { order, blocked }: &Stuck,
    ) -> Self {
        let mut story = String::from("no order of the operations explains their results\n");
        let mut tell = |place: &str, operation: &Operation<C, R>| {
            let Operation { thread, call, start, end } = operation;
            let told = match end {
                Some((end, returned)) => {
                    writeln!(
                        story,
                        "{place:>6}  [{start}, {end}] thread {thread}: {call:?} -> {returned:?}"
                    )
                }
                None => writeln!(story, "{place:>6}  [{start}, ..] thread {thread}: {call:?}"),
            };
            told.expect("a string takes everything");
        };
        for (place, index) in order.iter().enumerate() {
            tell(&(place + 1).to_string(), &operations[*index]);
        }
        tell("stuck", &operations[*blocked]);
        for (index, operation) in operations.iter().enumerate() {
            if index != *blocked && !order.contains(&index) {
                tell("open", operation);
            }
        }
        Self { order: order.clone(), blocked: *blocked, story }
    }

    /// The longest order found, as indices into the history's operations.
    pub fn longest_order(&self) -> &[usize] {
        &self.order
    }

    /// The operation that had to take effect next, and could not.
    pub fn blocked(&self) -> usize {
        self.blocked
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.story.trim_end())
    }
}

impl core::error::Error for Violation {}
