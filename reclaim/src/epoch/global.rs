use crate::engine::{ThreadGuard, Whole, global_domain};

/// A guarded section of this thread in the global domain, from [`pin`].
///
/// ```
/// use latchwork_reclaim::{Guard, epoch};
///
/// let guard = epoch::pin();
/// guard.defer(|| println!("everyone who was pinned has left"));
/// ```
pub type Guard = ThreadGuard<Whole>;

global_domain!(Whole);
