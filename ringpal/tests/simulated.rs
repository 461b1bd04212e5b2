//! Seeds of a simulated kernel: exact bytes, every call returns once.
#![cfg(all(unix, not(any(latchwork_loom, latchwork_shuttle))))]

use std::thread;

use latchwork_ringpal::{
    BatchError, Cause, Drive, File, OpError, PageRead, PageWrite, Policy, Ring, Simulation,
};

const SEEDS: u64 = 2_048;
const PAGE: usize = 1_536;
const PAGES: usize = 24;

fn content(number: usize, generation: u8) -> Vec<u8> {
    (0..PAGE).map(|at| (number * 7 + at) as u8 ^ generation.wrapping_mul(29)).collect()
}

/// The file as it must be, with one thread's share of it.
struct Shadow {
    first: usize,
    pages: Vec<Vec<u8>>,
}

impl Shadow {
    fn new(first: usize, count: usize) -> Self {
        Self { first, pages: vec![vec![0; PAGE]; count] }
    }

    fn offset(&self, index: usize) -> u64 {
        ((self.first + index) * PAGE) as u64
    }

    /// What the errors say is what there is: `done` bytes of each failed page, all of the others.
    fn apply(&mut self, contents: &[Vec<u8>], result: &Result<(), BatchError>) {
        for (index, content) in contents.iter().enumerate() {
            let done = match result {
                Ok(()) => PAGE,
                Err(error) => error.outcome(index).map_or_else(OpError::done, |()| PAGE),
            };
            self.pages[index][..done].copy_from_slice(&content[..done]);
        }
    }

    fn write(&mut self, ring: &Ring, file: &File, count: usize, generation: u8) -> bool {
        let contents: Vec<_> =
            (0..count).map(|index| content(self.first + index, generation)).collect();
        let writes: Vec<_> = contents
            .iter()
            .enumerate()
            .map(|(index, data)| PageWrite { offset: self.offset(index), data })
            .collect();
        let result = ring.commit(file, &writes);
        self.apply(&contents, &result);
        is_alive(&result)
    }

    /// Reads what it can; pages that were read must be right.
    fn check(&self, ring: &Ring, file: &File) -> bool {
        let mut buffers = vec![vec![0xee; PAGE]; self.pages.len()];
        let mut reads: Vec<_> = buffers
            .iter_mut()
            .enumerate()
            .map(|(index, data)| PageRead { offset: self.offset(index), data })
            .collect();
        let result = ring.read_pages(file, &mut reads);
        for (index, buffer) in buffers.iter().enumerate() {
            let done = match &result {
                Ok(()) => PAGE,
                Err(error) => error.outcome(index).map_or_else(OpError::done, |()| PAGE),
            };
            assert!(buffer[..done] == self.pages[index][..done], "page {index}");
        }
        is_alive(&result)
    }

    /// The file itself, without the ring.
    fn check_file(&self, file: &File) {
        use std::os::unix::fs::FileExt;
        for (index, page) in self.pages.iter().enumerate() {
            let mut bytes = vec![0; PAGE];
            file.as_std().read_exact_at(&mut bytes, self.offset(index)).unwrap();
            assert!(bytes == *page, "page {index}");
        }
    }
}

/// Whether the ring still works; every failure must be one that the simulation made.
fn is_alive(result: &Result<(), BatchError>) -> bool {
    let Err(error) = result else { return true };
    let mut alive = true;
    for failure in error.failures() {
        match failure.cause() {
            Cause::Os(libc::ENOSPC) => {}
            Cause::RingFailed(libc::EBADF) => alive = false,
            cause => panic!("{cause}"),
        }
    }
    alive
}

fn scratch() -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len((PAGE * PAGES) as u64).unwrap();
    File::new(file, "scratch").with_policy(Policy::Ring)
}

fn drives(seed: u64) -> Drive {
    if seed.is_multiple_of(2) { Drive::Submitter } else { Drive::Thread }
}

#[test]
fn one_submitter_finds_exact_bytes() {
    let file = scratch();
    for seed in 0..SEEDS {
        file.as_std().set_len(0).unwrap();
        file.as_std().set_len((PAGE * PAGES) as u64).unwrap();
        let depth = [1, 2, 5, 16][(seed / 2 % 4) as usize];
        let ring = Ring::builder()
            .simulated(Simulation::of_everything(seed))
            .drive(drives(seed))
            .depth(depth)
            .build()
            .unwrap();
        let mut shadow = Shadow::new(0, PAGES);
        for generation in 1..6 {
            let count = 1 + (seed as usize * 5 + usize::from(generation) * 7) % PAGES;
            let alive = shadow.write(&ring, &file, count, generation);
            shadow.check_file(&file);
            if !alive || !shadow.check(&ring, &file) {
                // A dead ring stays dead, and says so at once.
                let cause = ring.nop(3).unwrap_err().cause();
                assert_eq!(cause, Cause::RingFailed(libc::EBADF), "seed {seed}");
                break;
            }
        }
        ring.close();
        shadow.check_file(&file);
    }
}

