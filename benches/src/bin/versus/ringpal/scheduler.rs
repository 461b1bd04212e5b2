//! i2o2, the nearest peer: many threads, one thread that drives the ring. Its build makes bindings
//! to liburing's C and needs libclang with its headers (Debian: `libclang-dev`), so it is a peer
//! only where that is asked for:
//!
//! ```console
//! RUSTFLAGS="--cfg latchwork_i2o2" cargo versus ringpal/
//! ```
//!
//! It is no cargo feature, since every feature must build on every machine that checks the
//! workspace.

#[cfg(latchwork_i2o2)]
pub(super) use built::{nops, writes};
#[cfg(not(latchwork_i2o2))]
pub(super) use left_out::{nops, writes};

#[cfg(latchwork_i2o2)]
mod built {
    use std::os::fd::AsRawFd;

    use i2o2::opcode;
    use latchwork_benches::{Contender, Stopwatch, process_cpu};

    use super::super::{BATCH, Offsets, PAGE, Writing};

    /// Batches of operations that do nothing.
    pub(in super::super) fn nops<'a>(
        _row: &str,
        batches: usize,
        batch: usize,
    ) -> Option<Contender<'a>> {
        Some(Contender::new("i2o2", move || {
            with_scheduler(|handle| {
                let watch = Stopwatch::start(process_cpu);
                let mut begun = Vec::with_capacity(batch);
                for _ in 0..batches {
                    // SAFETY: no memory.
                    let nop = || unsafe { handle.submit(opcode::Nop::new(), None) };
                    begun.extend((0..batch).map(|_| nop().expect("it runs")));
                    for reply in begun.drain(..) {
                        assert_eq!(reply.wait(), Ok(0));
                    }
                }
                watch.per((batches * batch) as u64)
            })
        }))
    }

    /// Batches of direct writes.
    pub(in super::super) fn writes<'a>(
        _row: &str,
        writing: Writing<'a>,
        batches: usize,
    ) -> Option<Contender<'a>> {
        let mut offsets = Offsets(6);
        Some(Contender::new("i2o2", move || {
            let file = (writing.open)();
            let write = |offset| {
                let fd = opcode::types::Fd(file.as_raw_fd());
                opcode::Write::new(fd, writing.page.as_ptr(), PAGE, offset)
            };
            with_scheduler(|handle| {
                let watch = Stopwatch::start(process_cpu);
                let mut begun = Vec::with_capacity(BATCH);
                for _ in 0..batches {
                    // SAFETY: the page lives for ever, the file until the scheduler is gone.
                    let begin = |offset| unsafe { handle.submit(write(offset), None) };
                    begun.extend(offsets.batch::<BATCH>().map(|at| begin(at).expect("it runs")));
                    for reply in begun.drain(..) {
                        assert_eq!(reply.wait(), Ok(PAGE as i32));
                    }
                }
                watch.per((batches * BATCH) as u64)
            })
        }))
    }

    /// Its thread is there only for its own rounds, so that others don't pay for it.
    fn with_scheduler<T>(work: impl FnOnce(&i2o2::I2o2Handle<()>) -> T) -> T {
        let (thread, handle) = i2o2::create_and_spawn().expect("a ring was allowed before");
        let result = work(&handle);
        drop(handle);
        thread.join().expect("no panics").expect("a scheduler that ends well");
        result
    }
}

#[cfg(not(latchwork_i2o2))]
mod left_out {
    use latchwork_benches::Contender;

    use super::super::{GROUP, Writing};

    pub(in super::super) fn nops<'a>(row: &str, _: usize, _: usize) -> Option<Contender<'a>> {
        skip(row)
    }

    pub(in super::super) fn writes<'a>(
        row: &str,
        _: Writing<'a>,
        _: usize,
    ) -> Option<Contender<'a>> {
        skip(row)
    }

    fn skip<'a>(row: &str) -> Option<Contender<'a>> {
        println!(
            "{GROUP}/{row}: i2o2 skipped: built without it (--cfg latchwork_i2o2, and libclang)"
        );
        None
    }
}
