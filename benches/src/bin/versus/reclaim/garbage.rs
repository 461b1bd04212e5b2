//! Peak garbage while a reader stalls.

use latchwork_benches::{Row, Versus};
use latchwork_reclaim::{Atomic, Epoch, Guard, Handle, Hazard, Interval, Owned, Scheme, Shield};
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::{AtomicU64, Ordering};

use super::GROUP;

static LIVE: AtomicU64 = AtomicU64::new(0);

/// With a size: objects without one would share an address.
struct Counted(#[allow(dead_code, reason = "for its size")] u64);

impl Counted {
    fn new() -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self(0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn rows(versus: &mut Versus) {
    row(versus, "garbage_epoch", &Epoch::new());
    row(versus, "garbage_interval", &Interval::new());
    row(versus, "garbage_hazard", &Hazard::new());
}

fn row<S: Scheme>(versus: &mut Versus, name: &str, domain: &S) {
    if !versus.wants(GROUP, name) {
        return;
    }
    let retires = versus.sized(1_000_000, 10_000);
    let (mut reader, mut writer) = (domain.register(), domain.register());
    let mut cell = Atomic::new(writer.pin().own(Counted::new()));
    let stalled = reader.pin();
    let mut shield = stalled.shield();
    shield.protect(&cell);
    let mut peak = 0;
    for _ in 0..retires {
        let guard = writer.pin();
        let old = cell.swap(guard.own(Counted::new()), AcqRel, &guard);
        // SAFETY: the cell was the only way to it.
        unsafe { guard.retire(old) };
        // Less the one in the cell.
        peak = peak.max(LIVE.load(Ordering::Relaxed) - 1);
    }
    drop(shield);
    drop(stalled);
    // SAFETY: nobody else knows the cell.
    drop(unsafe { cell.take() }.map(Owned::into_inner));
    writer.barrier();
    versus.push(Row {
        group: GROUP.into(),
        row: name.into(),
        peer: None,
        unit: "objects".into(),
        #[allow(clippy::cast_precision_loss)]
        ours: peak as f64,
        theirs: None,
        ratio: None,
        rounds: 1,
        spread: 0.0,
    });
}
