//! What an object does when nothing else happens at the same time.

use core::fmt::Debug;
use core::hash::Hash;

/// A sequential specification.
///
/// ```
/// use latchwork_linearize::Spec;
///
/// /// A counter whose `add` may time out, and then may or may not have counted.
/// struct Counter;
///
/// #[derive(Debug, PartialEq)]
/// enum Outcome {
///     Was(u32),
///     TimedOut,
/// }
///
/// impl Spec for Counter {
///     type State = u32;
///     type Call = u32;
///     type Return = Outcome;
///
///     fn start(&self) -> u32 {
///         0
///     }
///
///     fn next(&self, state: &u32, add: &u32, returned: Option<&Outcome>) -> Vec<u32> {
///         match returned {
///             Some(Outcome::Was(seen)) if seen == state => vec![state + add],
///             Some(Outcome::Was(_)) => vec![],
///             Some(Outcome::TimedOut) => vec![*state, state + add],
///             None => vec![state + add],
///         }
///     }
/// }
/// ```
pub trait Spec {
    /// The object between two operations.
    type State: Clone + Eq + Hash;
    /// An operation with its arguments.
    type Call: Debug;
    /// What an operation returned.
    type Return: Debug;

    /// The state of a new object.
    fn start(&self) -> Self::State;

    /// The states in which `call` may leave the object that it found in `state`, given what it
    /// returned: none where that result was impossible, several where the result leaves it open.
    ///
    /// `returned` is `None` for an operation that never returned. The result is then its effect
    /// if it had one; that it had none is tried by the checker itself.
    fn next(
        &self,
        state: &Self::State,
        call: &Self::Call,
        returned: Option<&Self::Return>,
    ) -> Vec<Self::State>;
}
