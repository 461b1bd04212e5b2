//! Batches of pages through a simulated kernel that reorders, shortens, interrupts and fails, as
//! the input decides, against a shadow of the file.
#![no_main]

use arbitrary::Arbitrary;
use latchwork_ringpal::{
    BatchError, Drive, File, OpError, PageRead, PageWrite, Policy, Ring, Simulation,
};
use libfuzzer_sys::fuzz_target;

const SLOTS: usize = 16;
const SLOT: usize = 700;

#[derive(Arbitrary, Debug)]
enum Step {
    /// Pages of so many slots each, from the slot on; the content is the step's number.
    Write {
        first: u8,
        lengths: Vec<u8>,
        commit: bool,
    },
    Read {
        first: u8,
        lengths: Vec<u8>,
    },
    Sync {
        all: bool,
    },
    Nop(u8),
    Close,
}

#[derive(Arbitrary, Debug)]
struct Input {
    seed: u64,
    late: u8,
    short: u8,
    interrupted: u8,
    again: u8,
    busy: u8,
    spurious: u8,
    no_space: u8,
    death: u8,
    depth: u8,
    thread: bool,
    steps: Vec<Step>,
}

/// Places of pages, one after the other.
fn places(first: u8, lengths: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut start = usize::from(first) % SLOTS * SLOT;
    let mut places = Vec::new();
    for length in lengths.iter().take(12) {
        // Some lengths are no multiple of anything.
        let end = start + 1 + usize::from(*length) * 5;
        if end > SLOTS * SLOT {
            break;
        }
        places.push(start..end);
        start = end;
    }
    places
}

/// How many bytes of a page were done.
fn done(result: &Result<(), BatchError>, index: usize, whole: usize) -> usize {
    match result {
        Ok(()) => whole,
        Err(error) => error.outcome(index).map_or_else(OpError::done, |()| whole),
    }
}

fuzz_target!(|input: Input| {
    let mut simulation = Simulation::reordering(input.seed);
    let of_thousand = |chances: u8| u16::from(chances) * 2;
    simulation.late = of_thousand(input.late);
    simulation.short = of_thousand(input.short);
    simulation.interrupted = of_thousand(input.interrupted);
    simulation.again = of_thousand(input.again);
    simulation.busy = of_thousand(input.busy);
    simulation.spurious = of_thousand(input.spurious);
    simulation.no_space = u16::from(input.no_space / 8);
    simulation.death = u16::from(input.death / 16);
    let ring = Ring::builder()
        .simulated(simulation)
        .depth(u32::from(input.depth % 20) + 1)
        .drive(if input.thread { Drive::Thread } else { Drive::Submitter })
        .build()
        .expect("a simulated ring can be built");
    let inner = tempfile::tempfile().expect("a scratch file");
    inner.set_len((SLOTS * SLOT) as u64).expect("a short file");
    let file = File::new(inner, "scratch").with_policy(Policy::Ring);
    let mut shadow = vec![0_u8; SLOTS * SLOT];
    for (number, step) in input.steps.iter().take(40).enumerate() {
        match step {
            Step::Write { first, lengths, commit } => {
                let places = places(*first, lengths);
                let contents: Vec<_> =
                    places.iter().map(|place| vec![number as u8 + 1; place.len()]).collect();
                let writes: Vec<_> = places
                    .iter()
                    .zip(&contents)
                    .map(|(place, data)| PageWrite { offset: place.start as u64, data })
                    .collect();
                let result = if *commit {
                    ring.commit(&file, &writes)
                } else {
                    ring.write_pages(&file, &writes)
                };
                for (index, place) in places.iter().enumerate() {
                    let done = done(&result, index, place.len());
                    shadow[place.start..place.start + done].fill(number as u8 + 1);
                }
            }
            Step::Read { first, lengths } => {
                let places = places(*first, lengths);
                let mut buffers: Vec<_> =
                    places.iter().map(|place| vec![0xee; place.len()]).collect();
                let mut reads: Vec<_> = places
                    .iter()
                    .zip(&mut buffers)
                    .map(|(place, data)| PageRead { offset: place.start as u64, data })
                    .collect();
                let result = ring.read_pages(&file, &mut reads);
                for (index, (place, buffer)) in places.iter().zip(&buffers).enumerate() {
                    let done = done(&result, index, place.len());
                    assert!(buffer[..done] == shadow[place.start..place.start + done]);
                }
            }
            // A failure here is one that the simulation made.
            Step::Sync { all: true } => drop(ring.fsync(&file)),
            Step::Sync { all: false } => drop(ring.fdatasync(&file)),
            Step::Nop(count) => drop(ring.nop(usize::from(count % 8))),
            Step::Close => ring.close(),
        }
    }
    drop(ring);
    let mut bytes = vec![0; SLOTS * SLOT];
    std::os::unix::fs::FileExt::read_exact_at(file.as_std(), &mut bytes, 0).expect("the file");
    assert!(bytes == shadow, "the file is not what was reported");
});
