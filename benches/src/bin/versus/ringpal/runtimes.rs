//! Peers that are runtimes: a task for each operation of a batch, begun together, then waited for.

use std::rc::Rc;

use compio::driver::op::WriteAt;
use compio::driver::{OpCode, OpEntry, SharedFd};
use compio::runtime::Runtime;
use io_uring::opcode;
use latchwork_benches::{Contender, Stopwatch, process_cpu};

use super::{BATCH, Offsets, PAGE, Writing};

/// Batches of operations that do nothing.
pub(super) fn nops<'a>(batches: usize, batch: usize) -> [Contender<'a>; 2] {
    let operations = (batches * batch) as u64;
    let tokio_uring = Contender::new("tokio-uring", move || {
        tokio_uring::start(async move {
            let watch = Stopwatch::start(process_cpu);
            let mut begun = Vec::with_capacity(batch);
            for _ in 0..batches {
                begun.extend((0..batch).map(|_| tokio_uring::spawn(tokio_uring::no_op())));
                for operation in begun.drain(..) {
                    operation.await.expect("no panics").expect("a no-op");
                }
            }
            watch.per(operations)
        })
    });
    let compio = Contender::new("compio", move || {
        Runtime::new().expect("a ring was allowed before").block_on(async move {
            let watch = Stopwatch::start(process_cpu);
            let mut begun = Vec::with_capacity(batch);
            for _ in 0..batches {
                let nop = || compio::runtime::spawn(compio::runtime::submit(Nop));
                begun.extend((0..batch).map(|_| nop()));
                for operation in begun.drain(..) {
                    operation.await.expect("no panics").0.expect("a no-op");
                }
            }
            watch.per(operations)
        })
    });
    [compio, tokio_uring]
}

/// Batches of direct writes.
pub(super) fn writes(writing: Writing<'_>, batches: usize) -> [Contender<'_>; 2] {
    let page = writing.page;
    let operations = (batches * BATCH) as u64;
    let mut offsets = Offsets(4);
    let open = writing.open;
    let tokio_uring = Contender::new("tokio-uring", move || {
        tokio_uring::start(async {
            let file = Rc::new(tokio_uring::fs::File::from_std(open()));
            let watch = Stopwatch::start(process_cpu);
            let mut begun = Vec::with_capacity(BATCH);
            for _ in 0..batches {
                begun.extend(offsets.batch::<BATCH>().map(|offset| {
                    let file = Rc::clone(&file);
                    tokio_uring::spawn(async move { file.write_at(page, offset).submit().await.0 })
                }));
                for operation in begun.drain(..) {
                    let written = operation.await.expect("no panics").expect("a write");
                    assert_eq!(written, PAGE);
                }
            }
            watch.per(operations)
        })
    });
    let mut offsets = Offsets(5);
    let compio = Contender::new("compio", move || {
        Runtime::new().expect("a ring was allowed before").block_on(async {
            let file = SharedFd::new(open());
            let watch = Stopwatch::start(process_cpu);
            let mut begun = Vec::with_capacity(BATCH);
            for _ in 0..batches {
                begun.extend(offsets.batch::<BATCH>().map(|offset| {
                    let write = WriteAt::new(file.clone(), offset, page);
                    compio::runtime::spawn(compio::runtime::submit(write))
                }));
                for operation in begun.drain(..) {
                    let written = operation.await.expect("no panics").0.expect("a write");
                    assert_eq!(written, PAGE);
                }
            }
            watch.per(operations)
        })
    });
    [compio, tokio_uring]
}

/// compio has no such operation of its own.
struct Nop;

// SAFETY: the entry has no memory and no file.
unsafe impl OpCode for Nop {
    type Control = ();

    fn create_entry(&mut self, (): &mut ()) -> OpEntry {
        opcode::Nop::new().build().into()
    }
}
