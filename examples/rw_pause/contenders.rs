//! The locks and the ways to write.

use std::time::Duration;

use latchwork::rwlock::{Patient, WritePatiently, WriterPriority};

use latchwork::reclaim::{Snapshot, epoch};
use latchwork::rwlock::biased::ReadBiased;

use crate::scene::{Played, Scene, Table, play};

const PATIENCE: Duration = Duration::from_millis(1);

/// Something to play the scene on, by name.
pub(crate) type Contender = (&'static str, fn(Scene) -> Played);

type Ours<P> = latchwork::rwlock::RwLock<u64, P>;
type Bounded = Ours<latchwork::rwlock::Bounded>;

macro_rules! tables {
    ($($name:ident($lock:ty), $read:ident $(. $unwrap:ident)?: |$write:ident| $way:expr;)*) => {$(
        #[derive(Default)]
        struct $name($lock);

        impl Table for $name {
            fn read(&self, hold: impl FnOnce()) -> u64 {
                let number = self.0.$read()$(.$unwrap())?;
                hold();
                *number
            }

            fn write(&self) {
                let $write = &self.0;
                $way
            }
        }
    )*};
}

/// Counts up as soon as one of the tries succeeds.
fn retry<G: std::ops::DerefMut<Target = u64>>(mut attempt: impl FnMut() -> Option<G>) {
    loop {
        if let Some(mut number) = attempt() {
            *number += 1;
            return;
        }
    }
}

tables! {
    Std(std::sync::RwLock<u64>), read.unwrap: |lock| *lock.write().unwrap() += 1;
    StdPolls(std::sync::RwLock<u64>), read.unwrap: |lock| retry(|| {
        let held = lock.try_write().ok();
        if held.is_none() {
            std::thread::sleep(PATIENCE);
        }
        held
    });
    ParkingLot(parking_lot::RwLock<u64>), read: |lock| *lock.write() += 1;
    ParkingLotRetries(parking_lot::RwLock<u64>), read: |lock| retry(|| lock.try_write_for(PATIENCE));
    Plain(Ours<WriterPriority>), read: |lock| *lock.write() += 1;
    PlainRetries(Ours<WriterPriority>), read: |lock| retry(|| lock.try_write_for(PATIENCE));
    Blocking(Bounded), read: |lock| *lock.write() += 1;
    Retries(Bounded), read: |lock| retry(|| lock.try_write_for(PATIENCE));
    Biased(ReadBiased<u64>), read: |lock| *lock.write() += 1;
    Patiently(Ours<WriterPriority>), read: |lock| retry(|| {
        lock.write_patiently(Patient::within(Duration::from_secs(1)).patience(PATIENCE)).ok()
    });
}

/// A version that is replaced whole: readers keep the one that they have, and nobody waits.
struct Replaced(Snapshot<u64>);

impl Default for Replaced {
    fn default() -> Self {
        Self(Snapshot::new(0))
    }
}

impl Table for Replaced {
    fn read(&self, hold: impl FnOnce()) -> u64 {
        let guard = epoch::pin();
        let number = self.0.load(&guard);
        hold();
        *number
    }

    fn write(&self) {
        self.0.update(&epoch::pin(), |number| number + 1);
    }
}

/// Every lock and way to write.
pub(crate) fn contenders() -> Vec<Contender> {
    vec![
        ("std", |scene| play(&Std::default(), scene)),
        ("std, try_write every 1 ms", |scene| play(&StdPolls::default(), scene)),
        ("parking_lot", |scene| play(&ParkingLot::default(), scene)),
        ("parking_lot, 1 ms, retry", |scene| play(&ParkingLotRetries::default(), scene)),
        ("ours, writer priority", |scene| play(&Plain::default(), scene)),
        ("ours, writer priority, 1 ms, retry", |scene| play(&PlainRetries::default(), scene)),
        ("ours, write_patiently, 1 ms", |scene| play(&Patiently::default(), scene)),
        ("ours, bounded, 1 ms, retry", |scene| play(&Retries::default(), scene)),
        ("ours, bounded", |scene| play(&Blocking::default(), scene)),
        ("ours, biased, bounded", |scene| play(&Biased::default(), scene)),
        ("ours, no lock: a snapshot", |scene| play(&Replaced::default(), scene)),
    ]
}
