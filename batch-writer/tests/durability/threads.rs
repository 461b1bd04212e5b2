//! Faults in every place, among threads.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;

use latchwork_batch_writer::sinks::{Fault, Point, Trigger};
use latchwork_batch_writer::{Batch, Options, Sink, SubmitError, WriteFailure};

/// What was written, and how much of it synced; it outlives the writer.
#[derive(Default)]
struct Disk {
    written: Vec<u32>,
    synced: usize,
}

struct Shared(Arc<Mutex<Disk>>);

impl Sink for Shared {
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
        let mut disk = self.0.lock().expect("nothing panics in here");
        for index in 0..batch.len() {
            disk.written.push(*batch.op(index));
            batch.accept(index, ());
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), &'static str> {
        let mut disk = self.0.lock().expect("nothing panics in here");
        disk.synced = disk.written.len();
        Ok(())
    }

    fn position(&self) -> u64 {
        self.0.lock().expect("nothing panics in here").synced as u64
    }
}

#[test]
fn nobody_is_told_what_is_not_so() {
    let triggers =
        [Trigger::Undone("no"), Trigger::Separable("no"), Trigger::Fatal("no"), Trigger::Panic];
    for point in [Point::BeforeWrite, Point::AfterWrite, Point::Sync] {
        for trigger in &triggers {
            for at in [0, 1, 7, 50] {
                strike(point, trigger, at);
            }
        }
    }
}

fn strike(point: Point, trigger: &Trigger<&'static str>, at: u64) {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let trigger = trigger.clone();
    let choose = move |reached, times| (reached == point && times == at).then(|| trigger.clone());
    let writer =
        Options::new().batch_operations(3).build(Fault::new(Shared(Arc::clone(&disk)), choose));
    let (mut told, mut never, mut poisoned) = (BTreeSet::new(), BTreeSet::new(), false);
    let outcomes = thread::scope(|scope| {
        let submitters: Vec<_> = (0..6_u32)
            .map(|number| {
                let writer = &writer;
                scope.spawn(move || {
                    let submit = |op| {
                        let submit = std::panic::AssertUnwindSafe(|| writer.submit(op));
                        std::panic::catch_unwind(submit).ok().map(|outcome| (op, outcome))
                    };
                    (0..40).map(|op| submit(number * 100 + op)).collect::<Vec<_>>()
                })
            })
            .collect();
        let outcomes = submitters.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.collect::<Result<Vec<_>, _>>().expect("panics are caught")
    });
    for (op, outcome) in outcomes.into_iter().flatten().flatten() {
        match outcome {
            Ok(()) => drop(told.insert(op)),
            Err(SubmitError::Failed(_)) => drop(never.insert(op)),
            Err(SubmitError::Poisoned(back, _)) => {
                assert_eq!(back, op);
                poisoned = true;
                never.insert(op);
            }
            Err(SubmitError::Unknown(_)) => poisoned = true,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(writer.poison().is_some(), writer.metrics().poisoned);
    assert!(!poisoned || writer.poison().is_some());
    let disk = disk.lock().expect("nothing panics in here");
    let synced: BTreeSet<_> = disk.written[..disk.synced].iter().copied().collect();
    let written: BTreeSet<_> = disk.written.iter().copied().collect();
    assert_eq!(written.len(), disk.written.len(), "nothing is executed twice");
    assert!(told.is_subset(&synced), "acknowledged, and not durable");
    assert!(never.is_disjoint(&written), "reported as not executed, and executed");
}