#[test]
fn trouble_that_passes_fails_nothing() {
    let file = scratch();
    for seed in 0..SEEDS / 4 {
        let ring = Ring::builder()
            .simulated(Simulation::of_trouble(seed))
            .drive(drives(seed))
            .depth(7)
            .build()
            .unwrap();
        let data = content(3, seed as u8);
        let pages: Vec<_> = (0..PAGES)
            .map(|index| PageWrite { offset: (index * PAGE) as u64, data: &data })
            .collect();
        ring.commit(&file, &pages).unwrap();
        ring.nop(20).unwrap();
    }
}

#[test]
fn many_submitters_find_exact_bytes() {
    const THREADS: usize = 4;
    for seed in 0..SEEDS / 4 {
        let file = scratch();
        let ring = Ring::builder()
            .simulated(Simulation::of_everything(seed))
            .drive(drives(seed))
            .depth(6)
            .build()
            .unwrap();
        let shadows: Vec<Shadow> = thread::scope(|scope| {
            let run = |number: usize| {
                let (ring, file) = (&ring, &file);
                move || {
                    let mut shadow = Shadow::new(number * PAGES / THREADS, PAGES / THREADS);
                    for generation in 1..5 {
                        let count = 1 + (number + usize::from(generation)) % (PAGES / THREADS);
                        if !shadow.write(ring, file, count, generation) || !shadow.check(ring, file)
                        {
                            break;
                        }
                    }
                    shadow
                }
            };
            let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(run(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for shadow in shadows {
            shadow.check_file(&file);
        }
    }
}

/// The end comes while batches are on their way: each returns once, done in full or refused.
#[test]
fn close_in_the_middle_loses_nothing() {
    for seed in 0..SEEDS / 8 {
        let file = scratch();
        let ring = Ring::builder()
            .simulated(Simulation::of_trouble(seed))
            .drive(drives(seed))
            .depth(4)
            .build()
            .unwrap();
        thread::scope(|scope| {
            for number in 0..3 {
                let (ring, file) = (&ring, &file);
                scope.spawn(move || {
                    let mut shadow = Shadow::new(number * 8, 8);
                    // As many as there are before the end comes.
                    for generation in (1..=u8::MAX).cycle() {
                        let data = content(number, generation);
                        let pages: Vec<_> = (0..8)
                            .map(|index| PageWrite { offset: shadow.offset(index), data: &data })
                            .collect();
                        let Err(error) = ring.write_pages(file, &pages) else {
                            shadow.apply(&vec![data; 8], &Ok(()));
                            continue;
                        };
                        assert_eq!(error.failures().len(), 8);
                        assert!(error.failures().iter().all(|f| f.cause() == Cause::Closed));
                        break;
                    }
                    shadow.check_file(file);
                });
            }
            thread::yield_now();
            ring.close();
        });
    }
}

/// Vectored writes that own their buffers, some cancelled, some dropped: what an error says was done
/// is done, what succeeded is there in full, and each handle ends once.
#[test]
fn owned_operations_find_exact_bytes() {
    use std::os::unix::fs::FileExt;
    const RANGE: usize = 4_000;
    for seed in 0..SEEDS {
        let file = scratch();
        let ring = Ring::builder()
            .simulated(Simulation::of_everything(seed))
            .drive(drives(seed))
            .depth([1, 3, 9][(seed % 3) as usize])
            .build()
            .unwrap();
        let cut = |number: usize| {
            let whole = content(number, seed as u8).repeat(3);
            let lengths = [seed as usize % 700, 0, number * 37, 512, 1_000];
            let mut rest = &whole[..lengths.iter().sum()];
            let pieces = lengths.map(|length| {
                let (piece, after) = rest.split_at(length);
                rest = after;
                piece.to_vec()
            });
            pieces.to_vec()
        };
        let begin =
            |number: usize| ring.on(&file).write_vectored((number * RANGE) as u64, cut(number));
        let mut writes: Vec<_> = (0..9).map(|number| Some(begin(number))).collect();
        for (number, write) in writes.iter_mut().enumerate() {
            match (seed as usize + number) % 5 {
                0 => write.as_ref().unwrap().cancel(),
                1 => drop(write.take()),
                _ => {}
            }
        }
        for (number, write) in writes.into_iter().enumerate() {
            let Some(write) = write else { continue };
            let completed = write.wait();
            let whole = completed.buffer.concat();
            assert_eq!(whole, cut(number).concat());
            let done = match completed.result {
                Ok(()) => whole.len(),
                Err(error) => {
                    let known =
                        [Cause::Os(libc::ENOSPC), Cause::Cancelled, Cause::RingFailed(libc::EBADF)];
                    assert!(known.contains(&error.cause()), "seed {seed}: {error}");
                    error.done()
                }
            };
            let mut bytes = vec![0; done];
            file.as_std().read_exact_at(&mut bytes, (number * RANGE) as u64).unwrap();
            assert!(bytes == whole[..done], "seed {seed}, write {number}");
        }
    }
}
