//! Random small programs, the same for the same seed.

use core::sync::atomic::Ordering;

use crate::program::{Program, Step};

/// A source of random numbers, `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A source with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What the programs of a family are made of.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a kind of step, there or not")]
pub struct Family {
    /// Its name in reports.
    pub name: &'static str,
    /// Steps of all threads together, at most.
    pub steps: usize,
    /// Threads, at most.
    pub threads: usize,
    /// Read-modify-writes.
    pub updates: bool,
    /// The fences' orderings; none for no fences.
    pub fences: &'static [Ordering],
    /// Mutexes, locked and tried.
    pub locks: bool,
    /// Parking and unparking.
    pub parking: bool,
    /// An `Arc`.
    pub counts: bool,
    /// Cells.
    pub cells: bool,
}

impl Family {
    /// Loads, stores and read-modify-writes.
    pub const ATOMICS: Self = Self {
        name: "atomics",
        steps: 5,
        threads: 3,
        updates: true,
        fences: &[],
        locks: false,
        parking: false,
        counts: false,
        cells: false,
    };

    /// A program of the family.
    pub fn program(&self, random: &mut Random) -> Program {
        let steps = 2 + random.below(self.steps - 1);
        // Few of three threads: they take most of the time.
        let threads = if steps > 2 && random.below(4) == 0 { self.threads } else { 2 };
        let words = 1 + random.below(if self.locks || self.parking { 1 } else { 3 });
        // All relaxed, all as strong as acquire and release can be, or mixed.
        let strength = random.below(3);
        let mut program = Program {
            threads: vec![Vec::new(); threads],
            first_is_main: self.parking || random.below(2) == 0,
        };
        let mut value = 0;
        for step in 0..steps {
            let thread = if step < threads { step } else { random.below(threads) };
            value += 1;
            let access = self.access(random, words, strength, value);
            let mut block = self.block(random, thread, threads, access);
            if self.counts && block == [Step::CountDown] {
                // Never the last: that one goes at the end.
                let before = &program.threads[thread];
                let up = before.iter().filter(|step| **step == Step::CountUp).count();
                let down = before.iter().filter(|step| **step == Step::CountDown).count();
                block.retain(|_| up > down);
            }
            program.threads[thread].extend(block);
        }
        if self.counts {
            for steps in &mut program.threads {
                let up = steps.iter().filter(|step| **step == Step::CountUp).count();
                let down = steps.iter().filter(|step| **step == Step::CountDown).count();
                steps.extend(vec![Step::CountDown; 1 + up - down]);
            }
        }
        program
    }

    /// The step, or what this family puts around or in place of it.
    fn block(&self, random: &mut Random, me: usize, threads: usize, step: Step) -> Vec<Step> {
        if self.locks {
            let lock = random.below(2);
            return match random.below(6) {
                // Always in this order, so that nobody waits for ever.
                0 => {
                    vec![Step::Lock(0), Step::TryLock(1, 2), step, Step::Unlock(1), Step::Unlock(0)]
                }
                1 | 5 => vec![Step::Lock(lock), step, Step::Unlock(lock)],
                2 | 3 => vec![Step::TryLock(lock, 2), step, Step::Unlock(lock)],
                _ => vec![step],
            };
        }
        if self.parking {
            // Only the first thread has handles of all others, and they one of it.
            let other = if me == 0 { 1 + random.below(threads - 1) } else { 0 };
            return match random.below(4) {
                0 => vec![Step::Park],
                1 | 2 => vec![Step::Unpark(other)],
                _ => vec![step],
            };
        }
        if self.counts {
            let any =
                [Step::CountUp, Step::CountDown, Step::Count, Step::Count, Step::CountIsOne, step];
            return vec![random.pick(&any)];
        }
        if self.cells && random.below(3) == 0 {
            return vec![random.pick(&[Step::CellRead(0), Step::CellWrite(0)])];
        }
        if !self.fences.is_empty() && random.below(4) == 0 {
            return vec![Step::Fence(random.pick(self.fences))];
        }
        vec![step]
    }

    fn access(&self, random: &mut Random, words: usize, strength: usize, value: u8) -> Step {
        use Ordering::{AcqRel, Acquire, Relaxed, Release};
        let word = random.below(words);
        let mut order = |weak: Ordering, strong: Ordering| match strength {
            0 => weak,
            1 => strong,
            _ => random.pick(&[weak, strong]),
        };
        let (load, store, update) =
            (order(Relaxed, Acquire), order(Relaxed, Release), order(Relaxed, AcqRel));
        match random.below(if self.updates { 6 } else { 4 }) {
            0 | 1 => Step::Load(word, load),
            2 | 3 => Step::Store(word, value, store),
            4 if random.below(2) == 0 => Step::Swap(word, value, update),
            4 => Step::Add(word, 16, update),
            _ => {
                let from = random.below(usize::from(value)) as u8;
                Step::Exchange(word, from, value, update, load)
            }
        }
    }
}
