//! One submitter's calls over a sink that fails as the input decides: each outcome is the one
//! promised, and nothing is acknowledged that the sink hasn't synced.
#![no_main]

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use latchwork_batch_writer::sinks::{Fault, Point, Trigger};
use latchwork_batch_writer::{Batch, BatchWriter, Sink, SubmitError, TurnError, WriteFailure};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Submit(u8),
    TrySubmit(u8),
    SubmitUntil(u8, bool),
    Flush,
    WithSink,
    Close,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Strike {
    Undone,
    Separable,
    Torn,
    AfterWrite,
    Sync,
}

#[derive(Arbitrary, Debug)]
struct Input {
    /// Which call is struck, and how.
    strikes: Vec<(u8, Strike)>,
    /// The sink refuses operations that are a multiple of this.
    refuses: u8,
    calls: Vec<Call>,
}

#[derive(Default)]
struct Store {
    refuses: u8,
    written: Vec<Box<u8>>,
    synced: usize,
}

impl Sink for Store {
    type Op = Box<u8>;
    type Output = u64;
    type Error = &'static str;

    fn bytes(op: &Box<u8>) -> usize {
        usize::from(**op)
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, Box<u8>, u64, &'static str>,
    ) -> Result<(), WriteFailure<&'static str>> {
        for index in 0..batch.len() {
            let op = batch.op(index).clone();
            if self.refuses > 1 && op.is_multiple_of(self.refuses) {
                batch.reject(index, "refused");
            } else {
                self.written.push(op);
                batch.accept(index, self.written.len() as u64 - 1);
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), &'static str> {
        self.synced = self.written.len();
        Ok(())
    }

    fn position(&self) -> u64 {
        self.written.len() as u64
    }
}

fuzz_target!(|input: Input| {
    let refuses = input.refuses;
    // What strikes a batch, by its number; a sync's number is the batch's too.
    let strike = move |batch: u64| {
        input.strikes.iter().find(|(at, _)| u64::from(*at) == batch).map(|(_, strike)| *strike)
    };
    let of_model = strike.clone();
    let mut batch = 0;
    let mut current = 0;
    let choose = move |point: Point, _| {
        if point == Point::BeforeWrite {
            current = batch;
            batch += 1;
        }
        match (point, strike(current)?) {
            (Point::BeforeWrite, Strike::Undone) => Some(Trigger::Undone("undone")),
            (Point::BeforeWrite, Strike::Separable) => Some(Trigger::Separable("separable")),
            (Point::BeforeWrite, Strike::Torn) => Some(Trigger::Fatal("torn")),
            (Point::AfterWrite, Strike::AfterWrite) => Some(Trigger::Fatal("torn after")),
            (Point::Sync, Strike::Sync) => Some(Trigger::Fatal("sync")),
            _ => None,
        }
    };
    let store = Store { refuses, ..Store::default() };
    let writer = BatchWriter::new(Fault::new(store, choose));
    let (mut poisoned, mut closed) = (false, false);
    let mut acknowledged: Vec<u8> = Vec::new();
    let mut batches = 0;
    for call in input.calls {
        let (op, result) = match call {
            Call::Submit(op) => (op, writer.submit(Box::new(op))),
            Call::TrySubmit(op) => (op, writer.try_submit(Box::new(op))),
            Call::SubmitUntil(op, late) => {
                let in_time = if late { Duration::ZERO } else { Duration::from_mins(10) };
                (op, writer.submit_until(Box::new(op), Instant::now() + in_time))
            }
            Call::Flush => {
                check_turn(writer.flush().map(|_| ()), poisoned, closed);
                continue;
            }
            Call::WithSink => {
                let written = writer.with_sink(|sink| {
                    sink.inner().written[..sink.inner().synced]
                        .iter()
                        .map(|op| **op)
                        .collect::<Vec<_>>()
                });
                if let Ok(written) = &written {
                    assert_eq!(*written, acknowledged);
                }
                check_turn(written.map(|_| ()), poisoned, closed);
                continue;
            }
            Call::Close => {
                let _ = writer.close();
                closed = true;
                continue;
            }
        };
        match result {
            Ok(place) => {
                assert!(!poisoned && !closed);
                assert_eq!(place, acknowledged.len() as u64);
                acknowledged.push(op);
                batches += 1;
            }
            Err(SubmitError::Failed(_)) => {
                let refused = refuses > 1 && op.is_multiple_of(refuses);
                let struck = matches!(of_model(batches), Some(Strike::Undone | Strike::Separable));
                assert!(refused || struck);
                batches += 1;
            }
            Err(SubmitError::Unknown(_)) => {
                assert!(!poisoned && !closed);
                poisoned = true;
            }
            Err(SubmitError::Poisoned(back, poison)) => {
                assert!(poisoned && *back == op);
                assert_eq!(poison.durable_upto, acknowledged.len() as u64);
            }
            Err(SubmitError::Closed(back)) => assert!(closed && *back == op),
            Err(SubmitError::TimedOut(back)) => {
                assert!(*back == op && matches!(call, Call::SubmitUntil(_, true)));
            }
            Err(error) => panic!("one submitter met {error:?}"),
        }
        assert_eq!(writer.poison().is_some(), poisoned);
        assert_eq!(writer.durable_upto(), acknowledged.len() as u64);
    }
});

fn check_turn(result: Result<(), TurnError<&'static str>>, poisoned: bool, closed: bool) {
    assert_eq!(result.is_ok(), !poisoned && !closed, "{result:?}");
}
