//! The smallest part of a program that still shows something.

use crate::program::{Program, Step};

impl Program {
    /// Leaves out threads and runs of steps as long as `shows` holds for what is left.
    #[must_use]
    pub fn shrunk(&self, shows: impl Fn(&Self) -> bool) -> Self {
        let mut smallest = self.clone();
        while let Some(smaller) = smallest.parts().into_iter().find(&shows) {
            smallest = smaller;
        }
        smallest
    }

    /// The program with a little less in it, in each possible way, the least first.
    fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        for (number, steps) in self.threads.iter().enumerate() {
            for length in (1..=steps.len()).rev() {
                for start in 0..=steps.len() - length {
                    let mut part = self.clone();
                    part.threads[number].drain(start..start + length);
                    parts.extend(part.repaired());
                }
            }
        }
        // An empty thread still counts, except the last.
        if self.threads.len() > 2 && self.threads.last().is_some_and(Vec::is_empty) {
            let mut part = self.clone();
            part.threads.pop();
            parts.insert(0, part);
        }
        parts
    }

    /// With every attempt to lock jumping to after its own unlock; `None` where a lock is not
    /// unlocked, or the other way round.
    fn repaired(mut self) -> Option<Self> {
        for steps in &mut self.threads {
            let mut held: Vec<(usize, usize)> = Vec::new();
            for index in 0..steps.len() {
                match steps[index] {
                    Step::Lock(lock) | Step::TryLock(lock, _) => {
                        if held.iter().any(|(other, _)| *other == lock) {
                            return None;
                        }
                        held.push((lock, index));
                    }
                    Step::Unlock(lock) => {
                        let (last, taken) = held.pop()?;
                        if last != lock {
                            return None;
                        }
                        if let Step::TryLock(_, skip) = &mut steps[taken] {
                            *skip = index - taken;
                        }
                    }
                    _ => {}
                }
            }
            if !held.is_empty() {
                return None;
            }
        }
        Some(self)
    }
}
