//! A word that is read, written, exchanged.

use core::fmt::Debug;
use core::hash::Hash;

use crate::Spec;

/// An operation on a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<T> {
    /// Reads it.
    Read,
    /// Writes it.
    Write(T),
    /// Writes the second where the first is found.
    Exchange(T, T),
}

/// What an operation returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return<T> {
    /// What was found, by a read or an exchange.
    Found(T),
    /// The write is done.
    Written,
}

/// A register with its first value.
#[derive(Clone, Debug)]
pub struct Register<T>(pub T);

impl<T: Clone + Eq + Hash + Debug> Spec for Register<T> {
    type State = T;
    type Call = Call<T>;
    type Return = Return<T>;

    fn start(&self) -> T {
        self.0.clone()
    }

    fn next(&self, state: &T, call: &Call<T>, returned: Option<&Return<T>>) -> Vec<T> {
        let (expected, next) = match call {
            Call::Read => (Return::Found(state.clone()), state),
            Call::Write(value) => (Return::Written, value),
            Call::Exchange(from, to) => {
                (Return::Found(state.clone()), if from == state { to } else { state })
            }
        };
        if returned.is_none_or(|returned| *returned == expected) {
            vec![next.clone()]
        } else {
            vec![]
        }
    }
}
