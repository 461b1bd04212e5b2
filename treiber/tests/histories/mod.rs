//! The stacks as objects whose histories can be checked.

use latchwork_linearize::objects::stack::{Call, Return};
use latchwork_linearize::{Spec, play};
use latchwork_sync::lock::Arc;
use latchwork_treiber::Handle;
use latchwork_treiber::narrow::{NarrowStack, SmallChunks};
use proptest::prelude::*;

pub(crate) type Value = u8;

/// A stack that holds so many values for certain, and more if it likes.
#[derive(Clone, Debug)]
pub(crate) struct AtLeast(pub(crate) usize);

impl Spec for AtLeast {
    type State = Vec<Value>;
    type Call = Call<Value>;
    type Return = Return<Value>;

    fn start(&self) -> Vec<Value> {
        Vec::new()
    }

    fn next(
        &self,
        state: &Vec<Value>,
        call: &Call<Value>,
        returned: Option<&Return<Value>>,
    ) -> Vec<Vec<Value>> {
        let mut next = state.clone();
        let expected = match call {
            Call::Push(_) if returned == Some(&Return::Full) && state.len() >= self.0 => {
                Return::Full
            }
            Call::Push(value) => {
                next.push(*value);
                Return::Pushed
            }
            Call::Pop => Return::Popped(next.pop()),
            Call::TakeAll => Return::Taken(next.drain(..).rev().collect()),
        };
        if returned.is_none_or(|returned| *returned == expected) { vec![next] } else { vec![] }
    }
}

fn pushed<T>(result: &Result<(), T>) -> Return<Value> {
    if result.is_ok() { Return::Pushed } else { Return::Full }
}

/// Plays the calls on a stack, by its own methods or by a handle for each thread, and tells why
/// the history has no order, if it has none.
macro_rules! object {
    ($name:ident, $stack:ty, $make:expr, $holds:expr) => {
        pub(crate) fn $name(lists: Vec<Vec<Call<Value>>>, by_handle: bool) -> Result<(), String> {
            let stack: Arc<$stack> = Arc::new($make);
            let history = play(lists, move |_| {
                let stack = Arc::clone(&stack);
                let mut handle = by_handle.then(|| Handle::new(Arc::clone(&stack)));
                move |call: &Call<Value>| match (call, &mut handle) {
                    (Call::Push(value), Some(handle)) => pushed(&handle.try_push(*value)),
                    (Call::Push(value), None) => pushed(&stack.push(*value)),
                    (Call::Pop, Some(handle)) => Return::Popped(handle.pop()),
                    (Call::Pop, None) => Return::Popped(stack.pop()),
                    (Call::TakeAll, _) => Return::Taken(stack.take_all().collect()),
                }
            });
            history.check(&AtLeast($holds)).map(drop).map_err(|violation| violation.to_string())
        }
    };
}

// Capacity 2 for three parties with batches of one: 2 + (3 - 1) x (2 x 1 + 1).
object!(bounded, NarrowStack<Value, 64>, NarrowStack::new(8, 1), 2);
#[cfg(latchwork_shuttle)]
object!(without_spare_slots, NarrowStack<Value, 64>, NarrowStack::new(2, 1), 2);
object!(roomy, NarrowStack<Value, 64>, NarrowStack::new(200, 2), usize::MAX);
object!(growing, SmallChunks<Value>, SmallChunks::new(2), usize::MAX);

/// Values of a take-all that has not ended count as held, which a history can't tell.
pub(crate) fn push_or_pop() -> impl Strategy<Value = Call<Value>> {
    prop_oneof![(0..4u8).prop_map(Call::Push), Just(Call::Pop)]
}

pub(crate) fn call() -> impl Strategy<Value = Call<Value>> {
    prop_oneof![3 => (0..4u8).prop_map(Call::Push), 3 => Just(Call::Pop), 1 => Just(Call::TakeAll)]
}
