//! The cost of protecting one object.

use std::hint::black_box;

use haphazard::HazardPointer;
use latchwork_benches::{Contender, Versus};
use latchwork_reclaim::{Atomic, Guard, Hazard, Owned, Shield};

use super::{GROUP, cost};

pub(super) fn rows(versus: &mut Versus) {
    let count = versus.sized(1_000_000, 10_000);
    let mut handle = Hazard::new().register();
    let guard = handle.pin();
    let mut ours = Atomic::new(Owned::new(7_u64));
    let theirs = haphazard::AtomicPtr::from(Box::new(7_u64));
    if versus.wants(GROUP, "protect_reused") {
        let mut shield = guard.shield();
        let mut hazard = HazardPointer::new();
        versus.compare(
            (GROUP, "protect_reused", "ns"),
            31,
            || {
                cost(count, || {
                    let seen = shield.protect(&ours);
                    // SAFETY: loaded from a root, published whole.
                    black_box(unsafe { seen.deref() });
                })
            },
            vec![Contender::new("haphazard", || {
                cost(count, || {
                    black_box(theirs.safe_load(&mut hazard));
                })
            })],
        );
    }
    if versus.wants(GROUP, "protect_new") {
        versus.compare(
            (GROUP, "protect_new", "ns"),
            31,
            || {
                cost(count, || {
                    let mut shield = guard.shield();
                    let seen = shield.protect(&ours);
                    // SAFETY: as above.
                    black_box(unsafe { seen.deref() });
                })
            },
            vec![Contender::new("haphazard", || {
                cost(count, || {
                    let mut hazard = HazardPointer::new();
                    black_box(theirs.safe_load(&mut hazard));
                })
            })],
        );
    }
    // SAFETY: nobody else knows the cell.
    drop(unsafe { ours.take() });
    // SAFETY: as above, and the pointer is a box's.
    drop(unsafe { Box::from_raw(theirs.load_ptr()) });
}
