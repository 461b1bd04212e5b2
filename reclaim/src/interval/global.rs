use crate::engine::{ByBirth, ThreadGuard, global_domain};

/// A guarded section of this thread in the global domain, from [`pin`].
///
/// ```
/// use latchwork_reclaim::{Guard, interval};
///
/// let guard = interval::pin();
/// guard.defer(|| println!("everyone who was pinned has left"));
/// ```
pub type Guard = ThreadGuard<ByBirth>;

global_domain!(ByBirth);
