//! The file log over a simulated disk: batches, losses of power, damage, and files of any content.
//!
//! After a loss of power everything acknowledged is there, and nothing that was taken back. After
//! damage to one place recovery shows a prefix or names the damage; it never shows anything else.
#![no_main]

use arbitrary::Arbitrary;
use latchwork_batch_writer::log::{Log, LogOptions, SimulatedDisk, Storage, StorageFile};
use latchwork_batch_writer::{WriteFailure, commit};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Batch(Vec<u16>),
    LosePower {
        survivors: u64,
    },
    LosePowerAfter(u8),
    Space(u16),
    Forget(u8),
    /// Bits of at most four bytes at one place.
    Damage {
        file: u8,
        offset: u16,
        bits: u32,
    },
    /// A file of any content, under a name that may be a segment's.
    Write {
        number: u8,
        first: u8,
        unfinished: bool,
        bytes: Vec<u8>,
    },
}

fn options() -> LogOptions<Vec<u8>> {
    Log::<Vec<u8>>::options().segment_bytes(8192)
}

fn payload(number: u64, length: u16) -> Vec<u8> {
    let mut bytes = vec![(number % 251) as u8 + 1; usize::from(length % 5000)];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

struct Model {
    disk: SimulatedDisk,
    log: Option<Log<Vec<u8>, SimulatedDisk>>,
    /// From the first that was not forgotten.
    first: u64,
    acknowledged: Vec<Vec<u8>>,
    /// May be there behind them.
    unknown: Vec<Vec<u8>>,
    number: u64,
    damaged: bool,
}

impl Model {
    /// Opens the log; whether it could be.
    fn open(&mut self) -> bool {
        self.log = None;
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        let opened = options().open_in(self.disk.clone(), |record| {
            found.push((record.location.sequence, record.payload.to_vec()));
        });
        let Ok(log) = opened else {
            assert!(self.damaged, "recovery failed: {:?}", opened.err());
            return false;
        };
        let mut possible = std::mem::take(&mut self.acknowledged);
        let durable = possible.len();
        possible.append(&mut self.unknown);
        // What was forgotten may be there still, by whole segments; what is there has no gap.
        let found: Vec<_> = found.into_iter().skip_while(|(at, _)| *at < self.first).collect();
        for (index, (sequence, bytes)) in found.iter().enumerate() {
            assert_eq!(*sequence, self.first + index as u64);
            assert_eq!(Some(bytes), possible.get(index), "never submitted so");
        }
        assert!(self.damaged || found.len() >= durable, "acknowledged records are missing");
        self.acknowledged = found.into_iter().map(|(_, bytes)| bytes).collect();
        self.log = Some(log);
        true
    }

    fn crash(&mut self, survivors: u64) {
        self.log = None;
        let mut state = survivors | 1;
        self.disk.crash(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state & 2 != 0
        });
    }

    /// Whether the run goes on.
    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Batch(lengths) => {
                let Some(log) = &mut self.log else { return true };
                let batch: Vec<_> = lengths
                    .iter()
                    .take(6)
                    .map(|length| {
                        self.number += 1;
                        payload(self.number, *length)
                    })
                    .collect();
                if batch.is_empty() {
                    return true;
                }
                match commit(log, batch.clone()) {
                    Ok(_) => self.acknowledged.extend(batch),
                    Err(WriteFailure::Undone(_) | WriteFailure::Separable(_)) => {}
                    Err(WriteFailure::Torn(_)) => {
                        self.unknown = batch;
                        // As a writer does: nothing more is written into it.
                        self.log = None;
                    }
                }
                true
            }
            Step::LosePower { survivors } => {
                self.crash(*survivors);
                self.open()
            }
            Step::LosePowerAfter(steps) => {
                self.disk.lose_power_after(u64::from(*steps));
                true
            }
            Step::Space(bytes) => {
                self.disk.leave_space(u64::from(*bytes) * 4);
                true
            }
            Step::Forget(share) => {
                let Some(log) = &mut self.log else { return true };
                let count = self.acknowledged.len() as u64;
                let before = self.first + count * u64::from(*share) / 256;
                // Without power some of the segments stay.
                let _ = log.forget_before(before);
                let gone = (before - self.first) as usize;
                self.first = before;
                self.acknowledged.drain(..gone);
                true
            }
            Step::Damage { file, offset, bits } => {
                // With power, so that what is damaged is what is there.
                self.crash(u64::MAX);
                let names = self.disk.names().expect("the disk works");
                let Some(name) = names.get(usize::from(*file) % names.len().max(1)) else {
                    return true;
                };
                let length = self.disk.content(name).map_or(0, |content| content.len());
                if length < 4 {
                    return true;
                }
                let at = usize::from(*offset) % (length - 3);
                self.disk.damage(name, at, |bytes| {
                    for (byte, bits) in bytes.iter_mut().zip(bits.to_le_bytes()) {
                        *byte ^= bits;
                    }
                });
                self.damaged = true;
                // One damage a run: of two, the second may mend what the first broke.
                self.open();
                false
            }
            Step::Write { number, first, unfinished, bytes } => {
                self.crash(u64::MAX);
                let name = if *unfinished {
                    format!("{number:010}.new")
                } else {
                    format!("{number:010}-{first:020}.log")
                };
                let file = self.disk.create(&name).expect("the disk works");
                let _ = file.write_all_at(bytes, 0);
                let _ = file.sync();
                let _ = self.disk.sync_names();
                // Whatever it says, it says it without a panic.
                drop(options().open_in(self.disk.clone(), |_| {}));
                false
            }
        }
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut model = Model {
        disk: SimulatedDisk::new(),
        log: None,
        first: 0,
        acknowledged: Vec::new(),
        unknown: Vec::new(),
        number: 0,
        damaged: false,
    };
    if !model.open() {
        return;
    }
    for step in steps.iter().take(40) {
        if !model.step(step) {
            return;
        }
    }
    model.crash(0x5eed);
    model.open();
});
