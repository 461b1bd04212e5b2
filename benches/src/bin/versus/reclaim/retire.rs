//! Allocate, swap, retire, under a guard for each.

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::AcqRel;

use latchwork_benches::{Contender, Versus};
use latchwork_reclaim::{Atomic, Guard, Handle, Hazard, Interval, Owned, Scheme, epoch};
use seize::Guard as _;

use super::{GROUP, cost};

pub(super) fn rows(versus: &mut Versus) {
    let count = versus.sized(200_000, 5_000);
    if versus.wants(GROUP, "retire_epoch") {
        let cell = Atomic::new(Owned::new(0_u64));
        let ours = || {
            cost(count, || {
                let guard = epoch::pin();
                let old = cell.swap(Owned::new(1), AcqRel, &guard);
                // SAFETY: the cell was the only way to it.
                unsafe { guard.retire(old) };
            })
        };
        versus.compare((GROUP, "retire_epoch", "ns"), 21, ours, epoch_peers(count));
    }
    if versus.wants(GROUP, "retire_interval") {
        let kovan = kovan::Atom::new(0_u64);
        versus.compare(
            (GROUP, "retire_interval", "ns"),
            21,
            ours(&Interval::new(), count),
            vec![Contender::new("kovan", || cost(count, || kovan.store(1)))],
        );
    }
    if versus.wants(GROUP, "retire_hazard") {
        let haphazard = haphazard::AtomicPtr::from(Box::new(0_u64));
        versus.compare(
            (GROUP, "retire_hazard", "ns"),
            21,
            ours(&Hazard::new(), count),
            vec![Contender::new("haphazard", || {
                cost(count, || {
                    if let Some(old) = haphazard.swap(Box::new(1)) {
                        // SAFETY: the cell was the only way to it.
                        unsafe { old.retire() };
                    }
                })
            })],
        );
    }
}

fn epoch_peers<'a>(count: u64) -> Vec<Contender<'a>> {
    let crossbeam = crossbeam_epoch::Atomic::new(0_u64);
    let sdd = sdd::AtomicOwned::new(0_u64);
    let (collector, seize) = (seize::Collector::new(), AtomicPtr::new(ptr::null_mut::<u64>()));
    vec![
        Contender::new("crossbeam-epoch", move || {
            cost(count, || {
                let guard = crossbeam_epoch::pin();
                let old = crossbeam.swap(crossbeam_epoch::Owned::new(1), AcqRel, &guard);
                // SAFETY: the cell was the only way to it.
                unsafe { guard.defer_destroy(old) };
            })
        }),
        Contender::new("sdd", move || {
            cost(count, || {
                let _guard = sdd::Guard::new();
                drop(sdd.swap((Some(sdd::Owned::new(1)), sdd::Tag::None), AcqRel));
            })
        }),
        Contender::new("seize", move || {
            cost(count, || {
                let guard = collector.enter();
                let old = guard.swap(&seize, Box::into_raw(Box::new(1)), AcqRel);
                if !old.is_null() {
                    // SAFETY: the cell was the only way to it, a box.
                    unsafe { guard.defer_retire(old, seize::reclaim::boxed) };
                }
            })
        }),
    ]
}

/// Ours, by a handle of any scheme.
fn ours<'a, S: Scheme + 'a>(domain: &S, count: u64) -> impl FnMut() -> f64 + use<'a, S> {
    let mut handle = domain.register();
    let cell = Atomic::new(handle.pin().own(0_u64));
    move || {
        cost(count, || {
            let guard = handle.pin();
            let old = cell.swap(guard.own(1), AcqRel, &guard);
            // SAFETY: the cell was the only way to it.
            unsafe { guard.retire(old) };
        })
    }
}
