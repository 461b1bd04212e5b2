//! Small programs of a few threads, and what a run of one shows.

use core::fmt;
use core::sync::atomic::Ordering;
use std::collections::BTreeSet;

/// A place in memory: an atomic word, a lock or a cell, by number.
pub type Place = usize;

/// One step of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reads a word.
    Load(Place, Ordering),
    /// Writes a word.
    Store(Place, u8, Ordering),
    /// Exchanges a word.
    Swap(Place, u8, Ordering),
    /// Adds to a word.
    Add(Place, u8, Ordering),
    /// Writes the second value where the first is found; the orderings are of success and failure.
    Exchange(Place, u8, u8, Ordering, Ordering),
    /// A fence.
    Fence(Ordering),
    /// Goes on if the thread's last read gave this value, else jumps over so many further steps.
    If(u8, usize),
    /// Locks a mutex.
    Lock(Place),
    /// Tries to lock a mutex; jumps over so many further steps where it is held.
    TryLock(Place, usize),
    /// Unlocks a mutex.
    Unlock(Place),
    /// Waits for the thread's token and takes it.
    Park,
    /// Gives a thread its token.
    Unpark(usize),
    /// Clones the thread's `Arc`. All threads have one of the same, and drop what they have left.
    CountUp,
    /// Drops the latest clone.
    CountDown,
    /// Reads the strong count.
    Count,
    /// Whether `Arc::get_mut` succeeds.
    CountIsOne,
    /// Reads a cell that is no atomic.
    CellRead(Place),
    /// Writes a cell that is no atomic.
    CellWrite(Place),
}

/// Threads that run at once. Words start at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The steps of each.
    pub threads: Vec<Vec<Step>>,
    /// Whether the first thread is the one that starts and joins the others, rather than one of
    /// those it starts.
    pub first_is_main: bool,
}

/// What one run showed: the values each thread read, in order, and the words at the end. Whether
/// an attempt to lock succeeded counts as a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// The values that each thread read.
    pub read: Vec<Vec<u8>>,
    /// The words at the end.
    pub words: Vec<u8>,
}

/// What all runs of a program show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The outcomes of the runs that end.
    pub outcomes: BTreeSet<Outcome>,
    /// Whether some run ends with threads that wait for each other.
    pub deadlock: bool,
    /// Whether some run has two unordered accesses to a cell.
    pub race: bool,
}

impl Program {
    /// So many threads, of which the first starts the others.
    pub fn new(threads: impl IntoIterator<Item = Vec<Step>>) -> Self {
        Self { threads: threads.into_iter().collect(), first_is_main: true }
    }

    fn places(&self, of: impl Fn(&Step) -> Option<Place>) -> usize {
        self.threads.iter().flatten().filter_map(of).map(|place| place + 1).max().unwrap_or(0)
    }

    /// How many words it has.
    pub fn words(&self) -> usize {
        self.places(|step| match step {
            Step::Load(word, ..)
            | Step::Store(word, ..)
            | Step::Swap(word, ..)
            | Step::Add(word, ..)
            | Step::Exchange(word, ..) => Some(*word),
            _ => None,
        })
    }

    /// How many mutexes it has.
    pub fn locks(&self) -> usize {
        self.places(|step| match step {
            Step::Lock(lock) | Step::TryLock(lock, _) | Step::Unlock(lock) => Some(*lock),
            _ => None,
        })
    }

    /// How many cells it has.
    pub fn cells(&self) -> usize {
        self.places(|step| match step {
            Step::CellRead(cell) | Step::CellWrite(cell) => Some(*cell),
            _ => None,
        })
    }

    /// Whether its threads share an `Arc`.
    pub fn counts(&self) -> bool {
        use Step::{Count, CountDown, CountIsOne, CountUp};
        let counts = |step: &Step| matches!(step, Count | CountDown | CountIsOne | CountUp);
        self.threads.iter().flatten().any(counts)
    }

    /// The same program with sequentially consistent accesses (not fences) as strong as acquire
    /// and release can be.
    #[must_use]
    pub fn without_seq_cst_accesses(&self) -> Self {
        let weaker = |order, acqrel| if order == Ordering::SeqCst { acqrel } else { order };
        let mut program = self.clone();
        for step in program.threads.iter_mut().flatten() {
            match step {
                Step::Load(_, order) => *order = weaker(*order, Ordering::Acquire),
                Step::Store(_, _, order) => *order = weaker(*order, Ordering::Release),
                Step::Swap(_, _, order) | Step::Add(_, _, order) => {
                    *order = weaker(*order, Ordering::AcqRel);
                }
                Step::Exchange(_, _, _, success, failure) => {
                    *success = weaker(*success, Ordering::AcqRel);
                    *failure = weaker(*failure, Ordering::Acquire);
                }
                _ => {}
            }
        }
        program
    }
}

fn order(order: Ordering) -> &'static str {
    match order {
        Ordering::Relaxed => "rlx",
        Ordering::Acquire => "acq",
        Ordering::Release => "rel",
        Ordering::AcqRel => "acqrel",
        _ => "sc",
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |place: Place| char::from(b"xyz"[place]);
        match *self {
            Self::Load(place, o) => write!(f, "{} {}", word(place), order(o)),
            Self::Store(place, value, o) => write!(f, "{}={value} {}", word(place), order(o)),
            Self::Swap(place, value, o) => write!(f, "swap {} {value} {}", word(place), order(o)),
            Self::Add(place, value, o) => write!(f, "{}+={value} {}", word(place), order(o)),
            Self::Exchange(place, from, to, success, failure) => {
                let (success, failure) = (order(success), order(failure));
                write!(f, "cas {} {from}->{to} {success} {failure}", word(place))
            }
            Self::Fence(o) => write!(f, "fence {}", order(o)),
            Self::If(value, skip) => write!(f, "if {value} else skip {skip}"),
            Self::Lock(lock) => write!(f, "lock {lock}"),
            Self::TryLock(lock, skip) => write!(f, "try {lock} else skip {skip}"),
            Self::Unlock(lock) => write!(f, "unlock {lock}"),
            Self::Park => f.write_str("park"),
            Self::Unpark(thread) => write!(f, "unpark T{thread}"),
            Self::CountUp => f.write_str("clone"),
            Self::CountDown => f.write_str("drop"),
            Self::Count => f.write_str("strong_count"),
            Self::CountIsOne => f.write_str("get_mut"),
            Self::CellRead(cell) => write!(f, "read c{cell}"),
            Self::CellWrite(cell) => write!(f, "write c{cell}"),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, thread) in self.threads.iter().enumerate() {
            let who = if number == 0 && self.first_is_main { "main" } else { "" };
            let steps: Vec<_> = thread.iter().map(ToString::to_string).collect();
            let bar = if number > 0 { " || " } else { "" };
            let space = if who.is_empty() { "" } else { " " };
            write!(f, "{bar}{who}{space}{}", steps.join("; "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |values: &[u8]| values.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let read: Vec<_> = self.read.iter().map(|values| digits(values)).collect();
        write!(f, "({}) [{}]", read.join(" | "), digits(&self.words))
    }
}
