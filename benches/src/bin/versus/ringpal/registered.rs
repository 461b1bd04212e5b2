//! What registered files and buffers would gain: a raw ring with them, against one without.

use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, squeue, types};
use latchwork_benches::{Contender, Stopwatch, Versus, process_cpu};

use super::{BATCH, GROUP, Offsets, PAGE, Scratch, reap};

pub(super) fn row(versus: &mut Versus, scratch: &Scratch) {
    let batches = versus.sized(100, 3);
    let (file, page) = (scratch.direct.as_std().as_raw_fd(), scratch.page.as_ptr());
    let ring = || IoUring::new(256).expect("allowed before");
    let with = ring();
    let vector = libc::iovec { iov_base: page.cast_mut().cast(), iov_len: PAGE };
    with.submitter().register_files(&[file]).expect("a file");
    // SAFETY: the page outlives the ring.
    unsafe { with.submitter().register_buffers(&[vector]) }.expect("a buffer");
    let mut with = Writer { ring: with, offsets: Offsets(1), batches };
    let mut without = Writer { ring: ring(), offsets: Offsets(2), batches };
    let registered = || {
        with.write(|offset| {
            opcode::WriteFixed::new(types::Fixed(0), page, PAGE as u32, 0).offset(offset).build()
        })
    };
    let plain = Contender::new("io-uring", move || {
        without.write(|offset| {
            opcode::Write::new(types::Fd(file), page, PAGE as u32).offset(offset).build()
        })
    });
    versus.compare((GROUP, "registered_32", "ns cpu/op"), 9, registered, vec![plain]);
}

struct Writer {
    ring: IoUring,
    offsets: Offsets,
    batches: usize,
}

impl Writer {
    /// The cost of a write.
    fn write(&mut self, entry: impl Fn(u64) -> squeue::Entry) -> f64 {
        let watch = Stopwatch::start(process_cpu);
        for _ in 0..self.batches {
            for offset in self.offsets.batch::<BATCH>() {
                // SAFETY: the page and the file live until the completions are reaped below.
                unsafe { self.ring.submission().push(&entry(offset)) }.expect("room");
            }
            reap(&mut self.ring, BATCH);
        }
        watch.per((self.batches * BATCH) as u64)
    }
}
