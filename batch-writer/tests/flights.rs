//! Syncs in flight while the next batch is written, among threads.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use latchwork_batch_writer::log::Log;
use latchwork_batch_writer::{
    Batch, Cause, DetachedSync, Options, Sink, SubmitError, WriteFailure,
};

/// What strikes the sync of this number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strike {
    Error(usize),
    Panic(usize),
    /// After it, in the middle of landing.
    Landing(usize),
    Never,
}

/// What was written, how much of it was acknowledged, and how many syncs there were.
#[derive(Default)]
struct Disk {
    written: Vec<u32>,
    landed: usize,
    failed: bool,
    syncs: usize,
}

struct Flying {
    disk: Arc<Mutex<Disk>>,
    strike: Strike,
}

struct Detached {
    disk: Arc<Mutex<Disk>>,
    upto: usize,
    number: usize,
    strike: Strike,
}

fn locked(disk: &Mutex<Disk>) -> std::sync::MutexGuard<'_, Disk> {
    disk.lock().expect("nothing panics with the lock")
}

impl DetachedSync<&'static str> for Detached {
    fn sync(&mut self) -> Result<(), &'static str> {
        if self.number.is_multiple_of(3) {
            // So that a later one ends first.
            thread::yield_now();
        }
        if self.strike == Strike::Error(self.number) {
            return Err("EIO");
        }
        assert!(self.strike != Strike::Panic(self.number), "struck");
        Ok(())
    }

    fn landed(&mut self) {
        assert!(self.strike != Strike::Landing(self.number), "struck");
        let mut disk = locked(&self.disk);
        assert!(self.upto > disk.landed, "landed out of turn");
        disk.landed = self.upto;
    }
}

impl Sink for Flying {
    type Op = u32;
    type Output = usize;
    type Error = &'static str;

    fn bytes(_: &u32) -> usize {
        4
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, u32, usize, &'static str>,
    ) -> Result<(), WriteFailure<&'static str>> {
        let mut disk = locked(&self.disk);
        for index in 0..batch.len() {
            disk.written.push(*batch.op(index));
            batch.accept(index, disk.written.len() - 1);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), &'static str> {
        unreachable!("its syncs can be detached")
    }

    fn detach_sync(&mut self, lane: usize) -> Option<Box<dyn DetachedSync<&'static str>>> {
        assert!(lane < 2);
        let mut disk = locked(&self.disk);
        assert!(!disk.failed);
        disk.syncs += 1;
        let (upto, number) = (disk.written.len(), disk.syncs - 1);
        Some(Box::new(Detached { disk: Arc::clone(&self.disk), upto, number, strike: self.strike }))
    }

    fn position(&self) -> u64 {
        locked(&self.disk).written.len() as u64
    }

    fn close(&mut self) -> Result<(), &'static str> {
        let disk = locked(&self.disk);
        assert_eq!(disk.landed, disk.written.len(), "closed with a sync in flight");
        Ok(())
    }
}

#[test]
fn nobody_is_told_what_is_not_so() {
    for lanes in [1, 2] {
        fly(lanes, Strike::Never);
        for at in [0, 1, 2, 9, 40] {
            for strike in [Strike::Error(at), Strike::Panic(at), Strike::Landing(at)] {
                fly(lanes, strike);
            }
        }
    }
}

fn fly(lanes: usize, strike: Strike) {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let sink = Flying { disk: Arc::clone(&disk), strike };
    let writer = Options::new().batch_operations(3).syncs_in_flight(lanes).build(sink);
    let outcomes = thread::scope(|scope| {
        let submitters: Vec<_> = (0..6_u32)
            .map(|number| {
                let writer = &writer;
                scope.spawn(move || {
                    let submit = |op| {
                        let submit = AssertUnwindSafe(|| writer.submit(op));
                        let outcome = catch_unwind(submit).ok();
                        if outcome.is_none() || matches!(outcome, Some(Err(_))) {
                            assert!(writer.poison().is_some(), "told before the gate was shut");
                        }
                        (op, outcome)
                    };
                    (0..40).map(|op| submit(number * 100 + op)).collect::<Vec<_>>()
                })
            })
            .collect();
        let outcomes = submitters.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.collect::<Result<Vec<_>, _>>().expect("panics are caught")
    });
    let (mut told, mut never) = (BTreeSet::new(), BTreeSet::new());
    for (op, outcome) in outcomes.into_iter().flatten() {
        match outcome {
            None => assert!(!matches!(strike, Strike::Never | Strike::Error(_))),
            Some(Ok(place)) => {
                assert_eq!(locked(&disk).written[place], op);
                told.insert(op);
            }
            Some(Err(SubmitError::Poisoned(back, poison))) => {
                assert_eq!(back, op);
                assert!(poison.durable_upto <= locked(&disk).landed as u64);
                never.insert(op);
            }
            Some(Err(SubmitError::Unknown(Cause::Sync("EIO") | Cause::Panic))) => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
    let flights = writer.metrics().detached;
    assert!(writer.poison().is_some() || writer.close().is_ok());
    drop(writer);
    let disk = locked(&disk);
    assert_eq!(flights, disk.syncs as u64);
    let landed: BTreeSet<_> = disk.written[..disk.landed].iter().copied().collect();
    let written: BTreeSet<_> = disk.written.iter().copied().collect();
    assert_eq!(written.len(), disk.written.len(), "nothing is executed twice");
    assert!(told.is_subset(&landed), "acknowledged, and not landed");
    assert!(never.is_disjoint(&written), "reported as not executed, and executed");
}

/// A sync that submits to its own writer would wait for itself.
#[test]
fn a_submission_from_within_a_flight_is_an_error() {
    type Writer = std::sync::OnceLock<latchwork_batch_writer::BatchWriter<Calling>>;
    // Weak: a writer doesn't keep itself.
    struct Calling(Weak<Writer>);
    struct Call(Weak<Writer>);
    impl DetachedSync<&'static str> for Call {
        fn sync(&mut self) -> Result<(), &'static str> {
            let writer = self.0.upgrade().expect("the test has it");
            let writer = writer.get().expect("it was built before it is used");
            assert!(matches!(writer.submit(7), Err(SubmitError::Reentered(7))));
            assert!(matches!(writer.flush(), Err(SubmitError::Reentered(()))));
            Ok(())
        }
    }
    impl Sink for Calling {
        type Op = u32;
        type Output = ();
        type Error = &'static str;
        fn bytes(_: &u32) -> usize {
            4
        }
        fn write(
            &mut self,
            batch: &mut Batch<'_, u32, (), &'static str>,
        ) -> Result<(), WriteFailure<&'static str>> {
            (0..batch.len()).for_each(|index| batch.accept(index, ()));
            Ok(())
        }
        fn sync(&mut self) -> Result<(), &'static str> {
            Ok(())
        }
        fn detach_sync(&mut self, _: usize) -> Option<Box<dyn DetachedSync<&'static str>>> {
            Some(Box::new(Call(Weak::clone(&self.0))))
        }
        fn position(&self) -> u64 {
            0
        }
    }
    let writer = Arc::new(Writer::new());
    let built = Options::new().syncs_in_flight(2).build(Calling(Arc::downgrade(&writer)));
    let writer = writer.get_or_init(|| built);
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
