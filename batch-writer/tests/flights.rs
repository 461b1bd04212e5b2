//! Syncs in flight while the next batch is written, among threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod store;

use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use latchwork_batch_writer::log::Log;
use latchwork_batch_writer::{
    Batch, BatchWriter, Cause, DetachedSync, Options, Sink, SubmitError, WriteFailure,
};

use store::{Broken, Store, crowd};

/// What happens to a sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Sync,
    /// After it, in the middle of landing.
    Landing,
}

/// Called at each moment of each sync, by its number.
type Hook = Arc<dyn Fn(Moment, usize) -> Result<(), Broken> + Send + Sync>;

/// A store that lets its syncs go.
struct Flying {
    store: Store<u32>,
    hook: Hook,
}

struct Detached {
    store: Store<u32>,
    upto: usize,
    number: usize,
    hook: Hook,
}

impl Flying {
    fn new(
        store: &Store<u32>,
        hook: impl Fn(Moment, usize) -> Result<(), Broken> + Send + Sync + 'static,
    ) -> Self {
        Self { store: store.clone(), hook: Arc::new(hook) }
    }
}

impl DetachedSync<Broken> for Detached {
    fn sync(&mut self) -> Result<(), Broken> {
        if self.number.is_multiple_of(3) {
            // So that a later one ends first.
            thread::yield_now();
        }
        (self.hook)(Moment::Sync, self.number)
    }

    fn landed(&mut self) {
        (self.hook)(Moment::Landing, self.number).expect("a landing can't fail");
        let mut disk = self.store.disk();
        assert!(self.upto > disk.synced, "landed out of turn");
        disk.synced = self.upto;
    }
}

impl Sink for Flying {
    type Op = u32;
    type Output = usize;
    type Error = Broken;

    fn bytes(op: &u32) -> usize {
        Store::bytes(op)
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, u32, usize, Broken>,
    ) -> Result<(), WriteFailure<Broken>> {
        self.store.write(batch)
    }

    fn sync(&mut self) -> Result<(), Broken> {
        unreachable!("its syncs can be detached")
    }

    fn detach_sync(&mut self, lane: usize) -> Option<Box<dyn DetachedSync<Broken>>> {
        assert!(lane < 2);
        let mut disk = self.store.disk();
        disk.detached += 1;
        let (upto, number) = (disk.written.len(), disk.detached - 1);
        let (store, hook) = (self.store.clone(), Arc::clone(&self.hook));
        Some(Box::new(Detached { store, upto, number, hook }))
    }

    fn position(&self) -> u64 {
        self.store.disk().written.len() as u64
    }

    fn close(&mut self) -> Result<(), Broken> {
        self.store.close()
    }
}

/// What strikes the sync of this number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strike {
    Never,
    Error(usize),
    Panic(Moment, usize),
}

#[test]
fn nobody_is_told_what_is_not_so() {
    for lanes in [1, 2] {
        fly(lanes, Strike::Never);
        for at in [0, 1, 2, 9, 40] {
            fly(lanes, Strike::Error(at));
            fly(lanes, Strike::Panic(Moment::Sync, at));
            fly(lanes, Strike::Panic(Moment::Landing, at));
        }
    }
}

fn fly(lanes: usize, strike: Strike) {
    let store = Store::new();
    let sink = Flying::new(&store, move |moment, number| {
        assert!(strike != Strike::Panic(moment, number), "struck");
        let fails = moment == Moment::Sync && strike == Strike::Error(number);
        if fails { Err("EIO") } else { Ok(()) }
    });
    let writer = Options::new().batch_operations(3).syncs_in_flight(lanes).build(sink);
    let told = crowd(&writer);
    for (_, told) in &told {
        match told {
            None => assert!(matches!(strike, Strike::Panic(..))),
            Some(Err(SubmitError::Unknown(cause))) => {
                assert!(matches!(cause, Cause::Sync("EIO") | Cause::Panic), "{cause:?}");
            }
            Some(_) => {}
        }
    }
    let flights = writer.metrics().detached;
    assert!(writer.poison().is_some() || writer.close().is_ok());
    drop(writer);
    let disk = store.disk();
    assert_eq!(flights, disk.detached as u64);
    disk.check(told);
}

/// A sync that submits to its own writer would wait for itself.
#[test]
fn a_submission_from_within_a_flight_is_an_error() {
    // Weak: a writer doesn't keep itself.
    let writer = Arc::new(OnceLock::<BatchWriter<Flying>>::new());
    let own: Weak<_> = Arc::downgrade(&writer);
    let sink = Flying::new(&Store::new(), move |moment, _| {
        if moment == Moment::Sync {
            let writer = own.upgrade().expect("the test has it");
            let writer = writer.get().expect("it was built before it is used");
            assert!(matches!(writer.submit(7), Err(SubmitError::Reentered(7))));
            assert!(matches!(writer.flush(), Err(SubmitError::Reentered(()))));
        }
        Ok(())
    });
    let writer = writer.get_or_init(|| Options::new().syncs_in_flight(2).build(sink));
    writer.submit(1).expect("the outer one goes through");
    writer.submit(2).expect("and the next");
}

#[test]
fn a_log_with_syncs_in_flight_keeps_what_it_acknowledged() {
    let name = format!("batch-writer-flights-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&directory);
    for lanes in [1, 2, 1] {
        let options = Log::<Vec<u8>>::options().segment_bytes(16 << 10).syncs_in_flight(lanes);
        let log = options.open(&directory, |_| ()).expect("the log opens");
        let reader = log.reader();
        let writer = Options::new().syncs_in_flight(lanes).build(log);
        thread::scope(|scope| {
            for number in 0..6_u8 {
                let (writer, reader) = (&writer, &reader);
                scope.spawn(move || {
                    for length in 0..60 {
                        let payload = vec![number; 100 + length];
                        let place = writer.submit(payload.clone()).expect("the disk works");
                        assert!(reader.durable_upto() > place.sequence);
                        assert_eq!(reader.read(place).expect("it is there"), payload);
                    }
                });
            }
        });
        assert!(writer.metrics().detached > 0);
        writer.close().expect("the disk works");
    }
    let mut found = 0;
    drop(Log::<Vec<u8>>::options().open(&directory, |_| found += 1).expect("it opens again"));
    assert_eq!(found, 3 * 6 * 60);
    let _ = std::fs::remove_dir_all(&directory);
}
