//! Peers that bring a thread or a runtime of their own.

use latchwork_benches::{Contender, Stopwatch, process_cpu};

/// Batches of operations that do nothing: submitted together, then waited for.
pub(super) fn nops<'a>(batches: usize, batch: usize) -> Vec<Contender<'a>> {
    let operations = (batches * batch) as u64;
    let (_thread, handle) = i2o2::builder().try_spawn::<()>().expect("allowed before");
    let i2o2 = Contender::new("i2o2", move || {
        let watch = Stopwatch::start(process_cpu);
        let mut replies = Vec::with_capacity(batch);
        for _ in 0..batches {
            for _ in 0..batch {
                // SAFETY: no memory.
                let reply = unsafe { handle.submit(i2o2::opcode::Nop::new(), None) };
                replies.push(reply.expect("a scheduler at work"));
            }
            for reply in replies.drain(..) {
                assert_eq!(reply.wait(), Ok(0));
            }
        }
        watch.per(operations)
    });
    let tokio_uring = Contender::new("tokio-uring", move || {
        tokio_uring::start(async move {
            let watch = Stopwatch::start(process_cpu);
            let mut started = Vec::with_capacity(batch);
            for _ in 0..batches {
                started.extend((0..batch).map(|_| tokio_uring::spawn(tokio_uring::no_op())));
                for operation in started.drain(..) {
                    operation.await.expect("no panics").expect("a no-op");
                }
            }
            watch.per(operations)
        })
    });
    vec![i2o2, tokio_uring]
}
