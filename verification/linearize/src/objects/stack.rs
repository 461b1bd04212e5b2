//! A stack, with take-all.

use core::fmt::Debug;
use core::hash::Hash;
use core::marker::PhantomData;

use crate::Spec;

/// An operation on a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<T> {
    /// Puts an item on top.
    Push(T),
    /// Takes the item on top.
    Pop,
    /// Takes all items at once.
    TakeAll,
}

/// What an operation returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return<T> {
    /// The item is on the stack.
    Pushed,
    /// The stack had no place for the item, and is as before.
    Full,
    /// The item that was on top, if any.
    Popped(Option<T>),
    /// All items, the one on top first.
    Taken(Vec<T>),
}

/// An empty stack, with or without an end to its capacity.
#[derive(Clone, Debug)]
pub struct Stack<T> {
    capacity: usize,
    items: PhantomData<fn() -> T>,
}

impl<T> Stack<T> {
    /// A stack that is never full.
    pub fn new() -> Self {
        Self::with_capacity(usize::MAX)
    }

    /// A stack of at most so many items.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, items: PhantomData }
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone + Eq + Hash + Debug> Spec for Stack<T> {
    /// The items, the one on top last.
    type State = Vec<T>;
    type Call = Call<T>;
    type Return = Return<T>;

    fn start(&self) -> Vec<T> {
        Vec::new()
    }

    fn next(&self, state: &Vec<T>, call: &Call<T>, returned: Option<&Return<T>>) -> Vec<Vec<T>> {
        let mut next = state.clone();
        let expected = match call {
            Call::Push(_) if state.len() >= self.capacity => Return::Full,
            Call::Push(item) => {
                next.push(item.clone());
                Return::Pushed
            }
            Call::Pop => Return::Popped(next.pop()),
            Call::TakeAll => Return::Taken(next.drain(..).rev().collect()),
        };
        if returned.is_none_or(|returned| *returned == expected) { vec![next] } else { vec![] }
    }
}
