//! A reader/writer lock whose acquisitions may fail or time out.

use crate::Spec;

/// An operation on a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Acquires it for reading.
    Read,
    /// Releases it from reading.
    EndRead,
    /// Acquires it for writing.
    Write,
    /// Releases it from writing.
    EndWrite,
    /// Turns writing into reading.
    Downgrade,
}

/// What an operation returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// It is done.
    Done,
    /// The lock was held, or a queue before it: what a try may say. It holds nothing.
    Busy,
    /// Time ran out, which it may at any moment, whatever the lock's state. It holds nothing.
    TimedOut,
}

/// A free lock.
///
/// Says nothing about who comes first: a [`Return::Busy`] is always allowed, since somebody who
/// waits makes a lock busy too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lock;

/// Who holds the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holders {
    /// How many read.
    pub readers: usize,
    /// Whether somebody writes.
    pub writer: bool,
}

impl Spec for Lock {
    type State = Holders;
    type Call = Call;
    type Return = Return;

    fn start(&self) -> Holders {
        Holders::default()
    }

    fn next(&self, state: &Holders, call: &Call, returned: Option<&Return>) -> Vec<Holders> {
        let Holders { readers, writer } = *state;
        if let Some(Return::Busy | Return::TimedOut) = returned {
            let may_fail = matches!(call, Call::Read | Call::Write);
            return if may_fail { vec![*state] } else { vec![] };
        }
        let next = match call {
            Call::Read if !writer => Holders { readers: readers + 1, writer },
            Call::EndRead if readers > 0 => Holders { readers: readers - 1, writer },
            Call::Write if !writer && readers == 0 => Holders { readers, writer: true },
            Call::EndWrite if writer => Holders { readers, writer: false },
            Call::Downgrade if writer => Holders { readers: readers + 1, writer: false },
            _ => return vec![],
        };
        vec![next]
    }
}
