//! Finding deadlocks before they happen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::lock::{Mutex, MutexGuard, PoisonError};

use super::observe::{Caller, Observe};
use crate::holder::{Access, Holder};
use crate::raw::Watch;
use crate::registry::{self, Record};
use latchwork_sync::time::Instant;

/// A probe that panics where a thread is about to wait for itself, or takes locks in an order that
/// can end in a deadlock.
///
/// - A thread that would have to wait for a lock of which it holds a share or the write lock: the
///   panic names both call sites. So a read inside a read is found as soon as a writer waits
///   between, which under writer priority is a deadlock (and under [`Bounded`](crate::Bounded) a
///   pause of the patience).
/// - A thread that asks for a lock while it holds another, where some thread has asked in the
///   opposite order, directly or over other locks: the panic names the call sites of every step of
///   the cycle, also if the threads have never met.
///
/// For debugging and tests: each acquisition looks at what its thread holds, and one with
/// something held takes a mutex of the process. A thread shows eight acquisitions at a time; what
/// it holds beyond is not seen. A guard that goes to another thread counts for the one that asked.
///
/// ```
/// use latchwork_rwlock::probe::DebugAids;
/// use latchwork_rwlock::{Bounded, RwLock};
///
/// type Lock<T> = RwLock<T, Bounded, DebugAids>;
/// let (accounts, orders) = (Lock::new(1), Lock::new(2));
/// let both = *accounts.read() + *orders.read();
/// assert_eq!(both, 3);
/// ```
#[derive(Debug)]
pub struct DebugAids {
    /// The lock's number; 0 until it is first asked for.
    number: AtomicUsize,
}

impl Observe for DebugAids {
    const NEW: Self = Self { number: AtomicUsize::new(0) };

    type Held = Option<&'static Record>;
    type Watching<'a> = Asked;

    fn asks(&self, _access: Access, site: Caller) {
        let number = self.number();
        let others = own_records().filter(|&(what, _)| what & !7 != number);
        let others: Vec<_> = others.map(|(what, from)| (what & !7, from)).collect();
        if !others.is_empty() {
            check_order(&others, number, site);
        }
    }

    fn acquired(&self, access: Access, site: Caller) -> Option<&'static Record> {
        registry::own_block()?.show(self.number() | access as usize, site, 1)
    }

    fn watch(&self, access: Access, site: Caller) -> Asked {
        let number = self.number();
        let upgradable = number | Access::Upgradable as usize;
        // One that upgrades holds the share that it gives for the write lock.
        let own = own_records().find(|&(what, _)| {
            what & !7 == number && (access, what) != (Access::Write, upgradable)
        });
        if let Some((_, from)) = own {
            panic!(
                "a thread waits for itself: it asks for the {access} lock at {site} and must wait, \
                 and holds the lock from {from}"
            );
        }
        Asked { access, site }
    }

    fn acquired_late(&self, Asked { access, site }: Asked) -> Option<&'static Record> {
        self.acquired(access, site)
    }

    fn waited(&self, _asked: Asked) {}

    fn gave_up(&self, _asked: Asked) {}

    #[allow(clippy::ref_option_ref, reason = "what the trait says")]
    fn stamp(&self, _held: &Option<&'static Record>, _waited_for: bool) -> u64 {
        0
    }

    fn released(&self, held: Option<&'static Record>, _at: u64) {
        if let Some(record) = held {
            record.free();
        }
    }

    fn changed(&self, held: Option<&'static Record>, to: Access) -> Option<&'static Record> {
        let (_, site, _) = held?.glimpse()?;
        self.released(held, 0);
        self.acquired(to, site)
    }

    fn holder(&self) -> Option<Holder> {
        None
    }
}

/// What a thread waits for. It watches nothing while it does.
#[derive(Debug)]
pub struct Asked {
    access: Access,
    site: Caller,
}

impl Watch for Asked {
    const ON: bool = false;

    fn blocked(&mut self, _by_writer: bool) {}

    fn alarm(&self) -> Option<Instant> {
        None
    }

    fn look(&mut self, _now: Option<Instant>) {}

    fn gate(&mut self, _shut: bool) {}
}

impl DebugAids {
    fn number(&self) -> usize {
        registry::number(&self.number)
    }
}

impl Drop for DebugAids {
    fn drop(&mut self) {
        // Relaxed: nobody else has the lock.
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            registry::ALL.forget(|what| what & !7 == number);
            order().retain(|&(first, second), _| first != number && second != number);
        }
    }
}

/// What the calling thread holds.
fn own_records() -> impl Iterator<Item = (usize, Caller)> {
    registry::own_block()
        .into_iter()
        .flat_map(|block| &block.records)
        .filter_map(|record| record.glimpse().map(|(what, site, _)| (what, site)))
}

/// Which lock was asked for while which was held, and where each was asked for.
type Order = BTreeMap<(usize, usize), (Caller, Caller)>;

fn order() -> MutexGuard<'static, Order> {
    static ORDER: Mutex<Order> = Mutex::new(BTreeMap::new());
    ORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that `asked` is asked for while others are held.
fn check_order(held: &[(usize, Caller)], asked: usize, site: Caller) {
    let mut order = order();
    for &(first, from) in held {
        if order.contains_key(&(first, asked)) {
            continue;
        }
        if let Some(way) = way(&order, asked, first) {
            let mut text = format!(
                "locks are taken in orders that can deadlock: here at {site} while another is held \
                 from {from}"
            );
            for (from, site) in way {
                write!(text, "; elsewhere at {site} while another was held from {from}")
                    .expect("a string takes everything");
            }
            drop(order);
            panic!("{text}");
        }
        order.insert((first, asked), (from, site));
    }
}

/// The steps that lead from one lock to another in the order seen so far.
fn way(order: &Order, from: usize, to: usize) -> Option<Vec<(Caller, Caller)>> {
    let mut reached = BTreeMap::from([(from, None)]);
    let mut next = vec![from];
    while let Some(lock) = next.pop() {
        if lock == to {
            let mut steps = Vec::new();
            let mut lock = lock;
            while let Some(before) = reached[&lock] {
                steps.push(order[&(before, lock)]);
                lock = before;
            }
            steps.reverse();
            return Some(steps);
        }
        for (&(_, after), _) in order.range((lock, 0)..=(lock, usize::MAX)) {
            reached.entry(after).or_insert_with(|| {
                next.push(after);
                Some(lock)
            });
        }
    }
    None
}
