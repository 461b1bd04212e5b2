//! Peers that are runtimes.

use latchwork_benches::{Contender, Stopwatch, process_cpu};

/// Batches of operations that do nothing: begun together, then waited for.
pub(super) fn nops<'a>(batches: usize, batch: usize) -> Contender<'a> {
    Contender::new("tokio-uring", move || {
        tokio_uring::start(async move {
            let watch = Stopwatch::start(process_cpu);
            let mut begun = Vec::with_capacity(batch);
            for _ in 0..batches {
                begun.extend((0..batch).map(|_| tokio_uring::spawn(tokio_uring::no_op())));
                for operation in begun.drain(..) {
                    operation.await.expect("no panics").expect("a no-op");
                }
            }
            watch.per((batches * batch) as u64)
        })
    })
}
